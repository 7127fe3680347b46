// POST /api/revoke: tokens that are taken back, on every shard at once.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedClient, ended, gotten, kinds, makeClient } from './support/clients.mjs';
import { Millrace, apiKey, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, seconds, secret } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`
[token]
hmac_secret = "${secret}"
[namespaces.default]
allow_subscribe = ["client"]
allow_publish = ["client"]
`);
const server = await Millrace.start({ insecure: false, shards: 2, args: ['--config', config] });

async function revoke(order, key = apiKey) {
  const response = await fetch(`http://${server.host}/api/revoke`, {
    method: 'POST',
    headers: key === null ? {} : { 'X-API-Key': key },
    body: typeof order === 'string' ? order : JSON.stringify(order),
  });
  const text = await response.text();
  return response.status === 200 ? JSON.parse(text) : response.status;
}

// So many clients of either kind that both shards have some, and with them tokens to tell apart.
async function crowd(user, count = 12) {
  const clients = [];
  for (let i = 0; i < count; ++i) {
    const token = makeToken({ sub: user, jti: `${user}-${i}`, iat: seconds() - i * 10 });
    const client = await connectedClient(kinds[i % 2], server, { token });
    clients.push(client);
  }
  return clients;
}

const shards = async () => (await server.stats()).shards.map(({ clients }) => clients);

async function refused(token, kind) {
  const client = makeClient(kind, server, { token });
  client.connect().catch(() => {});
  const { code, reconnects } = await ended(client);
  client.disconnect();
  assert.deepEqual([code, reconnects], [3500, false]);
}

// Retried, because each request may be served by another shard.
async function refusedEverywhere(token) {
  for (let i = 0; i < 6; ++i) await refused(token, kinds[i % 2]);
}

const leave = (clients) => clients.forEach((client) => client.disconnect());

test('a user is closed with 3500 on both shards, and does not come back; others stay', async () => {
  const [ann, ben] = [await crowd('ann'), await crowd('ben', 4)];
  assert.equal((await shards()).includes(0), false, 'one shard has no client');
  const sub = await ben[0].subscribe('news');
  const began = performance.now();
  assert.deepEqual(await revoke({ user: 'ann' }), { result: {} });
  for (const client of ann) {
    const { code, reason, reconnects } = await ended(client);
    assert.deepEqual([code, reconnects], [3500, false]);
    assert.notEqual(reason, '');
  }
  assert.ok(performance.now() - began < 1_000, 'in a second');
  await sleep(500);
  for (const client of ann) assert.equal(client.connects.length, 1);
  for (const client of ben) assert.deepEqual(client.ends, []);
  await ben[1].publish('news', 'still here');
  await gotten(sub, 1);
  await refusedEverywhere(makeToken({ sub: 'ann', iat: seconds() - 5 }));
  await refusedEverywhere(makeToken({ sub: 'ann', iat: undefined }));
  // A token of later is another matter.
  await sleep(1_100);
  leave([await connectedClient('json', server, { token: makeToken({ sub: 'ann' }) })]);
  leave([...ann, ...ben]);
});

test('one token of a user', async () => {
  const clients = await crowd('cal', 6);
  const victim = clients[3];
  const order = { token_id: 'cal-3', expire_at: seconds() + 3600 };
  assert.deepEqual(await revoke(order), { result: {} });
  // It is asked to come back, and is then refused.
  await waitFor(() => victim.ends.length === 2, 'the refusal');
  assert.deepEqual(
    victim.ends.map(({ code, reconnects }) => [code, reconnects]),
    [
      [3011, true],
      [3500, false],
    ],
  );
  await refusedEverywhere(makeToken({ sub: 'cal', jti: 'cal-3' }));
  for (const client of clients) if (client !== victim) assert.deepEqual(client.ends, []);
  const other = { token: makeToken({ sub: 'cal', jti: 'cal-30' }) };
  leave([...clients, await connectedClient('json', server, other)]);
});

test('the token of a subscription, of which the connection stays', async () => {
  const clients = await crowd('gus', 8);
  const subs = [];
  for (const [i, client] of clients.entries()) {
    const jti = i < 4 ? 'sub-jti-1' : `other-${i}`;
    const token = makeToken({ sub: 'gus', channel: 'gus', jti, exp: undefined });
    subs.push(await client.subscribe('gus', { token }));
  }
  assert.deepEqual(await revoke({ token_id: 'sub-jti-1' }), { result: {} });
  // It subscribes again, and is then refused.
  for (const [i, client] of clients.slice(0, 4).entries()) {
    const { ends } = subs[i];
    const refusal = () => (client.kind === 'json' ? ends[1] : client.errors[0]);
    await waitFor(refusal, 'the refusal');
    assert.deepEqual([ends[0].code, ends[0].again, refusal().code], [2500, true, 103]);
  }
  await clients[0].publish('gus', 'next');
  for (const sub of subs.slice(4)) await gotten(sub, 1);
  await sleep(200);
  for (const sub of subs.slice(0, 4)) assert.deepEqual(sub.got, []);
  for (const sub of subs.slice(4)) assert.deepEqual(sub.ends, []);
  for (const client of clients) assert.deepEqual(client.ends, []);
  leave(clients);
});

test('all tokens of before a time', async () => {
  const clients = await crowd('dan', 10); // issued 0, 10, .. 90 s ago
  assert.deepEqual(await revoke({ issued_before: seconds() - 45 }), { result: {} });
  for (const client of clients.slice(5)) assert.equal((await ended(client)).code, 3500);
  for (const client of clients.slice(0, 5)) assert.deepEqual(client.ends, []);
  await refusedEverywhere(makeToken({ sub: 'eve', iat: seconds() - 60 }));
  const young = { token: makeToken({ sub: 'eve' }) };
  leave([...clients, await connectedClient('flatbuffers', server, young)]);
});

test('who may not, and what is no order', async () => {
  const [client] = await crowd('fay', 1);
  assert.deepEqual(await revoke({ user: 'fay' }, null), 401);
  assert.deepEqual(await revoke({ user: 'fay' }, 'wrong'), 401);
  for (const order of [
    '',
    '[]',
    {},
    { user: '' },
    { user: 'u'.repeat(256) },
    { user: 'fay', expire_at: 1_000 },
    { user: 'fay', token_id: 'fay-0' },
    { issued_before: Date.now() },
    { issued_before: seconds() + 3600 },
  ]) {
    const { error } = await revoke(order);
    assert.equal(error.code, 107, JSON.stringify(order));
    assert.notEqual(error.message, '');
  }
  await sleep(100);
  assert.deepEqual(client.ends, []);
  leave([client]);
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  await server.stop();
});
