// Two nodes on one nats-server, and applications that speak plain NATS.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { freePort } from './support/ports.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';

after(endAll);
const nats = await NatsServer.start();
const application = await nats.client();
const nodes = [
  await Millrace.start({ shards: 2, args: ['--nats', nats.url] }),
  await Millrace.start({ shards: 2, args: ['--nats', nats.url] }),
];
for (const node of nodes) await node.ready();

async function openAll(counts, channel) {
  const open = async (node) => {
    const client = await RawClient.open(node);
    await client.subscribe(channel);
    return client;
  };
  return Promise.all(
    counts.flatMap((count, i) => Array.from({ length: count }, () => open(nodes[i]))),
  );
}

const leaveAll = (clients) => Promise.all(clients.map((client) => client.leave()));

// Row 000-6: the problem that NATS solves.
test('without NATS a publication stays on its node, and /stats says which broker', async () => {
  const alone = [await Millrace.start(), await Millrace.start()];
  const clients = [await RawClient.open(alone[0]), await RawClient.open(alone[1])];
  for (const client of clients) await client.subscribe('updates');
  assert.equal((await alone[1].publish('updates', '1')).body.result.offset, 1);
  await clients[1].received('updates', 1);
  await sleep(200);
  assert.deepEqual(clients[0].publications('updates'), []);
  assert.equal((await alone[0].stats()).broker, 'memory');
  assert.equal((await nodes[0].stats()).broker, 'nats');
  for (const client of clients) await client.leave();
  for (const node of alone) await node.stop();
});

async function heldOnly(subjects) {
  const wanted = JSON.stringify(subjects);
  let held;
  await waitFor(async () => {
    held = await nats.subjects();
    return JSON.stringify(held) === wanted;
  }, `subscriptions ${wanted}`).catch((error) => {
    throw new Error(`${error.message}; held ${JSON.stringify(held)}`);
  });
}

async function subscribersPerShard(node) {
  return (await node.stats()).shards.filter(({ subscriptions }) => subscriptions > 0).length;
}

// Row 000-7.
test('1,000 publications reach 100 clients on each node exactly once, in order', async () => {
  const perNode = scaled(100);
  const count = scaled(1000);
  const clients = await openAll([perNode, perNode], 'com:scaling-ws.updates');
  for (let seq = 1; seq <= count; ++seq) {
    application.publish('com.scaling-ws.updates', JSON.stringify({ seq }));
  }
  const all = Array.from({ length: count }, (_, i) => ({ seq: i + 1 }));
  for (const client of clients) await client.received('com:scaling-ws.updates', count, 20_000);
  await sleep(100);
  for (const client of clients) {
    assert.deepEqual(client.publications('com:scaling-ws.updates'), all);
  }
  await leaveAll(clients);
});

// Row 000-8.
test('payload bytes from NATS reach clients unchanged', async () => {
  const clients = await openAll([1, 1], 'time');
  const data = '{"sendTime":"Mon Nov 23 01:38:16 2026\\n" , "n":1.0,"u":"é\\u00e9水🚀","e":[]}';
  application.publish('time', data);
  for (const client of clients) {
    await client.received('time', 1);
    assert.equal(client.texts.at(-1), `{"push":{"channel":"time","pub":{"data":${data}}}}`);
  }
  await leaveAll(clients);
});

// Rows 000-11 and 004-21.
test('NATS sees a connection a shard and a subscription a channel, no more', async () => {
  assert.equal((await nats.connections()).length, 4);
  const first = await openAll([1, 1], 'crowd');
  await heldOnly(['crowd', 'crowd']);
  const rest = await openAll([scaled(150), scaled(150)], 'crowd');
  const shards = (await subscribersPerShard(nodes[0])) + (await subscribersPerShard(nodes[1]));
  await heldOnly(Array(shards).fill('crowd'));
  assert.ok(shards <= 4);
  assert.equal((await nats.connections()).length, 4);
  const counted = await Promise.all(
    nodes.map((node) => node.metric('millrace_nats_subscriptions')),
  );
  assert.equal(counted[0] + counted[1], shards);
  await leaveAll([...first, ...rest]);
  await heldOnly([]);
});

// Row 002-1.
test('a plain publisher and a subscriber of one node', async () => {
  const [client] = await openAll([1], 'updates');
  for (let i = 0; i < 4; ++i) {
    application.publish('updates', JSON.stringify({ i }));
    await client.received('updates', i + 1);
    await sleep(100);
  }
  await client.leave();
});

// Row 004-18.
// The nodes' signs of life come to all, a few hundred bytes a second.
test('a node without a subscriber gets no byte of a publication', async () => {
  const [client] = await openAll([1, 0], 'quiet');
  const outTo = async () => {
    const connections = await nats.connections();
    return connections.map((one) => [one.cid, one.out_msgs, one.out_bytes]).sort();
  };
  const before = await outTo();
  for (let i = 0; i < 50; ++i)
    application.publish('quiet', JSON.stringify({ i, pad: 'x'.repeat(999) }));
  await client.received('quiet', 50);
  await application.flush();
  const grown = (await outTo()).filter(([cid, messages, bytes], i) => {
    assert.equal(cid, before[i][0]);
    const [, messagesBefore, bytesBefore] = before[i];
    const signs = messages - messagesBefore;
    if (bytes - bytesBefore >= 50 * 999) return true;
    assert.ok(bytes - bytesBefore <= 500 * signs, 'each of the others is short');
    assert.ok(signs < 50, `${signs} messages`);
    return false;
  });
  assert.equal(grown.length, 1, 'one shard alone gets it');
  await client.leave();
});

test('what a client of one node publishes reaches the SDK on the other, and NATS', async () => {
  const heard = [];
  const listener = application.subscribe('game.abc', {
    callback: (_, message) => heard.push(message.string()),
  });
  await application.flush();
  const [writer, reader] = nodes.map((node) => sdkClient(node));
  writer.connect();
  reader.connect();
  const subscription = reader.newSubscription('game:abc');
  const got = [];
  subscription.on('publication', ({ data }) => got.push(data));
  subscription.subscribe();
  await subscription.ready(5000);
  await writer.ready(5000);
  await writer.publish('game:abc', { move: 1, text: 'é' });
  await waitFor(() => got.length === 1, 'the publication');
  assert.deepEqual(got, [{ move: 1, text: 'é' }]);
  await waitFor(() => heard.length === 1, 'the message');
  assert.deepEqual(heard, ['{"move":1,"text":"é"}']);

  assert.deepEqual((await nodes[1].publish('game:abc', { move: 2 })).body, { result: {} });
  await waitFor(() => got.length === 2 && heard.length === 2, 'the second one');
  assert.deepEqual(got[1], { move: 2 });
  listener.unsubscribe();
  writer.disconnect();
  reader.disconnect();
});

test('characters beyond the alphabet are escaped in the subject, one to one', async () => {
  const clients = await openAll([1, 1], 'chat:room é/1=?*');
  const subject = 'chat.room=20=C3=A9=2F1=3D=3F=2A';
  await heldOnly([subject, subject]);
  application.publish(subject, '1');
  for (const client of clients) await client.received('chat:room é/1=?*', 1);
  await leaveAll(clients);
});

test('hostile names reach no subject but their own', async () => {
  const spy = await nats.client();
  const seen = [];
  spy.subscribe('>', { callback: (_, { subject }) => seen.push(subject) });
  await spy.flush();
  const writer = await RawClient.open(nodes[0]);
  const refused = ['_INBOX', '_INBOX.x', 'millrace', 'millrace:api.x', 'a.b', 'a.b:c', '_x:y'];
  refused.push('a:', 'a:b..c', 'a:.', 'default:x', '$SYS.REQ', 'a:b.', '>.x');
  for (const channel of refused) {
    assert.equal((await writer.call({ publish: { channel, data: 1 } })).error?.code, 107, channel);
    assert.equal((await nodes[0].publish(channel, '1')).body.error?.code, 107, channel);
  }
  const escaped = {
    'x\r\nPUB evil 1\r\n1\r\n': 'x=0D=0APUB=20evil=201=0D=0A1=0D=0A',
    'a b': 'a=20b',
    '*': '=2A',
    '>': '=3E',
    'ns:*': 'ns.=2A',
    'ns:>': 'ns.=3E',
    'ns:a.*': 'ns.a.=2A',
    'ns:a:b': 'ns.a=3Ab',
    $SYS: '=24SYS',
    '$SYS:REQ': '=24SYS.REQ',
    '$JS:API': '=24JS.API',
    'nul\u0000': 'nul=00',
    'a=20b': 'a=3D20b',
    'tab\t': 'tab=09',
    Millrace: 'Millrace',
    'ns:millrace': 'ns.millrace',
    'ns:_INBOX.x': 'ns._INBOX.x',
  };
  for (const channel of Object.keys(escaped)) {
    await writer.subscribe(channel);
    const reply = await writer.call({ publish: { channel, data: 1 } });
    assert.deepEqual(reply.publish, {}, JSON.stringify(reply));
  }
  await heldOnly(Object.values(escaped).sort());
  for (const channel of Object.keys(escaped)) await writer.received(channel, 1);
  await spy.flush();
  assert.deepEqual(seen.sort(), Object.values(escaped).sort());
  for (const channel of Object.keys(escaped)) {
    assert.deepEqual(writer.publications(channel), [1], channel);
  }
  await writer.leave();
});

test('a payload with line breaks reaches the SDK; what is not JSON is counted', async () => {
  const client = sdkClient(nodes[0]);
  const events = [];
  client.on('disconnected', (event) => events.push(event));
  client.on('connecting', (event) => events.push(event));
  client.connect();
  const subscription = client.newSubscription('lines');
  const got = [];
  subscription.on('publication', ({ data }) => got.push(data));
  subscription.subscribe();
  await subscription.ready(5000);
  const before = await nodes[0].metric('millrace_broker_dropped_payload_total');

  application.publish('lines', '{\r\n  "a": "x\\ny",\n  "b": [\n    1,\n    2\n  ]\n}\n');
  const bad = ['', 'hello', '{"a":', "{'a':1}", '{"a":"x\ny"}', '1 2', '\ufeff{}', '\n', 'NaN'];
  bad.push(Buffer.from([0x22, 0xff, 0x22]), '['.repeat(100) + ']'.repeat(100), '{}\n{"id":1}');
  for (const payload of bad) application.publish('lines', payload);
  application.publish('lines', '"the end"');
  await waitFor(() => got.length >= 2, 'two publications');
  assert.deepEqual(got, [{ a: 'x\ny', b: [1, 2] }, 'the end']);
  const dropped = (await nodes[0].metric('millrace_broker_dropped_payload_total')) - before;
  assert.equal(dropped, bad.length);
  assert.equal(events.length, 1, 'it reconnected');
  client.disconnect();
});

test('interest = "prefix" is one wildcard a shard; "channel" is a subscription each', async () => {
  const config = configFile(
    '[namespaces.wide]\ninterest = "prefix"\n[namespaces.fine]\ninterest = "channel"\n',
  );
  const args = ['--nats', nats.url, '--config', config];
  const node = await Millrace.start({ args });
  const client = await RawClient.open(node);
  for (let i = 0; i < 20; ++i) await client.subscribe(`wide:${i}`);
  await heldOnly(['wide.>']);
  for (let i = 0; i < 5; ++i) await client.subscribe(`fine:${i}`);
  await heldOnly(['fine.0', 'fine.1', 'fine.2', 'fine.3', 'fine.4', 'wide.>']);
  application.publish('wide.7', '7');
  application.publish('wide.nobody', '0');
  application.publish('fine.3', '3');
  await client.received('wide:7', 1);
  await client.received('fine:3', 1);
  assert.equal(client.messages.filter(({ push }) => push).length, 2);
  // Another spelling of wide:7 is no channel, and is counted.
  application.publish('wide.=37', '"misspelt"');
  const dropped = () => node.metric('millrace_broker_dropped_subject_total');
  await waitFor(async () => (await dropped()) === 1, 'the dropped one');
  assert.deepEqual(client.publications('wide:7'), [7]);
  for (let i = 0; i < 19; ++i) await client.call({ unsubscribe: { channel: `wide:${i}` } });
  for (let i = 0; i < 5; ++i) await client.call({ unsubscribe: { channel: `fine:${i}` } });
  await heldOnly(['wide.>']);
  application.publish('wide.19', '19');
  await client.received('wide:19', 1);
  await client.call({ unsubscribe: { channel: 'wide:19' } });
  await heldOnly([]);
  await client.leave();
  await node.stop();
});

test('subject_prefix stands in front of every subject, both ways', async () => {
  const env = { MILLRACE_BROKER_SUBJECT_PREFIX: 'staging.eu' };
  const node = await Millrace.start({ args: ['--nats', nats.url], env });
  const client = await RawClient.open(node);
  await client.subscribe('game:abc');
  await heldOnly(['staging.eu.game.abc']);
  application.publish('game.abc', '"without"');
  application.publish('staging.eu.game.abc', '"with"');
  await client.received('game:abc', 1);
  assert.deepEqual(client.publications('game:abc'), ['with']);
  const heard = [];
  const listener = application.subscribe('>', {
    callback: (_, { subject }) => heard.push(subject),
  });
  await application.flush();
  await client.call({ publish: { channel: 'game:abc', data: 1 } });
  await waitFor(() => heard.length > 0, 'the message');
  assert.deepEqual(heard, ['staging.eu.game.abc']);
  listener.unsubscribe();
  await client.leave();
  await node.stop();
});

test('with NATS away at the start the server says why, and is ready when it comes', async () => {
  const late = new NatsServer(await freePort(), await freePort());
  const node = await Millrace.start({ shards: 2, args: ['--nats', late.url] });
  const { status, text } = await node.get('/readyz');
  assert.equal(status, 503);
  assert.match(text, /NATS/);
  assert.ok(text.includes(`127.0.0.1:${late.port}`), text);
  assert.equal((await node.get('/healthz')).status, 200);
  const client = await RawClient.open(node);
  await client.subscribe('early');
  const { body } = await node.publish('early', '1');
  assert.equal(body.error.code, 100);
  const refusal = await client.call({ publish: { channel: 'early', data: 1 } });
  assert.deepEqual([refusal.error.code, refusal.error.temporary], [100, true]);

  await late.launch();
  await node.ready();
  const other = await late.client();
  other.publish('early', '"it came"');
  await client.received('early', 1);
  assert.deepEqual(client.publications('early'), ['it came']);
  assert.equal(client.close, null);
  await client.leave();
  await node.stop();
  await late.stop();
});

test('the nodes end cleanly and leave nothing at NATS', async () => {
  for (const node of nodes) {
    const metrics = await node.metrics();
    assert.equal(metrics.millrace_nats_subscriptions, 0);
    assert.equal(metrics.millrace_broker_outages_total, 0);
    await node.stop();
  }
  await waitFor(async () => (await nats.connections()).length === 0, 'no connection');
  await nats.stop();
});
