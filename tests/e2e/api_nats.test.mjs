// The server API over NATS: what npm nats asks, one shard of one node answers.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { ask, call } from './support/api.mjs';
import { connectedClient, ended, gotten, kinds } from './support/clients.mjs';
import { configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, secret } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`
[token]
hmac_secret = "${secret}"
[namespaces.default]
allow_subscribe = ["client"]
`);
const nats = await NatsServer.start();
const application = await nats.client();
const start = (file) =>
  Millrace.start({ insecure: false, shards: 2, args: ['--nats', nats.url, '--config', file] });
const server = await start(config);
await server.ready();

const clientOf = (user, i = 0) =>
  connectedClient(kinds[i % 2], server, { token: makeToken({ sub: user }) });

// A node that has just come does not know yet that it is alone.
await waitFor(async () => (await ask(application, 'info', '')).result, 'the cluster to be known');

test('each method answers as it does over HTTP', async () => {
  const clients = await Promise.all([0, 1, 2, 3].map((i) => clientOf('ann', i)));
  const sub = await clients[0].subscribe('news');
  assert.deepEqual(await ask(application, 'publish', { channel: 'news', data: 1 }), { result: {} });
  await gotten(sub, 1);
  const { result } = await ask(application, 'broadcast', { channels: ['news', 'a..b'], data: 2 });
  assert.deepEqual(result.responses.map(({ error }) => error?.code ?? 0), [0, 107]);
  await gotten(sub, 2);
  assert.deepEqual(await ask(application, 'subscribe', { user: 'ann', channel: 'seat' }), {
    result: {},
  });
  for (const client of clients) await waitFor(() => client.server.get('seat'), 'the seat');
  const { channels } = (await ask(application, 'channels', { pattern: 'seat' })).result;
  assert.deepEqual(channels, { seat: { num_clients: 4 } });
  const order = { user: 'ann', channel: 'seat' };
  assert.deepEqual(await ask(application, 'unsubscribe', order), { result: {} });
  assert.deepEqual((await ask(application, 'channels', { pattern: 'seat' })).result.channels, {});
  const { nodes } = (await ask(application, 'info', '')).result;
  assert.deepEqual(nodes.map(({ num_clients: count }) => count), [4]);
  assert.equal((await ask(application, 'history', { channel: 'news' })).error.code, 108);
  assert.equal((await ask(application, 'history_remove', { channel: 'news' })).error.code, 108);
  assert.equal((await ask(application, 'presence', { channel: 'news' })).error.code, 108);
  assert.equal((await ask(application, 'presence_stats', { channel: 'news' })).error.code, 108);
  const { replies } = await ask(application, 'batch', {
    commands: [{ publish: { channel: 'news', data: 3 } }, { publish: {} }],
  });
  assert.deepEqual([replies[0].publish, replies[1].error.code], [{}, 107]);
  assert.deepEqual(await ask(application, 'refresh', { user: 'ann' }), { result: {} });
  const disconnect = { user: 'ann', whitelist: [clients[1].connects[0].client] };
  assert.deepEqual(await ask(application, 'disconnect', disconnect), { result: {} });
  for (const i of [0, 2, 3]) assert.equal((await ended(clients[i])).code, 3503);
  assert.deepEqual(await ask(application, 'revoke', { user: 'ann' }), { result: {} });
  assert.equal((await ended(clients[1])).code, 3500);
});

test('one of all takes a request, and one without a reply subject is carried out', async () => {
  const client = await clientOf('bob');
  const sub = await client.subscribe('once');
  application.publish('millrace.api.publish', JSON.stringify({ channel: 'once', data: 1 }));
  await gotten(sub, 1);
  for (let data = 2; data <= 50; ++data) {
    await ask(application, 'publish', { channel: 'once', data });
  }
  await gotten(sub, 50);
  await sleep(200);
  assert.equal(sub.got.length, 50, 'each once');
  client.disconnect();
});

test('hostile requests get an error, and hostile inboxes nothing', async () => {
  const heard = [];
  const spy = application.subscribe('>', { callback: (_, message) => heard.push(message.subject) });
  await application.flush();
  for (const [method, body] of [
    ['nosuch', '{}'],
    ['publish', ''],
    ['publish', '{'],
    ['publish', '{"channel":"a","channel":"b","data":1}'],
    ['publish', '{"channel":"\\ud800","data":1}'],
    ['subscribe', '{"user":1}'],
    ['batch', '{"commands":[{"batch":{}}]}'],
  ]) {
    const { error } = await ask(application, method, body);
    assert.equal(error.code, method === 'nosuch' ? 104 : 107, `${method} ${body}`);
    assert.notEqual(error.message, '');
  }
  const request = JSON.stringify({ channel: 'quiet', data: 1 });
  for (const reply of ['quiet', 'millrace.api.publish', '$JS.API.STREAM.DELETE.x', '_IN>BOX',
    '_INBOX.*', '_INBOX..x', `_${'x'.repeat(255)}`]) {
    application.publish('millrace.api.info', request, { reply });
  }
  await ask(application, 'info');
  await sleep(200);
  const answered = heard.filter((subject) => !subject.startsWith('millrace.'));
  assert.ok(answered.every((subject) => subject.startsWith('_INBOX.')), answered.join(' '));
  spy.unsubscribe();
});

test('`[api] nats = false` closes this door, and the other stays open', async () => {
  const closed = configFile(`
[token]
hmac_secret = "${secret}"
[broker]
subject_prefix = "closed"
[api]
nats = false
[namespaces.default]
`);
  const other = await start(closed);
  await other.ready();
  await assert.rejects(ask(application, 'info', {}, { prefix: 'closed.' }), { code: '503' });
  assert.equal((await call(other, 'info')).status, 200);
  await other.stop();
});
