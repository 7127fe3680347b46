// Bytes that are no UTF-8, wherever a peer may put some. Who sends them to us as text is
// closed; what an application publishes is dropped; nobody else notices.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedClient, datas, ended, gotten, kinds } from './support/clients.mjs';
import { Millrace, apiKey, configFile } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

// --- The corpus: the sections of Markus Kuhn's stress test, by number ----------------------------

const bytes = (...values) => Buffer.from(values);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const repeated = (value, count) => Buffer.alloc(count, value);

const bad = [
  // 3.1 continuation bytes without a first byte
  ...[0x80, 0xbf].map((byte) => bytes(byte)),
  ...range(2, 7).map((count) => repeated(0x80, count)),
  bytes(...range(0x80, 0xbf)),
  // 3.2 first bytes, each followed by a space
  ...range(0xc0, 0xff).map((byte) => bytes(byte, 0x20)),
  // 3.3 the last continuation byte is missing
  bytes(0xc3), bytes(0xe0, 0xa0), bytes(0xf0, 0x90, 0x80), bytes(0xf8, 0x88, 0x80, 0x80),
  bytes(0xdf), bytes(0xef, 0xbf), bytes(0xf7, 0xbf, 0xbf), bytes(0xfb, 0xbf, 0xbf, 0xbf),
  bytes(0xc3, 0xe0, 0xa0, 0xf0, 0x90, 0x80, 0xdf, 0xef, 0xbf),
  // 3.5 bytes that never occur
  bytes(0xfe), bytes(0xff), bytes(0xfe, 0xfe, 0xff, 0xff),
  // 4 too long: a slash, the largest that is too long, and NUL
  bytes(0xc0, 0xaf), bytes(0xe0, 0x80, 0xaf), bytes(0xf0, 0x80, 0x80, 0xaf),
  bytes(0xf8, 0x80, 0x80, 0x80, 0xaf), bytes(0xfc, 0x80, 0x80, 0x80, 0x80, 0xaf),
  bytes(0xc1, 0xbf), bytes(0xe0, 0x9f, 0xbf), bytes(0xf0, 0x8f, 0xbf, 0xbf),
  bytes(0xc0, 0x80), bytes(0xe0, 0x80, 0x80), bytes(0xf0, 0x80, 0x80, 0x80),
  // 5 halves of surrogate pairs, alone and together
  ...[0xa0, 0xad, 0xae, 0xaf, 0xb0, 0xbe, 0xbf].map((byte) => bytes(0xed, byte, 0x80)),
  bytes(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80), bytes(0xed, 0xaf, 0xbf, 0xed, 0xbf, 0xbf),
  // beyond the last code point
  bytes(0xf4, 0x90, 0x80, 0x80), bytes(0xf5, 0x80, 0x80, 0x80), bytes(0xf7, 0xbf, 0xbf, 0xbf),
];

// 1, 2.1, 2.2, 2.3 and noncharacters, which are characters to us.
const good = [
  'κόσμε', '\u0080', '\u0800', '\u{10000}', '\u007f', '\u07ff', '\uffff', '\ud7ff', '\ue000',
  '\ufffd', '\u{10ffff}', '\ufffe', '\u{1fffe}', '\ufdd0', 'Wasserrad é 水車 🚀',
];

const around = (head, middle, tail) =>
  Buffer.concat([head, middle, tail].map((part) => Buffer.from(part)));

// --- The tests -----------------------------------------------------------------------------------

const config = configFile(`
[namespaces.default]
[namespaces.bytes]
payload = "binary"
`);
const server = await Millrace.start({ shards: 1, args: ['--config', config] });
const neighbours = await Promise.all(kinds.map((kind) => connectedClient(kind, server)));
const subs = await Promise.all(neighbours.map((client) => client.subscribe('all')));
let published = 0;

async function nobodyElseNoticed() {
  await server.publish('all', ++published);
  for (const sub of subs) await gotten(sub, published);
  for (const [i, sub] of subs.entries()) {
    assert.deepEqual(datas(sub), range(1, published));
    assert.deepEqual([neighbours[i].ends, neighbours[i].errors], [[], []]);
  }
}

test(`${bad.length} texts of JSON clients are 1007, in a payload as in a name`, async () => {
  assert.ok(bad.length > 100);
  const closed = async (text) => {
    const client = await RawClient.open(server);
    client.sendText(text);
    const { code } = await client.closed();
    client.destroy();
    return code;
  };
  const payload = (one) => around('{"id":2,"publish":{"channel":"all","data":"', one, '"}}');
  const name = (one) => around('{"id":2,"subscribe":{"channel":"', one, '"}}');
  for (let i = 0; i < bad.length; i += 20) {
    const some = bad.slice(i, i + 20);
    const texts = some.flatMap((one) => [payload(one), name(one)]);
    const codes = await Promise.all(texts.map(closed));
    assert.deepEqual(codes, texts.map(() => 1007), some.map((one) => one.toString('hex')).join());
  }
  await nobodyElseNoticed();
});

test('FlatBuffers: names are 3501, payloads error 107, or whatever they are', async () => {
  const client = await connectedClient('flatbuffers', server);
  const got = [];
  client.flat.on('publication', ({ publication: { data } }) => got.push(data));
  await client.subscribe('bytes:1');
  for (const one of bad) {
    const hex = one.toString('hex');
    await assert.rejects(client.publish('all', around('"', one, '"')), { code: 107 }, hex);
    await client.publish('bytes:1', one);
  }
  await waitFor(() => got.length === bad.length, 'all bytes');
  assert.ok(got.every((data, i) => data.equals(bad[i])));
  assert.deepEqual(client.ends, []);
  client.disconnect();
  for (let i = 0; i < bad.length; i += 20) {
    const some = bad.slice(i, i + 20);
    await Promise.all(some.map(async (one) => {
      const thief = await connectedClient('flatbuffers', server);
      thief.flat.call('Subscribe', { channel: one }).catch(() => {});
      assert.equal((await ended(thief)).code, 3501, one.toString('hex'));
      thief.disconnect();
    }));
  }
  await nobodyElseNoticed();
});

test('the API refuses them', async () => {
  for (const one of bad) {
    const body = around('{"channel":"all","data":"', one, '"}');
    const headers = { 'X-API-Key': apiKey };
    const request = { method: 'POST', headers, body };
    const response = await fetch(`http://${server.host}/api/publish`, request);
    const text = await response.text();
    const refused = response.status === 400 || /"error":\{"code":107/.test(text);
    assert.ok(refused, `${response.status} ${text}`);
  }
  await nobodyElseNoticed();
});

test('what is UTF-8 comes through everywhere', async () => {
  const readers = await Promise.all(kinds.map((kind) => connectedClient(kind, server)));
  for (const [i, text] of good.entries()) {
    const channel = `${text}-${i}`;
    const heard = await Promise.all(readers.map((client) => client.subscribe(channel)));
    await readers[0].publish(channel, text);
    await readers[1].publish(channel, [text]);
    await server.publish(channel, { text });
    for (const sub of heard) {
      await gotten(sub, 3);
      assert.deepEqual(datas(sub), [text, [text], { text }]);
    }
  }
  for (const client of [...readers, ...neighbours]) client.disconnect();
  await server.stop();
});

test('what comes from NATS is dropped and counted, and nobody is closed for it', async () => {
  const nats = await NatsServer.start();
  const application = await nats.client();
  const args = ['--config', config, '--nats', nats.url];
  const node = await Millrace.start({ shards: 1, args });
  await node.ready();
  const clients = await Promise.all(kinds.map((kind) => connectedClient(kind, node)));
  const heard = await Promise.all(clients.map((client) => client.subscribe('all')));
  const raw = [];
  clients[1].flat.on('publication', ({ channel, publication: { data } }) => {
    if (channel === 'bytes:1') raw.push(data);
  });
  await clients[1].subscribe('bytes:1');
  for (const one of bad) {
    application.publish('all', around('"', one, '"'));
    application.publish('bytes.1', one);
  }
  for (const text of good) application.publish('all', JSON.stringify(text));
  for (const sub of heard) {
    await gotten(sub, good.length);
    assert.deepEqual(datas(sub), good);
  }
  await waitFor(() => raw.length === bad.length, 'the bytes of a binary namespace');
  assert.ok(raw.every((data, i) => data.equals(bad[i])));
  await sleep(50);
  for (const sub of heard) assert.equal(sub.got.length, good.length);
  assert.equal(await node.metric('millrace_broker_dropped_payload_total'), bad.length);
  for (const client of clients) {
    assert.deepEqual([client.ends, client.errors], [[], []]);
    client.disconnect();
  }
  await node.stop();
});
