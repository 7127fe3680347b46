// The server API across nodes: a call at one acts on users and channels at the others.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { ask, call, outcome } from './support/api.mjs';
import { connectedClient, datas, ended, gotten, kinds } from './support/clients.mjs';
import { configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, seconds, secret } from './support/tokens.mjs';
import { timed, waitFor, within } from './support/wait.mjs';

after(endAll);

const config = configFile(`
[token]
hmac_secret = "${secret}"
[namespaces.default]
allow_subscribe = ["client"]
[namespaces.room]
presence = true
allow_subscribe = ["client"]
`);
const nats = await NatsServer.start();
const application = await nats.client();
const start = () =>
  Millrace.start({ insecure: false, shards: 2, args: ['--nats', nats.url, '--config', config] });
const [a, b, c] = await Promise.all([start(), start(), start()]);
for (const node of [a, b, c]) await node.ready();
const all = [a, b, c];

const uids = async (node) => {
  const { nodes } = (await call(node, 'info')).result ?? { nodes: [] };
  return nodes.map(({ uid }) => uid).sort();
};
const known = (node, count) =>
  waitFor(async () => (await uids(node)).length === count, `${count} nodes`, 15_000);
for (const node of all) await known(node, 3);

// A client of either kind on each node, perhaps many.
const crowd = (user, nodes = all, claims = {}) =>
  Promise.all(nodes.map((node, i) => {
    const token = makeToken({ sub: user, ...claims });
    return connectedClient(kinds[i % 2], node, { token });
  }));

const leave = (clients) => clients.forEach((client) => client.disconnect());
const sideOf = (client, channel) =>
  waitFor(() => client.server.get(channel), `the server's ${channel}`);

test('a user at every node is subscribed, unsubscribed and disconnected by one call', async () => {
  const clients = await crowd('ann', [...all, ...all]);
  const other = await crowd('ben', [b]);
  assert.deepEqual(await outcome(a, 'subscribe', { user: 'ann', channel: 'room:x' }), {});
  // What is published after the answer arrives, wherever it is published.
  assert.deepEqual(await outcome(c, 'publish', { channel: 'room:x', data: 'first' }), {});
  for (const client of clients) {
    const side = await sideOf(client, 'room:x');
    await gotten(side, 1);
    assert.deepEqual(datas(side), ['first']);
  }
  assert.deepEqual((await outcome(b, 'channels', { pattern: 'room:*' })).channels, {
    'room:x': { num_clients: 6 },
  });
  for (const node of all) {
    await waitFor(async () => {
      const stats = await outcome(node, 'presence_stats', { channel: 'room:x' });
      return stats.num_clients === 6 && stats.num_users === 1;
    }, 'presence of all nodes');
  }
  const { presence } = await outcome(c, 'presence', { channel: 'room:x' });
  assert.equal(Object.keys(presence).length, 6);
  const order = { user: 'ann', channel: 'room:x' };
  assert.deepEqual(await ask(application, 'unsubscribe', order), { result: {} });
  assert.deepEqual((await outcome(a, 'channels', { pattern: 'room:*' })).channels, {});
  const stays = clients[1].connects[0].client;
  assert.deepEqual(await outcome(a, 'disconnect', { user: 'ann', whitelist: [stays] }), {});
  for (const [i, client] of clients.entries()) {
    if (i !== 1) assert.equal((await ended(client)).code, 3503);
  }
  assert.deepEqual([clients[1].ends, other[0].ends], [[], []]);
  leave([...clients, ...other]);
});

test('info counts each node', async () => {
  const clients = await crowd('cat', [a, b, b]);
  await clients[1].subscribe('news');
  const { nodes } = (await ask(application, 'info')).result;
  const sums = nodes.map(({ num_clients: n, num_subs: s }) => [n, s]).sort();
  assert.deepEqual(sums, [[0, 0], [1, 0], [2, 1]]);
  assert.equal(new Set(nodes.map(({ uid }) => uid)).size, 3);
  leave(clients);
});

test('refresh reaches another node', async () => {
  const clients = await crowd('dan', [b, c], { exp: seconds() + 1000 });
  assert.deepEqual(await outcome(a, 'refresh', { user: 'dan', expired: true }), {});
  for (const client of clients) assert.equal((await ended(client)).code, 3005);
  leave(clients);
});

// Row 004-28b.
test('revoke takes effect on every node in a second', async () => {
  const clients = await crowd('eve', [...all, ...all]);
  const subs = await Promise.all(clients.map((client) => client.subscribe('news')));
  assert.equal(subs.length, 6);
  const { value, ms } = await timed(outcome(b, 'revoke', { user: 'eve' }));
  assert.deepEqual(value, {});
  for (const client of clients) assert.equal((await ended(client)).code, 3500);
  assert.ok(ms < 1_000, `${ms} ms`);
  for (const node of [...all, ...all]) {
    const [client] = await Promise.all([
      connectedClient('json', node, { token: makeToken({ sub: 'eve', iat: seconds() - 5 }) }).then(
        () => assert.fail('a revoked token was taken'),
        () => null,
      ),
    ]);
    assert.equal(client, null);
  }
  leave(clients);
});

test('a node that is killed is left out when the others know', async () => {
  const clients = await crowd('fay', [a, b]);
  const gone = await crowd('fay', [c]);
  c.signal('SIGKILL');
  await within(c.run.ended, 'the end of the node');
  // It answers as soon as it is known that the third is gone, and no sooner.
  assert.deepEqual(await outcome(a, 'subscribe', { user: 'fay', channel: 'room:left' }), {});
  for (const client of clients) await sideOf(client, 'room:left');
  assert.equal((await uids(a)).length, 2);
  assert.deepEqual((await outcome(b, 'channels', { pattern: 'room:l*' })).channels, {
    'room:left': { num_clients: 2 },
  });
  leave([...clients, ...gone]);
});

test('a node that stands still is an error, and the others have done it', async () => {
  const [client] = await crowd('gus', [a]);
  b.signal('SIGSTOP');
  const answer = await outcome(a, 'disconnect', { user: 'gus' });
  assert.equal((await ended(client)).code, 3503);
  // It may be taken for gone before the question is given up.
  assert.ok(answer === 100 || JSON.stringify(answer) === '{}', JSON.stringify(answer));
  b.signal('SIGCONT');
  await known(a, 2);
  await known(b, 2);
  const [late] = await crowd('hal', [b]);
  assert.deepEqual(await outcome(a, 'disconnect', { user: 'hal' }), {});
  assert.equal((await ended(late)).code, 3503);
  leave([client, late]);
});

test('without NATS a call about users is an error, and is done where it was called', async () => {
  const clients = await crowd('ida', [a, b]);
  nats.freeze();
  await nats.kill();
  await waitFor(async () => (await a.get('/readyz')).status === 503, 'the loss to be known');
  assert.equal(await outcome(a, 'disconnect', { user: 'ida' }), 100);
  assert.equal((await ended(clients[0])).code, 3503);
  assert.deepEqual(clients[1].ends, []);
  await nats.launch();
  await known(a, 2);
  // Each hears NATS for half a second before it is sure of who is there.
  const done = async () => (await outcome(a, 'disconnect', { user: 'ida' })) !== 100;
  await waitFor(done, 'the call to reach all');
  assert.equal((await ended(clients[1])).code, 3503);
  leave(clients);
});
