// HTTP: the WebSocket handshake, the server API, the admin port and the connection cap.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { apiKey, Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { handshake, RawClient } from './support/raw_client.mjs';
import { RawHttp, rawRequest } from './support/raw_http.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { sleep, slowness, waitFor, within } from './support/wait.mjs';

after(endAll);
const origin = 'https://good.example';
const server = await Millrace.start({ args: ['--allowed-origin', origin] });

const lines = (...all) => `${all.join('\r\n')}\r\n\r\n`;

// The lines of a right handshake, with some replaced ({Name: 'value', ...; null leaves it out}).
function handshakeWith(changes = {}, extra = []) {
  const fields = {
    Host: server.host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...changes,
  };
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  const first = 'GET /connection/websocket HTTP/1.1';
  return lines(first, ...kept.map(([name, value]) => `${name}: ${value}`), ...extra);
}

test('a right handshake is accepted with the key of RFC 6455', async () => {
  const { status, headers } = await rawRequest(server.port, handshakeWith());
  assert.equal(status, 101);
  assert.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.equal(headers['sec-websocket-protocol'], undefined);
  assert.equal(headers['sec-websocket-extensions'], undefined);
});

const key = 'Sec-WebSocket-Key';
const version = 'Sec-WebSocket-Version';
for (const [what, request, status] of [
  ['version 8', handshakeWith({ [version]: '8' }), 426],
  ['no version', handshakeWith({ [version]: null }), 426],
  ['no Upgrade', handshakeWith({ Upgrade: null }), 426],
  ['no Connection', handshakeWith({ Connection: 'keep-alive' }), 400],
  ['no key', handshakeWith({ [key]: null }), 400],
  ['a short key', handshakeWith({ [key]: 'dGhlIHNhbXBsZQ==' }), 400],
  ['a key that is no base64', handshakeWith({ [key]: 'dGhlIHNhbXBsZSBub25jZ!==' }), 400],
  ['two keys', handshakeWith({}, [`${key}: dGhlIHNhbXBsZSBub25jZQ==`]), 400],
  ['two hosts', handshakeWith({}, ['Host: other']), 400],
  ['no host', handshakeWith({ Host: null }), 400],
  ['a folded field', handshakeWith({}, ['X-Long: one', ' two']), 400],
  ['a blank before a colon', handshakeWith({}, ['X-Odd : one']), 400],
  ['64 fields', handshakeWith({}, Array(59).fill('X-Many: 1')), 101],
  ['65 fields', handshakeWith({}, Array(60).fill('X-Many: 1')), 431],
  ['8 KiB and more', handshakeWith({ 'X-Long': 'x'.repeat(8192) }), 431],
  ['nearly 8 KiB', handshakeWith({ 'X-Long': 'x'.repeat(7700) }), 101],
  ['another origin', handshakeWith({ Origin: 'https://evil.example' }), 403],
  ['a longer origin', handshakeWith({ Origin: `${origin}.evil.example` }), 403],
  ['the origin null', handshakeWith({ Origin: 'null' }), 403],
  ['two origins', handshakeWith({ Origin: origin }, ['Origin: https://evil.example']), 403],
  ['the allowed origin', handshakeWith({ Origin: origin }), 101],
  ['a POST', handshakeWith().replace('GET', 'POST'), 405],
  ['HTTP/1.0', handshakeWith().replace('HTTP/1.1', 'HTTP/1.0'), 400],
  ['HTTP/2.0', handshakeWith().replace('HTTP/1.1', 'HTTP/2.0'), 505],
  ['a bare LF', handshakeWith().replaceAll('\r\n', '\n'), 400],
  ['the start of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['a frame behind the handshake', `${handshakeWith()}\x81\x80abcd`, 400],
  ['another path', handshakeWith().replace('/connection/websocket', '/connection/other'), 404],
  ['protobuf by query', handshakeWith().replace('websocket ', 'websocket?format=protobuf '), 400],
  ['a chunked body', handshakeWith({ 'Transfer-Encoding': 'chunked' }), 501],
]) {
  test(`handshake with ${what}: ${status}`, async () => {
    const answer = await rawRequest(server.port, Buffer.from(request, 'latin1'));
    assert.equal(answer.status, status, answer.body);
    if (status === 101) return;
    assert.match(answer.body, /^[^\n]+\n$/);
    if (status === 426) assert.equal(answer.headers['sec-websocket-version'], '13');
    else if (status !== 404) assert.equal(answer.headers.connection, 'close');
  });
}

test('refusals are counted by their reason', async () => {
  const metrics = await server.metrics();
  const rejected = (reason) => metrics[`millrace_connections_rejected_total{reason="${reason}"}`];
  assert.equal(rejected('origin'), 4);
  assert.ok(rejected('handshake') >= 15);
  assert.equal(rejected('connection_limit'), 0);
});

test('a head that comes byte by byte is accepted', async () => {
  const http = await RawHttp.open(server.port);
  for (const character of handshakeWith()) {
    http.write(character);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await http.response()).status, 101);
  http.destroy();
});

test('a handshake that takes too long is ended at its deadline', async () => {
  const strict = await Millrace.start({ limits: { handshake_timeout: '500ms' } });
  const start = performance.now();
  const silent = await RawHttp.open(strict.port);
  const slow = await RawHttp.open(strict.port);
  const all = handshake(strict.host);
  let sent = 0;
  const drip = setInterval(() => sent < all.length && slow.write(all[sent++]), 20);
  const { status } = await slow.response().finally(() => clearInterval(drip));
  assert.equal(status, 408);
  await within(silent.ended, 'the end of the silent one');
  await within(slow.ended, 'the end of the slow one');
  const ms = performance.now() - start;
  assert.ok(ms > 450 && ms < 2500 * slowness, `took ${ms} ms`);
  assert.equal(await strict.metric('millrace_connections'), 0);
  await strict.stop();
});

// --- the server API ------------------------------------------------------------------------------

function publishRequest(body, fields = [`X-API-Key: ${apiKey}`], host = server.host) {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return `${lines('POST /api/publish HTTP/1.1', `Host: ${host}`, length, ...fields)}${body}`;
}

test('two API calls, pipelined on one connection, are answered in order', async () => {
  const reader = await RawClient.open(server);
  await reader.subscribe('api');
  const http = await RawHttp.open(server.port);
  const bodies = [1, 2].map((n) => `{"channel":"api","data":{"n":${n}}}`);
  http.write(bodies.map((body) => publishRequest(body)).join(''));
  for (let i = 0; i < 2; ++i) {
    const { status, body } = await http.response();
    assert.deepEqual([status, JSON.parse(body).result.offset], [200, i + 1]);
  }
  http.write(publishRequest('{"channel":"api","data":{"n":3}}'));
  assert.equal((await http.response()).status, 200);
  assert.deepEqual(await reader.received('api', 3), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.equal(reader.messages.find(({ push }) => push).push.pub.info, undefined);
  await reader.leave();
  http.destroy();
});

test('a body with line breaks is delivered as one line', async () => {
  const client = sdkClient(server);
  client.connect();
  const subscription = client.newSubscription('lines');
  const got = [];
  subscription.on('publication', ({ data }) => got.push(data));
  subscription.subscribe();
  await subscription.ready(5000);
  const data = '{\r\n  "a": "x\\ny",\n  "b": [1,\n 2]\r\n}';
  const body = `{\n  "channel": "lines",\n  "data": ${data}\n}\n`;
  assert.equal((await rawRequest(server.port, publishRequest(body))).status, 200);
  await waitFor(() => got.length === 1, 'the publication');
  assert.deepEqual(got, [{ a: 'x\ny', b: [1, 2] }]);
  client.disconnect();
});

test('who may call the API, and with what', async () => {
  const ask = (...args) => rawRequest(server.port, publishRequest(...args));
  const good = '{"channel":"api","data":1}';
  assert.equal((await ask(good, [])).status, 401);
  assert.equal((await ask(good, ['X-API-Key: wrong'])).status, 401);
  assert.equal((await ask(good, [`X-API-Key: ${apiKey}x`])).status, 401);
  assert.equal((await ask(good, ['X-API-Key:'])).status, 401);
  assert.equal((await ask(good, [`Authorization: apikey ${apiKey}`])).status, 200);
  assert.equal((await ask(good)).status, 200);
  for (const bad of ['', 'x', '{"channel":"api","data":', '{"channel":"api","data":\xff}', '[]']) {
    assert.equal((await ask(bad)).status, 400, bad);
  }
  for (const bad of [
    '{"channel":"a.b","data":1}',
    '{"channel":"_x","data":1}',
    '{"channel":"","data":1}',
    '{"data":1}',
    '{"channel":"api"}',
  ]) {
    const { status, body } = await ask(bad);
    assert.deepEqual([status, JSON.parse(body).error?.code], [200, 107], bad);
    assert.notEqual(JSON.parse(body).error.message, '');
  }
  const get = lines('GET /api/publish HTTP/1.1', `Host: ${server.host}`);
  const refused = await rawRequest(server.port, get);
  assert.deepEqual([refused.status, refused.headers.allow], [405, 'POST']);
  const unknown = publishRequest(good).replace('/api/publish', '/api/dance');
  assert.equal((await rawRequest(server.port, unknown)).status, 404);
});

test('a publication of publication_size is taken, one byte more is not', async () => {
  const small = await Millrace.start({ limits: { publication_size: '4KiB', queue_size: '64KiB' } });
  const reader = await RawClient.open(small);
  await reader.subscribe('big');
  const data = (bytes) => `"${'x'.repeat(bytes - 2)}"`;
  assert.equal((await small.publish('big', data(4096))).body.result.offset, 1);
  assert.equal((await small.publish('big', data(4097))).body.error.code, 107);
  assert.equal((await small.publish('big', data(9000))).status, 413);
  assert.equal((await reader.received('big', 1))[0].length, 4094);
  await reader.leave();
  await small.stop();
});

test('without --insecure a namespace that is not configured is error 102', async () => {
  const secured = await Millrace.start({ insecure: false });
  const { status, body } = await secured.publish('nowhere:x', '1');
  assert.deepEqual([status, body.error?.code], [200, 102]);
  await secured.stop();
});

test('without a key the API is off', async () => {
  const keyless = await Millrace.start({ env: { MILLRACE_API_KEY: undefined } });
  assert.equal((await keyless.publish('a', '1', { key: '' })).status, 401);
  assert.equal((await keyless.publish('a', '1')).status, 401);
  await keyless.stop();
});

// --- the admin port ------------------------------------------------------------------------------

test('the admin port', async () => {
  for (const [path, type, has] of [
    ['/healthz', /text\/plain/, /ok/],
    ['/readyz', /text\/plain/, /ready/],
    ['/metrics', /text\/plain; version=0\.0\.4/, /^# TYPE millrace_connections gauge$/m],
    ['/stats', /application\/json/, /"broker":"memory"/],
    ['/', /text\/html/, /<!doctype html>/i],
  ]) {
    const { status, headers, text } = await server.get(path);
    assert.equal(status, 200, path);
    assert.match(headers.get('content-type'), type);
    assert.match(text, has);
  }
  assert.equal((await server.get('/nothing')).status, 404);
  assert.equal((await server.get('/connection/websocket')).status, 404);
  assert.equal((await server.get('/api/publish')).status, 404);
  const post = await fetch(`http://${server.admin}/metrics`, { method: 'POST' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  const head = await fetch(`http://${server.admin}/healthz`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
  for (const path of ['/metrics', '/stats', '/readyz']) {
    assert.equal((await fetch(`http://${server.host}${path}`)).status, 404, 'not for clients');
  }
});

test('/metrics has each name once, with help and type, and /stats agrees', async () => {
  const { text } = await server.get('/metrics');
  const types = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map(([, name]) => name);
  assert.equal(new Set(types).size, types.length);
  assert.ok(types.every((name) => name.startsWith('millrace_')));
  for (const name of [
    'connections',
    'subscriptions',
    'publications_total',
    'encodes_total',
    'deliveries_total',
    'sends_total',
    'nats_subscriptions',
    'connections_rejected_total',
    'disconnects_total',
  ]) {
    assert.ok(types.includes(`millrace_${name}`), name);
  }
  const { total, shards } = await server.stats();
  assert.equal(shards.length, 1);
  assert.equal(total.publications_total, await server.metric('millrace_publications_total'));
});

// --- the connection cap (row 004-3) --------------------------------------------------------------

test('the cap is exact over shards; a newcomer gets 503, and the admin port answers', async () => {
  const capped = await Millrace.start({ shards: 2, args: ['--max-connections', '50'] });
  const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(capped)));
  for (let i = 0; i < 20; ++i) {
    const { status, headers, body } = await rawRequest(capped.port, handshake(capped.host));
    assert.equal(status, 503);
    assert.match(headers['retry-after'], /^[1-9]\d*$/);
    assert.match(body, /connections/);
  }
  const metrics = await capped.metrics();
  assert.equal(metrics['millrace_connections_rejected_total{reason="connection_limit"}'], 20);
  assert.equal(metrics.millrace_clients, 50);
  assert.equal((await capped.get('/healthz')).status, 200);
  for (const client of clients) assert.equal(client.close, null);

  await clients.pop().leave();
  const next = await waitFor(() => RawClient.open(capped).catch(() => null), 'room for one more');
  clients.push(next);
  await next.subscribe('room');
  assert.equal((await rawRequest(capped.port, handshake(capped.host))).status, 503);
  await Promise.all(clients.map((client) => client.leave()));
  await waitFor(async () => (await capped.metric('millrace_connections')) === 0, 'no connection');
  await capped.stop();
});

test('connections that never say anything count too', async () => {
  const capped = await Millrace.start({ args: ['--max-connections', '3'] });
  const silent = [];
  for (let i = 0; i < 3; ++i) silent.push(await RawHttp.open(capped.port));
  await waitFor(
    async () => (await capped.metric('millrace_connections')) === 3,
    'three connections',
  );
  assert.equal((await rawRequest(capped.port, handshake(capped.host))).status, 503);
  silent.forEach((one) => one.destroy());
  await sleep(50);
  await (await waitFor(() => RawClient.open(capped).catch(() => null), 'room again')).leave();
  await capped.stop();
});

test('the server ends cleanly after all that', async () => {
  await server.stop();
});
