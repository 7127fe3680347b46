// The twelve scenarios that each client goes through. run({client, echo, millrace, can}):
// `client` is not connected yet, `echo` and `millrace` are the servers, `can` what its API can do.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { sleep } from '../support/wait.mjs';
import { bytesOf, concatenated, payload, text } from './payloads.mjs';
import { Tap } from './tap.mjs';

const largest = 16 * 1024 * 1024; // of the echo's messages
// No power of two, so that a piece out of place shows.
const noise = randomBytes(65_521);
const opcodes = { text: 1, continuation: 0, close: 8, ping: 9, pong: 10 };

function fingerprintOf(what) {
  const sha256 = createHash('sha256').update(bytesOf(what)).digest('hex');
  return { type: what.type, size: what.size, sha256 };
}

function withoutText({ type, size, sha256 }) {
  return { type, size, sha256 };
}

async function expectEcho(client, payloads) {
  const seen = await client.receive({ count: payloads.length });
  assert.deepEqual(seen.map(withoutText), payloads.map(fingerprintOf));
}

async function closeCleanly(client) {
  await client.close({ code: 1000, reason: '' });
  const { code, clean } = await client.closed();
  assert.deepEqual({ code, clean }, { code: 1000, clean: true });
}

async function connect(client, url, { protocols = [], deflate = false } = {}) {
  return client.connect({ url, protocols, deflate });
}

async function echoes({ client, echo }, payloads) {
  await connect(client, echo.url);
  for (const what of payloads) {
    await client.send({ payloads: [what] });
    await expectEcho(client, [what]);
  }
  await closeCleanly(client);
}

const characters = 'aé€水🚀\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}';

function echoesText(given) {
  return echoes(given, [text('hello'), text(characters), text(characters.repeat(500))]);
}

function echoesEveryByte(given) {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  return echoes(given, [payload('binary', all), payload('binary', all, 10_000)]);
}

const edges = [0, 1, 125, 126, 127, 65_535, 65_536, 1024 * 1024];

function echoesEdgesOfLength(given) {
  const letters = Buffer.from('the quick brown fox jumps over the lazy dog; ');
  return echoes(
    given,
    edges.flatMap((size) => [payload('text', letters, size), payload('binary', noise, size)]),
  );
}

function echoesLargest(given) {
  return echoes(given, [payload('binary', noise, largest)]);
}

// At least `size` bytes of text in 6 parts, one of them empty.
function parts(size) {
  const repeats = Math.ceil(size / 5 / Buffer.byteLength(characters));
  const [first, ...rest] = [1, 2, 3, 4, 5].map((i) => text(`${i}${characters.repeat(repeats)}`));
  return [first, payload('text', Buffer.from(' '), 0), ...rest];
}

async function sendsFragments({ client, echo, can }) {
  const tap = await Tap.to(echo.port);
  const fragments = parts(can.fragmentsFrom);
  await connect(client, `ws://${tap.host}/`);
  await client.sendFragments({ parts: fragments });
  await expectEcho(client, [payload('text', concatenated(fragments))]);
  await closeCleanly(client);
  tap.close();
  const data = tap.sent.frames.filter(({ opcode }) => opcode <= 2);
  assert.ok(data.length >= 3, `${data.length} frames`);
  assert.deepEqual([data[0].opcode, data[0].fin], [opcodes.text, false]);
  assert.ok(data.slice(1).every(({ opcode }) => opcode === opcodes.continuation));
  assert.ok(data.slice(0, -1).every(({ fin }) => !fin) && data.at(-1).fin);
}

async function arrivesInSmallSegments({ client, echo }) {
  const tap = await Tap.to(echo.port, { piece: 7 });
  await connect(client, `ws://${tap.host}/`);
  const payloads = [text(characters.repeat(30)), payload('binary', noise, 3001), text('')];
  await client.send({ payloads });
  await expectEcho(client, payloads);
  await closeCleanly(client);
  tap.close();
}

async function getsItsPongs({ client, echo }) {
  await connect(client, echo.url);
  // ASCII, since one of them takes nothing else.
  for (const size of [1, 60, 125]) {
    const block = Buffer.from(`ping ${size} `.repeat(20).slice(0, size)).toString('base64');
    assert.equal(await client.ping({ block }), block);
  }
  await client.send({ payloads: [text('still here')] });
  await expectEcho(client, [text('still here')]);
  await closeCleanly(client);
}

// {next()}: the lines of the client protocol, one by one.
function linesOf(client) {
  const lines = [];
  return {
    async next() {
      if (lines.length === 0) {
        const [{ text: received }] = await client.receive({ count: 1 });
        lines.push(...received.split('\n'));
      }
      return JSON.parse(lines.shift());
    },
  };
}

function command(value) {
  return { payloads: [text(JSON.stringify(value))] };
}

// The server pings every second and gives up after a pong's 800 ms.
async function answersPings({ client, millrace }) {
  const tap = await Tap.to(millrace.port);
  const path = '/connection/websocket?cf_ws_frame_ping_pong=true';
  await connect(client, `ws://${tap.host}${path}`);
  await client.send(command({ id: 1, connect: {} }));
  const lines = linesOf(client);
  assert.equal((await lines.next()).connect.pong, undefined);
  await sleep(2700);
  await client.send(command({ id: 2, rpc: {} }));
  assert.equal((await lines.next()).error.code, 108);
  const [pings, pongs] = [
    tap.received.frames.filter(({ opcode }) => opcode === opcodes.ping),
    tap.sent.frames.filter(({ opcode }) => opcode === opcodes.pong),
  ];
  assert.ok(pings.length >= 2, `${pings.length} pings`);
  assert.deepEqual(
    pongs.map(({ payload: bytes }) => bytes.toString('hex')),
    pings.map(({ payload: bytes }) => bytes.toString('hex')),
  );
  await closeCleanly(client);
  tap.close();
}

async function pipelines({ client, echo }) {
  await connect(client, echo.url);
  const payloads = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0 ? text(`message ${i} é`) : payload('binary', noise.subarray(i, 8 * i)),
  );
  await client.send({ payloads });
  await expectEcho(client, payloads);
  await closeCleanly(client);
}

async function agreesOnSubprotocol({ client, millrace }) {
  const protocols = ['chat.example', 'centrifuge-json'];
  const { protocol } = await connect(client, millrace.url, { protocols });
  assert.equal(protocol, 'centrifuge-json');
  const lines = linesOf(client);
  await client.send(command({ id: 1, connect: {} }));
  assert.ok((await lines.next()).connect.client);
  await client.send(command({ id: 2, subscribe: { channel: 'interop' } }));
  assert.deepEqual(await lines.next(), { id: 2, subscribe: {} });
  await millrace.publish('interop', { text: characters });
  const { push } = await lines.next();
  assert.deepEqual([push.channel, push.pub.data], ['interop', { text: characters }]);
  await closeCleanly(client);
}

async function closes({ client, echo }) {
  await connect(client, echo.url);
  await client.send({ payloads: [text('last words')] });
  await expectEcho(client, [text('last words')]);
  await client.close({ code: 4321, reason: 'gute Nacht, 水' });
  const { code, clean } = await client.closed();
  assert.deepEqual({ code, clean }, { code: 4321, clean: true });
}

async function isClosed({ client, millrace }) {
  await connect(client, millrace.url);
  await client.send({ payloads: [text('this is no command')] });
  assert.deepEqual(await client.closed(), { code: 3501, reason: 'bad request', clean: true });
}

async function isToldWhatIsTooLarge({ client, echo }) {
  await connect(client, echo.url);
  await client.send({ payloads: [payload('binary', noise, largest + 1)] });
  const { code, reason } = await client.closed();
  assert.equal(code, 1009);
  assert.match(reason, /over the limit/);
}

async function isDeclinedCompression({ client, echo }) {
  const tap = await Tap.to(echo.port);
  const { extensions } = await connect(client, `ws://${tap.host}/`, { deflate: true });
  assert.equal(extensions, '');
  assert.match(tap.sent.head, /^sec-websocket-extensions: permessage-deflate/im);
  assert.doesNotMatch(tap.received.head, /sec-websocket-extensions/i);
  const zeros = payload('binary', Buffer.alloc(1), 5000);
  const payloads = [text('a'.repeat(5000)), zeros, text(characters)];
  await client.send({ payloads });
  await expectEcho(client, payloads);
  await closeCleanly(client);
  tap.close();
}

// In place of what its API has no call for, a client does the scenario in `otherwise`.
export const scenarios = [
  { name: 'text of characters of 1 to 4 bytes comes back', run: echoesText },
  { name: 'binary of all 256 bytes comes back', run: echoesEveryByte },
  {
    name: 'messages of 0 bytes, 1 MiB and around each form of length come back',
    run: echoesEdgesOfLength,
  },
  { name: 'a message of 16 MiB comes back', run: echoesLargest },
  {
    name: 'a message sent in fragments comes back whole',
    needs: 'fragmentsFrom',
    run: sendsFragments,
    otherwise: {
      name: 'messages that arrive in segments of 7 bytes come back',
      run: arrivesInSmallSegments,
    },
  },
  {
    name: 'its pings are answered with what they brought',
    needs: 'pings',
    run: getsItsPongs,
    otherwise: { name: "it answers the server's pings", run: answersPings },
  },
  { name: '200 messages sent at once come back in order', run: pipelines },
  { name: 'centrifuge-json is agreed on, and messages are pushed', run: agreesOnSubprotocol },
  { name: 'it closes with a code and a reason, cleanly', run: closes },
  { name: "it sees the server's close code and reason, cleanly", run: isClosed },
  { name: 'one byte over 16 MiB is refused with 1009', run: isToldWhatIsTooLarge },
  { name: 'its offer of compression is declined, and all works', run: isDeclinedCompression },
];
