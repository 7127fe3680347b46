// Hostile frames: the right close code, memory bounded, and other clients untouched.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { closePayload, frame, opcodes, RawClient } from './support/raw_client.mjs';
import { scaled, sleep, slowness, waitFor, within } from './support/wait.mjs';

after(endAll);
const messageSize = 64 * 1024;
const rssLimit = 64 * 1024 * 1024;
// What they may send is not limited here, but by what waits for them.
const unlimited = { commands_per_second: '0', errors_per_connection: '0' };
const server = await Millrace.start({ limits: { write_timeout: '2s', ...unlimited } });

// The neighbour gets publications all the while, and must miss none.
const neighbour = await RawClient.open(server);
await neighbour.subscribe('neighbour');
let published = 0;
let latest = 0; // milliseconds
let going = true;
const publishing = (async () => {
  while (going) {
    const start = performance.now();
    const { body } = await server.publish('neighbour', { seq: ++published });
    assert.equal(body.result?.offset, published, JSON.stringify(body));
    await neighbour.received('neighbour', published);
    latest = Math.max(latest, performance.now() - start);
    await sleep(10);
  }
})();
publishing.catch(() => {}); // the last test awaits it

// Sends `bytes` on a connection of its own, and expects to be closed with `code`.
async function expectClosed(bytes, code, { session = true } = {}) {
  const client = await RawClient.open(server, { session });
  client.write(bytes);
  const closed = await client.closed();
  assert.equal(closed.code, code, closed.reason);
  assert.notEqual(closed.reason, '');
  client.socket.end();
  await within(client.ended, 'the end of the connection');
}

const invalidUtf8 = {
  'a lone continuation byte': [0x80],
  'an overlong slash': [0xc0, 0xaf],
  'a surrogate': [0xed, 0xa0, 0x80],
  'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a character that is cut off': [0x22, 0xe6, 0xb0],
};

const cases = [
  ['an unmasked frame', frame({ payload: '{}', masked: false }), 1002],
  ['RSV1', frame({ payload: '{}', rsv: 4 }), 1002],
  ['RSV2', frame({ payload: '{}', rsv: 2 }), 1002],
  ['RSV3 on a ping', frame({ opcode: opcodes.ping, rsv: 1 }), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [
    `the opcode ${opcode}`,
    frame({ opcode, payload: 'x' }),
    1002,
  ]),
  ['a ping of 126 bytes', frame({ opcode: opcodes.ping, payload: 'x'.repeat(126) }), 1002],
  ['a close of 126 bytes', frame({ opcode: opcodes.close, payload: 'x'.repeat(126) }), 1002],
  ['a fragmented ping', frame({ opcode: opcodes.ping, fin: false }), 1002],
  ['a fragmented close', frame({ opcode: opcodes.close, fin: false }), 1002],
  ['a continuation of nothing', frame({ opcode: opcodes.continuation, payload: 'x' }), 1002],
  [
    'a message inside a message',
    Buffer.concat([frame({ payload: '{', fin: false }), frame({ payload: '}' })]),
    1002,
  ],
  ['a length in 16 bits that fits in 7', Buffer.from('81fe000512345678', 'hex'), 1002],
  ['a length in 64 bits that fits in 16', Buffer.from('81ff000000000000010012345678', 'hex'), 1002],
  ['a length with its highest bit', Buffer.from('81ff800000000000000012345678', 'hex'), 1002],
  ...Object.entries(invalidUtf8).map(([what, bytes]) => [
    `text that is not UTF-8: ${what}`,
    frame({ payload: Buffer.from(bytes) }),
    1007,
  ]),
  [
    'a character over two fragments that goes wrong in the second',
    Buffer.concat([
      frame({ payload: Buffer.from([0x22, 0xe6]), fin: false }),
      frame({ opcode: opcodes.continuation, payload: Buffer.from([0x22]) }),
    ]),
    1007,
  ],
  ['a close code of one byte', frame({ opcode: opcodes.close, payload: '\x03' }), 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2999, 5000, 65535].map((code) => [
    `the close code ${code}`,
    frame({ opcode: opcodes.close, payload: closePayload(code, 'why') }),
    1002,
  ]),
  [
    'a close reason that is not UTF-8',
    frame({ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8, 0xff]) }),
    1007,
  ],
  ['64 KiB and one byte declared, none sent', frame({ declared: messageSize + 1 }), 1009],
  ['1 GiB declared, none sent', frame({ declared: 1024 ** 3 }), 1009],
  ['2^63 - 1 declared, none sent', frame({ declared: 2n ** 63n - 1n }), 1009],
  ['a message of 64 KiB and one byte', frame({ payload: 'x'.repeat(messageSize + 1) }), 1009],
  [
    'the same in two fragments',
    Buffer.concat([
      frame({ payload: 'x'.repeat(messageSize), fin: false }),
      frame({ opcode: opcodes.continuation, payload: 'x' }),
    ]),
    1009,
  ],
];

for (const [what, bytes, code] of cases) {
  test(`${what}: ${code}`, () => expectClosed(bytes, code));
}

test('before the connect command the same holds', async () => {
  await expectClosed(frame({ payload: '{}', masked: false }), 1002, { session: false });
  await expectClosed(frame({ declared: 1024 ** 3 }), 1009, { session: false });
});

test('who stays after the close frame is cut off', async () => {
  const client = await RawClient.open(server);
  client.send({ payload: '{}', masked: false });
  assert.equal((await client.closed()).code, 1002);
  client.sendText('{"id":1,"publish":{"channel":"late","data":1}}');
  await within(client.ended, 'the end of the connection', 2000);
  assert.equal(client.frames.at(-1).opcode, opcodes.close);
});

test('valid close codes are echoed', async () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 3000, 4999]) {
    const client = await RawClient.open(server);
    client.send({ opcode: opcodes.close, payload: closePayload(code, 'bye') });
    assert.equal((await client.closed()).code, code);
    await within(client.ended, 'the end of the connection');
  }
});

test('a message of exactly 64 KiB is taken', async () => {
  const client = await RawClient.open(server);
  await client.subscribe('large');
  const [start, end] = ['{"id":9,"publish":{"channel":"large","data":"', '"}}'];
  const filler = 'x'.repeat(messageSize - start.length - end.length);
  client.sendText(start + filler + end);
  assert.deepEqual((await client.reply(9)).publish, {});
  assert.equal((await client.received('large', 1))[0], filler);
  await client.leave();
});

test('a message byte by byte, and in fragments with a ping between, is taken', async () => {
  const client = await RawClient.open(server);
  const text = Buffer.from('{"id":9,"publish":{"channel":"é水🚀","data":"é水🚀"}}');
  for (const byte of frame({ payload: text })) {
    client.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual((await client.reply(9)).publish, {});
  const middle = text.indexOf(Buffer.from('水')) + 1; // inside a character
  client.send({ payload: text.subarray(0, middle), fin: false });
  client.send({ opcode: opcodes.ping, payload: 'between' });
  client.send({ opcode: opcodes.continuation, fin: false });
  client.messages.length = 0;
  client.send({ opcode: opcodes.continuation, payload: text.subarray(middle) });
  assert.deepEqual((await client.reply(9)).publish, {});
  const pong = client.frames.find(({ opcode }) => opcode === opcodes.pong);
  assert.equal(pong.payload.toString(), 'between');
  await client.leave();
});

test('endless empty fragments are ended, and cost no memory', async () => {
  const rss = server.rss();
  const client = await RawClient.open(server);
  client.send({ payload: '', fin: false });
  const empty = frame({ opcode: opcodes.continuation, fin: false });
  const block = Buffer.concat(Array(4096).fill(empty));
  for (let i = 0; i < 500 && !client.close && !client.gone; ++i) await client.flood(block);
  const { code, reason } = await client.closed();
  assert.ok([1002, 1008, 1009].includes(code), `${code} ${reason}`);
  assert.notEqual(reason, '');
  assert.ok(server.rss() - rss < rssLimit);
  await client.leave();
});

test('a declared length without its bytes costs next to nothing', async () => {
  const rss = server.rss();
  const count = scaled(1000);
  const clients = await Promise.all(
    Array.from({ length: count }, () => RawClient.open(server, { session: false })),
  );
  // As much as may be declared; 1,000 times that would be 64 MiB.
  for (const client of clients) client.write(frame({ declared: messageSize }));
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) >= count, 'all inside');
  const grown = server.rss() - rss;
  assert.ok(grown < rssLimit / 2, `grew by ${grown} bytes`);
  for (const client of clients) assert.equal(client.close, null);
  clients.forEach((client) => client.destroy());
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) <= 1, 'all returned');
});

test('with more clients inside a message than decoders, the rest wait', async () => {
  const few = await Millrace.start({ limits: { decoders: '4' } });
  const inside = [];
  for (let i = 0; i < 4; ++i) {
    const client = await RawClient.open(few, { session: false });
    client.write(frame({ payload: '{"id":1,"connect":{}}' }).subarray(0, 10));
    inside.push(client);
  }
  await waitFor(async () => (await few.metric('millrace_decoders_lent')) === 4, 'all lent');
  const waiting = await RawClient.open(few, { session: false });
  waiting.sendText('{"id":1,"connect":{}}');
  await sleep(200);
  assert.equal(waiting.messages.length, 0);
  for (const client of inside)
    client.write(frame({ payload: '{"id":1,"connect":{}}' }).subarray(10));
  for (const client of [...inside, waiting]) assert.ok((await client.reply(1)).connect.client);
  await Promise.all([...inside, waiting].map((client) => client.leave()));
  await few.stop();
});

test('a flood of pings from a client that does not read is bounded', async () => {
  const rss = server.rss();
  const client = await RawClient.open(server);
  client.socket.pause();
  const ping = frame({ opcode: opcodes.ping, payload: 'x'.repeat(125) });
  const block = Buffer.concat(Array(512).fill(ping));
  const received = () => server.metric('millrace_bytes_received_total');
  const before = await received();
  for (let i = 0; i < 300 && !client.gone; ++i) await client.flood(block);
  // It goes on being read: the pongs that wait are one, the latest.
  assert.ok((await received()) - before > 100 * block.length);
  assert.ok(server.rss() - rss < rssLimit);
  assert.ok((await server.metric('millrace_queued_bytes')) < 2 * 1024 * 1024);
  client.destroy();
});

test('a flood of commands from a client that does not read is bounded', async () => {
  const rss = server.rss();
  const client = await RawClient.open(server);
  client.socket.pause();
  const command = '{"id":5,"rpc":{"method":"m"}}';
  const block = frame({ payload: Array(1000).fill(command).join('\n') });
  for (let i = 0; i < 300 && !client.gone; ++i) await client.flood(block);
  assert.ok(server.rss() - rss < rssLimit);
  await waitFor(
    async () => (await server.metric('millrace_slow_disconnects_total')) >= 1,
    'the slow one to be closed',
    8_000,
  );
  client.destroy();
});

test('a client that is gone in the middle of a frame leaves nothing behind', async () => {
  for (let i = 0; i < scaled(100); ++i) {
    const client = await RawClient.open(server, { session: i % 2 === 0 });
    client.write(frame({ payload: 'x'.repeat(1000) }).subarray(0, 1 + i));
    if (i % 3 === 0) client.socket.resetAndDestroy();
    else client.destroy();
  }
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) <= 1, 'all returned');
});

test('the neighbour got everything in time, and nothing is left behind', async () => {
  going = false;
  await publishing;
  await sleep(50);
  const all = Array.from({ length: published }, (_, i) => ({ seq: i + 1 }));
  assert.deepEqual(neighbour.publications('neighbour'), all);
  assert.ok(published > 50, `${published} publications`);
  assert.ok(latest < 1500 * slowness, `the latest came after ${latest} ms`);
  assert.equal(neighbour.close, null);
  await neighbour.leave();
  await waitFor(async () => (await server.metric('millrace_clients')) === 0, 'no client');
  const metrics = await server.metrics();
  for (const name of ['queued_bytes', 'decoders_lent', 'subscriptions', 'recv_buffers_leased']) {
    assert.equal(metrics[`millrace_${name}`], 0, name);
  }
  for (const code of [1002, 1007, 1009]) {
    assert.ok(metrics[`millrace_disconnects_total{code="${code}"}`] > 0, `${code}`);
  }
  await server.stop();
});
