// Published clients, unchanged: npm centrifuge and npm ws, and the protocol's rules that they don't
// reach, over a bare socket.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import WebSocket from 'ws';

import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient, opcodes } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { sleep, waitFor, within } from './support/wait.mjs';

after(endAll);
// Channels that keep nothing.
const plain = ['--config', configFile('[namespaces.default]\n')];
const server = await Millrace.start({ shards: 2, args: plain });
const pinging = await Millrace.start({ limits: { ping_interval: '1s', pong_timeout: '500ms' } });

function sdk(to = server, options = {}) {
  const client = sdkClient(to, options);
  client.disconnections = [];
  client.on('disconnected', (event) => client.disconnections.push(event));
  client.connectings = [];
  client.on('connecting', (event) => client.connectings.push(event));
  return client;
}

async function connected(to, options) {
  const client = sdk(to, options);
  client.connect();
  await client.ready(5000);
  return client;
}

// A subscription that keeps what it gets.
async function subscribed(client, channel) {
  const subscription = client.newSubscription(channel);
  subscription.got = [];
  subscription.on('publication', ({ data }) => subscription.got.push(data));
  subscription.subscribe();
  await subscription.ready(5000);
  return subscription;
}

const payload = {
  sendTime: 'Mon Nov 23 01:38:16 2026\n',
  text: 'Wasserrad é 水車 🚀 \u2028 \\ " \u0000 </script>',
  numbers: [0, -1, 1.5, 1e300, 9007199254740991],
  nested: { empty: {}, list: [[], [null, true, false]] },
  '': 'an empty key',
};

test('the SDK connects, subscribes, publishes and receives', async () => {
  const client = sdk();
  const connection = new Promise((resolve) => client.once('connected', resolve));
  client.connect();
  const { client: id, transport } = await within(connection, 'connected');
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(transport, 'websocket');

  const subscription = await subscribed(client, 'news');
  await subscription.publish(payload);
  await client.publish('news', 'a string');
  await waitFor(() => subscription.got.length === 2, 'two publications');
  assert.deepEqual(subscription.got, [payload, 'a string']);

  subscription.unsubscribe();
  await client.publish('news', 'unheard');
  subscription.subscribe();
  await subscription.ready(5000);
  await client.publish('news', 'again');
  await waitFor(() => subscription.got.length === 3, 'the third publication');
  assert.equal(subscription.got[2], 'again');
  client.disconnect();
});

test('the bytes of a payload reach subscribers unchanged', async () => {
  const reader = await RawClient.open(server);
  await reader.subscribe('bytes');
  const data =
    '{"n":1.00, "big":123456789012345678901234567890,"u":"\\u00e9é","s":"a\\/b" ,"e":1E+2}';
  const writer = await RawClient.open(server);
  writer.sendText(`{"id":7,"publish":{"channel":"bytes","data":${data}}}`);
  assert.deepEqual((await writer.reply(7)).publish, {});
  await reader.received('bytes', 1);
  assert.ok(reader.texts.at(-1).includes(`"data":${data}`), reader.texts.at(-1));
  await reader.leave();
  await writer.leave();
});

test('subscribing and unsubscribing 20 times in a row ends subscribed', async () => {
  const client = await connected();
  const subscription = client.newSubscription('hasty');
  const errors = [];
  subscription.on('error', (event) => errors.push(event));
  const got = [];
  subscription.on('publication', ({ data }) => got.push(data));
  for (let i = 0; i < 20; ++i) {
    subscription.subscribe();
    subscription.unsubscribe();
  }
  subscription.subscribe();
  await subscription.ready(5000);
  await client.publish('hasty', 1);
  await waitFor(() => got.length > 0, 'the publication');
  await sleep(100);
  assert.deepEqual(got, [1]);
  assert.deepEqual(errors, []);
  assert.equal(client.connectings.length, 1);
  assert.deepEqual(client.disconnections, []);
  client.disconnect();
});

test('what is not here is error 108, and the connection lives on', async () => {
  const client = await connected();
  const subscription = await subscribed(client, 'plain');
  for (const call of [
    () => client.rpc('method', {}),
    () => subscription.presence(),
    () => subscription.presenceStats(),
    () => subscription.history({ limit: 1 }),
  ]) {
    await assert.rejects(call, { code: 108 });
  }
  await client.publish('plain', 'still here');
  await waitFor(() => subscription.got.length === 1, 'the publication');
  client.disconnect();
});

test('clients on both shards get what either publishes', async () => {
  const clients = [];
  const onBoth = async () => {
    const { shards } = await server.stats();
    return shards.every(({ subscriptions }) => subscriptions > 0);
  };
  do {
    const client = await connected();
    clients.push({ client, subscription: await subscribed(client, 'both') });
  } while (clients.length < 6 || (!(await onBoth()) && clients.length < 40));
  assert.ok(await onBoth(), 'one shard has no client');
  for (const [i, { client }] of clients.entries()) await client.publish('both', i);
  const everything = clients.map((_, i) => i);
  for (const { subscription } of clients) {
    await waitFor(() => subscription.got.length >= clients.length, 'all publications');
    // Different publishers may be reordered against each other, between shards.
    assert.deepEqual(
      [...subscription.got].sort((a, b) => a - b),
      everything,
    );
  }
  for (const { client } of clients) client.disconnect();
});

test('the SDK stays connected over five pings of the server', async () => {
  const client = await connected(pinging);
  const before = await pinging.metric('millrace_messages_received_total');
  await sleep(6_200);
  assert.equal(client.state, 'connected');
  assert.equal(client.connectings.length, 1, 'it reconnected');
  const pongs = (await pinging.metric('millrace_messages_received_total')) - before;
  assert.ok(pongs >= 5, `${pongs} pongs in 6 s`);
  client.disconnect();
});

test('who does not answer a ping is closed with 3012', async () => {
  const client = await RawClient.open(pinging, { pongs: false });
  assert.deepEqual([client.session.ping, client.session.pong], [1, true]);
  const { code, reason } = await client.closed();
  assert.equal(code, 3012);
  assert.notEqual(reason, '');
  assert.equal(client.pings, 1);
  assert.equal(await pinging.metric('millrace_disconnects_total{code="3012"}'), 1);
  await client.leave();
});

test('cf_ws_frame_ping_pong=true pings with frames', async () => {
  const path = '/connection/websocket?cf_ws_frame_ping_pong=true';
  const client = await RawClient.open(pinging, { path });
  assert.equal(client.session.ping, undefined);
  assert.equal(client.session.pong, undefined);
  const pings = () => client.frames.filter(({ opcode }) => opcode === opcodes.ping).length;
  await waitFor(() => pings() >= 3, 'three ping frames');
  assert.equal(client.close, null);
  assert.equal(client.pings, 0);
  client.send({ opcode: opcodes.pong, payload: 'nobody asked' });
  await client.subscribe('still-here');
  await client.leave();

  const silent = await RawClient.open(pinging, { path, pongs: false });
  assert.equal((await silent.closed()).code, 3012);
  await silent.leave();
});

test('several commands in one frame are carried out in order', async () => {
  const client = await RawClient.open(server, { session: false });
  client.sendText(
    '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"frame"}}\n' +
      '{"id":3,"publish":{"channel":"frame","data":{"a":1}}}\n' +
      '{"id":4,"unsubscribe":{"channel":"frame"}}\n',
  );
  await client.reply(4);
  await client.reply(3); // the broker's word; it may come later
  const ids = client.messages.map(({ id }) => id).filter(Boolean);
  assert.deepEqual([...ids].sort(), [1, 2, 3, 4]);
  assert.ok(ids.indexOf(1) < ids.indexOf(2) && ids.indexOf(2) < ids.indexOf(4), ids.join());
  assert.equal(
    client.messages.some(({ error }) => error),
    false,
  );
  await client.leave();
});

test('error 105: subscribed already', async () => {
  const client = await RawClient.open(server);
  await client.subscribe('twice');
  const { error } = await client.call({ subscribe: { channel: 'twice' } });
  assert.equal(error.code, 105);
  assert.notEqual(error.message, '');
  await client.leave();
});

test('error 106: the 129th channel', async () => {
  const client = await RawClient.open(server);
  for (let i = 0; i < 128; ++i) await client.subscribe(`many:${i}`);
  const { error } = await client.call({ subscribe: { channel: 'many:128' } });
  assert.equal(error.code, 106);
  assert.deepEqual((await client.call({ unsubscribe: { channel: 'many:0' } })).unsubscribe, {});
  await client.subscribe('many:128');
  await client.leave();
});

test('error 107: names that are none, and publications without data', async () => {
  const client = await RawClient.open(server);
  const longest = 'x'.repeat(255);
  for (const channel of [
    'a.b',
    'a.b:c',
    '_INBOX',
    '_INBOX.x',
    '_x:y',
    'millrace',
    'millrace:api',
    'default:x',
    ':x',
    'a:',
    'a:b..c',
    'a:.b',
    'a:b.',
    `${longest}x`,
  ]) {
    for (const command of ['subscribe', 'publish']) {
      const { error } = await client.call({ [command]: { channel, data: 1 } });
      assert.equal(error?.code, 107, `${command} ${channel}`);
    }
  }
  assert.equal((await client.call({ publish: { channel: 'fine' } })).error.code, 107);
  await client.subscribe(longest);
  assert.deepEqual((await client.call({ unsubscribe: { channel: 'never' } })).unsubscribe, {});
  await client.leave();
});

test('3501: what is no frame of the protocol', async () => {
  const afterConnect = {
    'connect twice': '{"id":9,"connect":{}}',
    'a pong that nobody asked for': '{}',
    'an empty frame': '',
    'a line break alone': '\n',
    garbage: 'garbage',
    'half an object': '{"id":9,',
    'an array': '[]',
    'no request': '{"id":9}',
    'an unknown request': '{"id":9,"dance":{}}',
    'two requests': '{"id":9,"subscribe":{"channel":"a"},"publish":{"channel":"a","data":1}}',
    'no id': '{"subscribe":{"channel":"a"}}',
    'a negative id': '{"id":-1,"subscribe":{"channel":"a"}}',
    'no channel': '{"id":9,"subscribe":{}}',
    'a ping command': '{"id":9,"ping":{}}',
    'an empty line between': '{"id":9,"subscribe":{"channel":"a"}}\n\n{"id":10,"rpc":{}}',
    'a list of commands that nests too deep': '['.repeat(2000) + ']'.repeat(2000),
  };
  for (const [what, text] of Object.entries(afterConnect)) {
    const client = await RawClient.open(server);
    client.sendText(text);
    const { code, reason } = await client.closed();
    assert.equal(code, 3501, what);
    assert.notEqual(reason, '', what);
    await client.leave();
  }
  for (const text of ['{"id":1,"subscribe":{"channel":"a"}}', '{}', 'garbage', '']) {
    const client = await RawClient.open(server, { session: false });
    client.sendText(text);
    assert.equal((await client.closed()).code, 3501, `first ${text}`);
    await client.leave();
  }
});

test('3508 for send, and the SDK takes it as final', async () => {
  const client = await connected();
  await client.send({ hello: 'server' });
  await waitFor(() => client.disconnections.length === 1, 'disconnected');
  assert.equal(client.disconnections[0].code, 3508);
  assert.equal(client.state, 'disconnected');
});

test('3502 for who says nothing', async () => {
  const strict = await Millrace.start({ limits: { stale_timeout: '300ms' } });
  const client = await RawClient.open(strict, { session: false });
  const { code, reason } = await client.closed();
  assert.equal(code, 3502);
  assert.notEqual(reason, '');
  const talker = await RawClient.open(strict);
  await sleep(600);
  await talker.subscribe('not-stale');
  await talker.leave();
  await client.leave();
  await strict.stop();
});

test('without --insecure nobody comes in: 3500 with a token, 3501 without', async () => {
  const secured = await Millrace.start({ insecure: false });
  const anonymous = sdk(secured);
  anonymous.connect();
  const bearer = sdk(secured, { token: 'eyJhbGciOiJIUzI1NiJ9.e30.bad' });
  bearer.connect();
  for (const [client, code] of [
    [anonymous, 3501],
    [bearer, 3500],
  ]) {
    await waitFor(() => client.disconnections.length === 1, 'disconnected');
    assert.equal(client.disconnections[0].code, code);
    assert.notEqual(client.disconnections[0].reason, '');
  }
  await secured.stop();
});

// --- npm ws --------------------------------------------------------------------------------------

async function wsOpen(protocols, options) {
  const socket = new WebSocket(server.url, protocols, options);
  const opened = new Promise((resolve, reject) =>
    socket.once('open', resolve).once('error', reject),
  );
  await within(opened, 'open');
  return socket;
}

test('npm ws: the subprotocol is echoed, compression is not agreed', async () => {
  const socket = await wsOpen(['other', 'centrifuge-json'], { perMessageDeflate: true });
  assert.equal(socket.protocol, 'centrifuge-json');
  assert.equal(socket.extensions, '');
  const answer = new Promise((resolve) => socket.once('message', resolve));
  socket.send('{"id":1,"connect":{}}');
  assert.equal(JSON.parse(await within(answer, 'the connect reply')).id, 1);
  socket.close();
  const plain = await wsOpen([]);
  assert.equal(plain.protocol, '');
  plain.close();
  await assert.rejects(wsOpen(['graphql-ws']), /400/);
});

test('npm ws: a client that closes gets its code back', async () => {
  for (const [sent, expected] of [
    [1000, 1000],
    [1001, 1001],
    [4001, 4001],
    [undefined, 1005],
  ]) {
    const socket = await wsOpen([]);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const failed = new Promise((_, reject) => socket.once('error', reject));
    socket.close(...(sent === undefined ? [] : [sent, 'goodbye']));
    assert.equal(await within(Promise.race([closed, failed]), 'close'), expected);
  }
});

test('npm ws: its pings are answered', async () => {
  const socket = await wsOpen([]);
  const pong = new Promise((resolve) => socket.once('pong', resolve));
  socket.ping('how are you');
  assert.equal((await within(pong, 'a pong')).toString(), 'how are you');
  socket.close();
});

test('nothing is left of all these clients, and the servers end cleanly', async () => {
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  const metrics = await server.metrics();
  for (const name of ['clients', 'subscriptions', 'channels', 'queued_bytes', 'decoders_lent']) {
    assert.equal(metrics[`millrace_${name}`], 0, name);
  }
  await server.stop();
  await pinging.stop();
});
