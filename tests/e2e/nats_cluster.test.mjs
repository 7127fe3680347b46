// A cluster of NATS: shards spread over its nodes, follow it when nodes come and go, and leave one
// that is about to shut down before it does.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { heardOn, limits, openMany, subjectOf } from './support/many_channels.mjs';
import { Millrace } from './support/millrace.mjs';
import { NatsCluster } from './support/nats_nodes.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';

after(endAll);

// How many connections of millrace each node has.
async function spread(cluster) {
  const running = cluster.nodes.filter(({ run }) => !run.result);
  return Promise.all(running.map(async (node) => (await node.connections()).length));
}

async function spreadIs(cluster, wanted) {
  let found;
  await waitFor(async () => {
    found = await spread(cluster);
    return wanted(found);
  }, 'the connections to be spread', 10_000).catch((error) => {
    throw new Error(`${error.message}; they are ${found}`);
  });
}

const sum = (counts) => counts.reduce((all, one) => all + one, 0);
const even = (counts) => Math.max(...counts) - Math.min(...counts) <= 1;

async function subscribed(node, count, channel) {
  const clients = [];
  for (let i = 0; i < count; ++i) {
    const client = await RawClient.open(node);
    await client.subscribe(typeof channel === 'function' ? channel(i) : channel);
    clients.push(client);
  }
  return clients;
}

const leaveAll = (clients) => Promise.all(clients.map((client) => client.leave()));

// Rows 002-2, 002-4, 002-5 and 002-7.
test('shards spread evenly over three nodes, and a message reaches them on each', async () => {
  const cluster = await NatsCluster.start(3);
  for (const shards of [1, 4, 9]) {
    const node = await Millrace.start({ shards, args: ['--nats', cluster.urls.join(',')] });
    await node.ready();
    await spreadIs(cluster, (counts) => sum(counts) === shards && even(counts));
    const clients = await subscribed(node, scaled(60), 'news');
    const publisher = await cluster.nodes[0].client();
    for (let i = 0; i < 20; ++i) publisher.publish('news', JSON.stringify(i));
    for (const client of clients) await client.received('news', 20);
    for (const client of clients) {
      assert.deepEqual(client.publications('news'), Array.from({ length: 20 }, (_, i) => i));
    }
    await leaveAll(clients);
    await node.stop();
    await spreadIs(cluster, (counts) => sum(counts) === 0);
  }
  for (const node of cluster.nodes) await node.stop();
});

// Rows R-8 and 004-29; bench/nats/resubscribe.mjs measures it.
test('a node with very many channels has all of them again', async () => {
  const cluster = await NatsCluster.start(3);
  const args = ['--nats', cluster.urls.join(',')];
  const node = await Millrace.start({ shards: 2, limits, args });
  await node.ready();
  const count = scaled(40_000);
  const clients = await openMany(node, count);
  const held = (await spread(cluster)).map((number, i) => [number, i]);
  const [, dying] = held.find(([number]) => number > 0);
  await cluster.nodes[dying].kill();
  await waitFor(async () => (await node.metric('millrace_broker_outages_total')) > 0, 'the outage');
  await node.brokerReady();
  const publisher = await cluster.nodes[(dying + 1) % 3].client();
  for (let i = 0; i < count; ++i) publisher.publish(subjectOf(i), '1');
  await waitFor(() => heardOn(clients).size === count, 'a publication of each', 30_000);
  await leaveAll(clients);
  await node.stop();
  for (const one of cluster.nodes) if (!one.run.result) await one.stop();
});

// Row 002-3: kill -9.
test('a node dies: its shards go on at the others, and no client is told', async () => {
  const cluster = await NatsCluster.start(3);
  const node = await Millrace.start({ shards: 6, args: ['--nats', cluster.urls.join(',')] });
  await node.ready();
  await spreadIs(cluster, (counts) => counts.every((count) => count === 2));
  const clients = await subscribed(node, 30, (i) => `own:${i}`);
  await cluster.nodes[0].kill();
  await spreadIs(cluster, (counts) => sum(counts) === 6 && even(counts));
  await node.brokerReady();
  const publisher = await cluster.nodes[1].client();
  for (let i = 0; i < 30; ++i) publisher.publish(`own.${i}`, JSON.stringify({ i }));
  for (const [i, client] of clients.entries()) await client.received(`own:${i}`, 1);
  assert.equal((await node.publish('own:3', '"again"')).status, 200);
  await clients[3].received('own:3', 2);
  assert.equal(await node.metric('millrace_broker_outages_total'), 2, 'of the two shards there');
  for (const client of clients) assert.equal(client.gone, false);
  await leaveAll(clients);
  await node.stop();
  for (const one of cluster.nodes.slice(1)) await one.stop();
});

// Rows 002-3 and 002-8: given one URL, and later all that were named are gone.
test('nodes that join are learnt of, and are enough when the one that was given dies', async () => {
  const cluster = await NatsCluster.start(1);
  const node = await Millrace.start({ shards: 4, args: ['--nats', cluster.urls[0]] });
  await node.ready();
  const clients = await subscribed(node, 20, 'news');
  await cluster.add();
  await cluster.add();
  await cluster.nodes[0].kill();
  await spreadIs(cluster, (counts) => sum(counts) === 4);
  await node.brokerReady();
  const publisher = await cluster.nodes[2].client();
  publisher.publish('news', '1');
  for (const client of clients) await client.received('news', 1);
  await leaveAll(clients);
  await node.stop();
  for (const one of cluster.nodes.slice(1)) await one.stop();
});

// Row R-10. Everything is published, from two nodes, while the third tells that it will shut down.
test('a node in lame duck mode is left: nothing is lost, doubled, reordered or told', async () => {
  const cluster = await NatsCluster.start(
    3, 'lame_duck_grace_period: "4s"\nlame_duck_duration: "30s"',
  );
  const node = await Millrace.start({ shards: 3, args: ['--nats', cluster.urls.join(',')] });
  await node.ready();
  await spreadIs(cluster, (counts) => counts.every((count) => count === 1));
  const clients = await subscribed(node, scaled(30), 'news');
  const ticks = await subscribed(node, 6, 'tick');
  const publishers = [await cluster.nodes[1].client(), await cluster.nodes[2].client()];
  let sent = 0;
  let ticked = 0;
  let nextTick = 0;
  let going = true;
  const load = (async () => {
    while (going) {
      for (const [p, publisher] of publishers.entries()) {
        publisher.publish('news', JSON.stringify({ p, n: sent }));
      }
      if (performance.now() >= nextTick) {
        nextTick = performance.now() + 200;
        publishers[ticked % 2].publish('tick', '"the same each time"');
        ++ticked;
      }
      ++sent;
      await sleep(1);
    }
  })();
  // What a client publishes meanwhile is accepted.
  let own = 0;
  const writer = await RawClient.open(node);
  const publications = (async () => {
    while (going) {
      const reply = await writer.call({ publish: { channel: 'own', data: ++own } });
      assert.ok(reply.publish, JSON.stringify(reply));
      await sleep(3);
    }
  })();
  await sleep(300);
  cluster.nodes[0].lameDuck();
  await waitFor(async () => (await spread(cluster))[0] === 0, 'the shard to move', 10_000);
  const late = await subscribed(node, 6, 'late');
  await sleep(2500); // until the tail of the move is over
  going = false;
  await Promise.all([load, publications]);
  publishers[0].publish('late', '1');
  for (const client of late) await client.received('late', 1);
  for (const client of clients) await client.received('news', 2 * sent);
  await Promise.all(ticks.map((client) => client.received('tick', ticked)));
  await sleep(100);
  for (const client of clients) {
    const heard = client.publications('news');
    assert.equal(heard.length, 2 * sent);
    for (const p of [0, 1]) {
      const numbers = heard.filter((one) => one.p === p).map(({ n }) => n);
      assert.deepEqual(numbers, Array.from({ length: sent }, (_, i) => i));
    }
  }
  for (const client of ticks) assert.equal(client.publications('tick').length, ticked);
  assert.equal(await node.metric('millrace_broker_outages_total'), 0);
  for (const client of [...clients, ...ticks, ...late, writer]) assert.equal(client.gone, false);
  await leaveAll([...clients, ...ticks, ...late, writer]);
  await node.stop();
  for (const one of cluster.nodes) await one.stop();
});

test('the only node in lame duck mode is kept until it goes, and found again', async () => {
  const cluster = await NatsCluster.start(
    1, 'lame_duck_grace_period: "1s"\nlame_duck_duration: "30s"',
  );
  const [nats] = cluster.nodes;
  const node = await Millrace.start({ shards: 2, args: ['--nats', nats.url] });
  await node.ready();
  const [client] = await subscribed(node, 1, 'news');
  nats.lameDuck();
  await nats.end();
  await waitFor(async () => (await node.get('/readyz')).status === 503, 'the outage');
  await nats.launch();
  await node.brokerReady();
  assert.equal((await node.publish('news', '1')).status, 200);
  await client.received('news', 1);
  await client.leave();
  await node.stop();
  await nats.stop();
});
