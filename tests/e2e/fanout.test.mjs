// Many subscribers over two nodes: each gets all, once and in order, and a publication is encoded
// once a shard, whatever their number.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { startSwarm } from './support/swarm.mjs';
import { scaled, sleep } from './support/wait.mjs';

after(endAll);
const nats = await NatsServer.start();
const application = await nats.client();
const args = ['--nats', nats.url];
const nodes = [
  await Millrace.start({ shards: 2, args }),
  await Millrace.start({ shards: 2, args }),
];
for (const node of nodes) await node.ready();

const names = ['encodes', 'publications', 'deliveries', 'sends', 'slow_disconnects'];

async function totals() {
  const each = await Promise.all(nodes.map((node) => node.metrics()));
  const total = (name) => each.reduce((sum, one) => sum + one[`millrace_${name}_total`], 0);
  return Object.fromEntries(names.map((name) => [name, total(name)]));
}

async function shardsWithSubscribers() {
  const stats = await Promise.all(nodes.map((node) => node.stats()));
  const shards = stats.flatMap((one) => one.shards);
  return shards.filter(({ subscriptions }) => subscriptions > 0).length;
}

// Subscribes a swarm, publishes {"seq":1}, {"seq":2}, ... and resolves to what grew meanwhile.
async function fanOut({ channel, connections, publications, servers = nodes, pauseMs = 10 }) {
  const swarm = await startSwarm(servers, { channel, connections, expect: publications });
  const shards = await shardsWithSubscribers();
  const before = await totals();
  for (let seq = 1; seq <= publications; ++seq) {
    application.publish(channel, JSON.stringify({ seq }));
    // Bursts of ten: steady, yet with something to batch.
    if (seq % 10 === 0) {
      await application.flush();
      await sleep(pauseMs);
    }
  }
  const seen = await swarm.result();
  const end = await totals();
  const grown = Object.fromEntries(names.map((name) => [name, end[name] - before[name]]));
  return { seen, grown, shards };
}

test('10,000 connections over two nodes get 1,000 publications once and in order', async () => {
  const connections = scaled(10_000);
  const publications = scaled(1_000);
  const { seen, grown, shards } = await fanOut({ channel: 'crowd', connections, publications });
  const what = JSON.stringify({ seen, grown });
  assert.equal(seen.exact, true, what);
  assert.equal(seen.received, connections * publications, what);
  assert.deepEqual([seen.duplicates, seen.holes, seen.disconnects], [0, 0, 0], what);
  assert.equal(shards, 4);
  assert.equal(grown.encodes, publications * shards, what);
  assert.equal(grown.publications, publications * shards, what);
  assert.equal(grown.deliveries, connections * publications, what);
  // Messages that wait together leave together.
  assert.ok(grown.sends < grown.deliveries / 2, what);
  assert.equal(grown.slow_disconnects, 0, what);
});

test('a publication is encoded once a shard, for 10 subscribers as for 1,000', async () => {
  const publications = 100;
  for (const connections of [10, scaled(1_000)]) {
    const channel = `of-${connections}`;
    const { seen, grown, shards } = await fanOut({ channel, connections, publications });
    assert.equal(seen.exact, true, JSON.stringify(seen));
    assert.ok(shards >= 1);
    assert.equal(grown.encodes, publications * shards);
    assert.equal(grown.deliveries, publications * connections);
  }
});

test('one publication at a time is one send a subscriber, no more', async () => {
  const channel = 'single';
  const [node] = nodes;
  const swarm = await startSwarm([node], { channel, connections: 100, expect: 20 });
  const before = await totals();
  for (let seq = 1; seq <= 20; ++seq) {
    assert.deepEqual((await node.publish(channel, { seq })).body, { result: {} });
    await sleep(20);
  }
  assert.equal((await swarm.result()).exact, true);
  const grown = (await totals()).sends - before.sends;
  // The answers to the API's calls are sends too.
  assert.ok(grown >= 2_000 && grown <= 2_020, `${grown} sends`);
});

test('the nodes end cleanly', async () => {
  for (const node of nodes) await node.stop();
  await nats.stop();
});
