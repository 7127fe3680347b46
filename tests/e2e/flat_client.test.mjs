// The tests' own client of the binary protocol, against a server of a few lines and against flatc.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

import { FlatClient, subprotocol } from './support/flat_client.mjs';
import {
  decodeCommands, decodeServerMessages, encodeCommand, encodeServerMessage,
} from './support/flat_codec.mjs';
import { schemaFile } from './support/flat_schema.mjs';
import { atEnd, endAll } from './support/processes.mjs';

after(endAll);

// `answer(command, say)` says what the server says.
async function server(answer) {
  const sockets = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (offered) => offered.has(subprotocol) && subprotocol,
  });
  await once(sockets, 'listening');
  atEnd(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  const commands = [];
  sockets.on('connection', (socket) => socket.on('message', (frame, binary) => {
    assert.ok(binary);
    const say = (...messages) => socket.send(Buffer.concat(messages.map(encodeServerMessage)));
    for (const command of decodeCommands(frame)) {
      commands.push(command);
      answer(command, say, socket);
    }
  }));
  return { url: `ws://127.0.0.1:${sockets.address().port}/connection/websocket`, commands };
}

const replies = {
  Connect: ['ConnectResult', { client: 'uuid', ping: 25, pong: true }],
  Subscribe: ['SubscribeResult', { recoverable: true, epoch: 'abcdefgh', offset: 4n }],
  Unsubscribe: ['UnsubscribeResult', {}],
  Publish: ['PublishResult', {}],
  Presence: ['PresenceResult', { members: [{ user: 'ann', client: 'uuid', connInfo: '{}' }] }],
  PresenceStats: ['PresenceStatsResult', { clients: 2, users: 1 }],
  History: ['HistoryResult', { publications: [{ data: 'x', offset: 4n }], epoch: 'e', offset: 4n }],
  Rpc: ['RpcResult', { data: 'answer' }],
  Refresh: ['RefreshResult', { client: 'uuid', expires: true, ttl: 9 }],
  SubRefresh: ['SubRefreshResult', { expires: true, ttl: 8 }],
};
function obliging({ id, type }, say) {
  if (replies[type]) say({ id, type: replies[type][0], body: replies[type][1] });
}

// flatc, which has nothing to do with our code, reads and writes the same bytes.
function flatc(name, bytes, options) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-flatc-'));
  try {
    writeFileSync(join(folder, name), bytes);
    const input = name.endsWith('.json') ? [schemaFile, join(folder, name)]
      : [schemaFile, '--', join(folder, name)];
    execFileSync('flatc', [...options, '-o', folder, ...input]);
    return readFileSync(join(folder, name.endsWith('.json') ? 'x.bin' : 'x.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const toJson = ['--json', '--strict-json', '--size-prefixed'];

test('flatc reads what is written', () => {
  const frame = encodeCommand({
    id: 7, type: 'Subscribe',
    body: { channel: 'néws', offset: 1n << 60n, recover: true, data: Buffer.from([0, 255]) } });
  const text = flatc('x.bin', frame, [...toJson, '--natural-utf8']);
  assert.deepEqual(JSON.parse(text.toString().replace('1152921504606846976', '"big"')), {
    id: 7, body_type: 'Subscribe',
    body: { channel: 'néws', offset: 'big', recover: true, data: [0, 255] } });
  const message = encodeServerMessage({ type: 'PublicationPush', body: {
    channel: 'a', publication: { data: 'x', offset: 3n, info: { user: 'u' } } } });
  const push = flatc('x.bin', message,
    [...toJson, '--root-type', 'millrace.flat.ServerMessage']);
  assert.deepEqual(JSON.parse(push), { body_type: 'PublicationPush', body: {
    channel: 'a', publication: { data: [120], info: { user: 'u' }, offset: 3 } } });
});

test('what flatc writes is read', () => {
  const frame = flatc('x.json', JSON.stringify({
    id: 1, body_type: 'Connect',
    body: { token: 't', subs: [{ channel: 'a', epoch: 'e', offset: 5, recover: true }] } }),
  ['--binary', '--size-prefixed']);
  assert.deepEqual(decodeCommands(frame), [{ id: 1, type: 'Connect', body: {
    token: 't', name: '', version: '', data: Buffer.alloc(0),
    subs: [{ channel: 'a', recover: true, epoch: 'e', offset: 5n }] } }]);
});

test('a body of a newer server is passed over', () => {
  const message = encodeServerMessage({ type: 'Ping' });
  const twelves = [...message.keys()].filter((at) => at >= 12 && message[at] === 12);
  message[twelves.at(-1)] = 200;  // Ping's number, which stands behind its vtable
  const known = encodeServerMessage({ type: 'MessagePush', body: { data: 'x' } });
  assert.deepEqual(decodeServerMessages(Buffer.concat([message, known])).map((one) => one.type),
    ['MessagePush']);
});

test('every call, and its answer', async () => {
  const { url, commands } = await server(obliging);
  const client = new FlatClient(url);
  assert.equal((await client.connect({ token: 'secret' })).client, 'uuid');
  assert.equal((await client.subscribe('a', { joinLeave: true })).epoch, 'abcdefgh');
  await client.publish('a', Buffer.from([0, 1, 255]));
  assert.equal((await client.presence('a'))[0].connInfo.toString(), '{}');
  assert.equal((await client.presenceStats('a')).clients, 2);
  const history = await client.history('a', { limit: 10, since: { epoch: 'e', offset: 3n } });
  assert.equal(history.publications[0].offset, 4n);
  assert.equal((await client.rpc('m', 'x')).toString(), 'answer');
  assert.equal((await client.refresh('t')).ttl, 9);
  assert.equal((await client.subRefresh('a', 't')).ttl, 8);
  client.send('x');
  await client.unsubscribe('a');
  assert.deepEqual(commands.map((command) => [command.id, command.type]), [
    [1, 'Connect'], [2, 'Subscribe'], [3, 'Publish'], [4, 'Presence'], [5, 'PresenceStats'],
    [6, 'History'], [7, 'Rpc'], [8, 'Refresh'], [9, 'SubRefresh'], [0, 'Send'],
    [10, 'Unsubscribe']]);
  assert.equal(commands[0].body.token, 'secret');
  assert.deepEqual(commands[2].body.data, Buffer.from([0, 1, 255]));
  assert.deepEqual(commands[5].body.since, { epoch: 'e', offset: 3n });
  client.disconnect();
});

test('an error is thrown with its code', async () => {
  const { url } = await server(({ id }, say) => say(
    { id, type: 'ErrorResult', body: { code: 109, message: 'token expired', temporary: false } }));
  const client = new FlatClient(url);
  await assert.rejects(client.connect(), { code: 109, temporary: false });
  client.disconnect();
});

test('pushes are events, and pings are answered', async () => {
  const { url, commands } = await server((command, say) => {
    obliging(command, say);
    if (command.type !== 'Subscribe') return;
    say({ type: 'PublicationPush', body: { channel: 'a', publication: { data: 'x', offset: 5n } } },
      { type: 'JoinPush', body: { channel: 'a', info: { user: 'bob' } } },
      { type: 'LeavePush', body: { channel: 'a', info: { user: 'bob' } } },
      { type: 'SubscribePush', body: { channel: 'b', epoch: 'e', offset: 1n, recoverable: true } },
      { type: 'MessagePush', body: { data: 'm' } },
      { type: 'RefreshPush', body: { expires: true, ttl: 3 } },
      { type: 'UnsubscribePush', body: { channel: 'a', code: 2000, reason: 'server' } },
      { type: 'Ping' });
  });
  const client = new FlatClient(url);
  const seen = [];
  for (const name of ['publication', 'join', 'leave', 'serverSubscribed', 'message', 'refresh',
    'unsubscribed', 'ping']) {
    client.on(name, () => seen.push(name));
  }
  await client.connect();
  const pinged = once(client, 'ping');
  await client.subscribe('a');
  await pinged;
  await client.rpc('m', 'behind the pong');
  assert.deepEqual(seen, ['publication', 'join', 'leave', 'serverSubscribed', 'message', 'refresh',
    'unsubscribed', 'ping']);
  assert.equal(commands.filter(({ type }) => type === 'Pong').length, 1);
  assert.equal(client.subscriptions.size, 0);
  client.disconnect();
});

test('it comes back with its positions, and not after a terminal code', async () => {
  const { url, commands } = await server((command, say, socket) => {
    obliging(command, say);
    if (command.type === 'Send') socket.close(Number(command.body.data), 'as told');
  });
  const client = new FlatClient(url, { reconnectDelay: 10 });
  await client.connect();
  await client.subscribe('a');
  for (const cut of [() => client.cut(), () => client.send('3001')]) {
    const back = once(client, 'subscribed');
    cut();
    assert.equal((await back)[0].channel, 'a');
    const { body } = commands.filter(({ type }) => type === 'Subscribe').at(-1);
    assert.deepEqual([body.recover, body.epoch, body.offset], [true, 'abcdefgh', 4n]);
  }
  const ended = once(client, 'disconnected');
  client.send('3500');
  assert.deepEqual((await ended)[0], { code: 3500, reason: 'as told', reconnects: false });
  await pause(200);
  assert.equal(commands.filter(({ type }) => type === 'Connect').length, 3);
  client.disconnect();
});
