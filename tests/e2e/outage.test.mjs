// NATS fails under load in two ways: killed and back, and stopped but not gone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { scaled, sleep, slowness, timed, waitFor } from './support/wait.mjs';

after(endAll);
const nats = await NatsServer.start();
const limits = { ping_interval: '2s', pong_timeout: '1500ms' };
const options = { shards: 2, limits, args: ['--nats', nats.url] };
const nodes = [await Millrace.start(options), await Millrace.start(options)];
for (const node of nodes) await node.ready();
const application = await nats.client();

const perNode = scaled(50);
const clients = [];
for (let i = 0; i < 2 * perNode; ++i) {
  const client = await RawClient.open(nodes[i % 2]);
  await client.subscribe('load');
  await client.subscribe(`own:${i}`);
  clients.push(client);
}

// The numbers go on from one load to the next.
let seq = 0;
let own = 0;

// Publishes from NATS and from a client of the first node until it is told to stop.
function startLoad() {
  const seqBefore = seq;
  let accepted = 0;
  let refused = 0;
  let going = true;
  const fromNats = (async () => {
    while (going) {
      // What this client buffers while NATS is away would come late, and is not what is tested.
      if (!application.isClosed() && connectedToNats) {
        application.publish('load', JSON.stringify({ seq: ++seq }));
      }
      await sleep(2);
    }
  })();
  const fromClient = (async () => {
    const writer = await RawClient.open(nodes[0]);
    while (going) {
      const data = { own: ++own };
      const reply = await writer.call({ publish: { channel: 'load', data } }, 10_000);
      if (reply.publish) ++accepted;
      else {
        assert.equal(reply.error.code, 100);
        assert.equal(reply.error.temporary, true);
        ++refused;
      }
      await sleep(5);
    }
    await writer.leave();
  })();
  return async () => {
    going = false;
    await Promise.all([fromNats, fromClient]);
    return { published: seq - seqBefore, accepted, refused };
  };
}

let connectedToNats = true;
(async () => {
  for await (const { type } of application.status()) {
    if (type === 'disconnect') connectedToNats = false;
    if (type === 'reconnect') connectedToNats = true;
  }
})();

async function assertAllServed(round) {
  for (const [i] of clients.entries()) application.publish(`own.${i}`, JSON.stringify({ round }));
  await application.flush();
  for (const [i, client] of clients.entries()) {
    await waitFor(
      () => client.publications(`own:${i}`).some((data) => data.round === round),
      `client ${i} to get the publication of ${round}`,
    );
    const own = client.publications(`own:${i}`).filter((data) => data.round === round);
    assert.equal(own.length, 1, 'exactly once');
  }
}

// Neither a number twice nor one that is lower than the one before it.
function assertNothingTwice() {
  for (const client of clients) {
    const load = client.publications('load');
    for (const name of ['seq', 'own']) {
      const numbers = load.map((data) => data[name]).filter((number) => number !== undefined);
      numbers.forEach((number, i) =>
        assert.ok(i === 0 || number > numbers[i - 1], `${name} ${number}`),
      );
    }
  }
}

const notReady = (node) =>
  waitFor(async () => (await node.get('/readyz')).status === 503, '/readyz to be 503', 10_000);

async function sumOf(name) {
  const each = await Promise.all(nodes.map((node) => node.metric(name)));
  return each.reduce((sum, value) => sum + value, 0);
}

function assertNobodyLeft() {
  for (const client of clients) {
    assert.equal(client.close, null);
    assert.equal(client.gone, false);
  }
}

test('kill -9 of nats-server under load and its return', async () => {
  await assertAllServed('before');
  const held = await sumOf('millrace_nats_subscriptions');
  assert.ok(held >= clients.length);
  const stopLoad = startLoad();
  await sleep(500);
  await nats.kill();
  for (const node of nodes) {
    await notReady(node);
    assert.match((await node.get('/readyz')).text, /NATS/);
    assert.equal((await node.get('/healthz')).status, 200);
  }
  const { value, ms } = await timed(nodes[1].publish('load', '{}'));
  assert.equal(value.body.error.code, 100);
  assert.ok(ms < 1000 * slowness, `took ${ms} ms`);
  // A channel may be subscribed to while NATS is away.
  await clients[0].subscribe('during');
  await sleep(1500);

  await nats.launch();
  for (const node of nodes) await node.ready();
  await waitFor(() => connectedToNats, 'the application to be connected again');
  await sleep(500);
  const { published, accepted, refused } = await stopLoad();
  assert.ok(published > 100 && accepted > 10 && refused > 0, `${[published, accepted, refused]}`);

  await assertAllServed('after');
  application.publish('during', '1');
  await clients[0].received('during', 1);
  assertNothingTwice();
  assertNobodyLeft();
  assert.equal(await sumOf('millrace_nats_subscriptions'), held + 1);
  const connections = await nats.connections();
  assert.equal(connections.length, 4, 'each shard has one connection');
  const loads = (await nats.subjects()).filter((subject) => subject === 'load');
  assert.ok(loads.length >= 2 && loads.length <= 4);
  for (const node of nodes) {
    const metrics = await node.metrics();
    assert.ok(metrics.millrace_broker_outages_total >= 2, 'an outage a shard');
    assert.ok(metrics.millrace_broker_outage_milliseconds_total >= 2 * 1500);
    assert.equal(metrics.millrace_broker_ready, 2);
  }
});

test('a nats-server that is stopped, not killed, blocks no shard', async () => {
  const stopLoad = startLoad();
  await sleep(300);
  const pingsBefore = clients.map(({ pings }) => pings);
  nats.freeze();
  try {
    const publish = timed(nodes[0].publish('load', '{}'));
    for (const node of nodes) {
      for (const path of ['/healthz', '/metrics', '/stats', '/readyz']) {
        const { ms } = await timed(node.get(path));
        assert.ok(ms < 500 * slowness, `${path} took ${ms} ms`);
      }
    }
    const newcomer = await timed(RawClient.open(nodes[1]));
    assert.ok(newcomer.ms < 500 * slowness, `connecting took ${newcomer.ms} ms`);
    const leaving = await timed(clients[0].call({ unsubscribe: { channel: 'nothing' } }));
    assert.ok(leaving.ms < 500 * slowness, `unsubscribing took ${leaving.ms} ms`);
    const { value, ms } = await publish;
    assert.equal(value.body.error?.code, 100, JSON.stringify(value.body));
    assert.ok(ms < 5500 * slowness, `publishing took ${ms} ms`);
    // A subscription is answered before the SDKs' own five seconds are over.
    await newcomer.value.subscribe('while-frozen', 4900);
    for (const node of nodes) await notReady(node);
    await waitFor(
      () => clients.every(({ pings }, i) => pings >= pingsBefore[i] + 2),
      'two pings for everybody',
      6_000,
    );
    assertNobodyLeft();

    nats.thaw();
    for (const node of nodes) await node.ready();
    await waitFor(() => connectedToNats, 'the application to be connected again', 20_000);
    application.publish('while-frozen', '1');
    await newcomer.value.received('while-frozen', 1);
    await newcomer.value.leave();
  } finally {
    nats.thaw();
  }
  await stopLoad();
  await assertAllServed('thawed');
  assertNothingTwice();
  assertNobodyLeft();
});

test('the nodes end cleanly, even with NATS away', async () => {
  await nats.stop();
  await Promise.all(clients.map((client) => client.leave()));
  for (const node of nodes) await node.stop();
});
