// Who is in a channel, and who is told of whom.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedAgain, connectedClient, kinds } from './support/clients.mjs';
import { anonymousToo, everybody } from './support/configs.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken } from './support/tokens.mjs';
import { sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`${anonymousToo}
[namespaces.room]
presence = true
join_leave = true
${everybody('subscribe', 'publish', 'presence')}
[namespaces.members]
presence = true
join_leave = true
${everybody('subscribe')}
allow_presence = ["subscriber"]
`);
const server = await Millrace.start({ insecure: false, shards: 2, args: ['--config', config] });

const come = (kind, user, options = {}) =>
  connectedClient(kind, server, {
    token: user === null ? undefined : makeToken({ sub: user }),
    ...options,
  });
const idOf = (client) => client.connects.at(-1).client;
const ids = (members) => members.map(({ client }) => client).sort();

async function counts(client, channel, clients, users) {
  const wanted = { clients, users };
  await waitFor(async () => {
    const stats = await client.presenceStats(channel);
    return stats.clients === clients && stats.users === users;
  }, `${JSON.stringify(wanted)} in ${channel}`);
}

for (const kind of kinds) {
  test(`${kind}: everybody is listed once, and users are counted by their name`, async () => {
    const channel = `room:all-${kind}`;
    const users = ['ann', 'ann', 'ben', null, null];
    const clients = await Promise.all(users.map((user) => come(kind, user)));
    for (const client of clients) await client.subscribe(channel);
    for (const client of clients) {
      const members = await client.presence(channel);
      assert.deepEqual(ids(members), clients.map(idOf).sort());
      const named = members.map(({ user }) => user ?? '').sort();
      assert.deepEqual(named, ['', '', 'ann', 'ann', 'ben']);
      assert.deepEqual(await client.presenceStats(channel), { clients: 5, users: 3 });
    }
    clients[0].cut();
    clients[4].disconnect();
    await connectedAgain(clients[0], 2);
    await counts(clients[1], channel, 4, 3);
    for (const client of clients.slice(1)) client.disconnect();
    await counts(clients[0], channel, 1, 1);
    clients[0].disconnect();
  });

  test(`${kind}: ten times in and out is once in, or not at all`, async () => {
    const channel = `room:hasty-${kind}`;
    const [client, watcher] = await Promise.all([come(kind, 'ann'), come('json', 'zoe')]);
    const sub = await client.subscribe(channel);
    for (let i = 0; i < 10; ++i) {
      const out = client.unsubscribe(sub);
      if (i % 2 === 0) await out;
      await client.resubscribe(sub);
    }
    assert.deepEqual(await watcher.presenceStats(channel), { clients: 1, users: 1 });
    assert.deepEqual(ids(await watcher.presence(channel)), [idOf(client)]);
    await client.unsubscribe(sub);
    await counts(watcher, channel, 0, 0);
    assert.deepEqual(await watcher.presence(channel), []);
    client.disconnect();
    watcher.disconnect();
  });

  test(`${kind}: who may ask`, async () => {
    const [inside, outside, nobody] = await Promise.all(
      ['ann', 'ben', null].map((user) => come(kind, user)),
    );
    await inside.subscribe('members:1');
    await nobody.subscribe('members:1');
    assert.deepEqual(await inside.presenceStats('members:1'), { clients: 2, users: 2 });
    for (const client of [outside, nobody]) {
      await assert.rejects(client.presence('members:1'), { code: 103 });
      await assert.rejects(client.presenceStats('members:1'), { code: 103 });
    }
    for (const client of [inside, outside, nobody]) client.disconnect();
  });
}

test('joins and leaves are told, to those who want it', async () => {
  const channel = 'room:told';
  const watchers = await Promise.all(kinds.map((kind) => come(kind, 'watcher')));
  const subs = await Promise.all(
    watchers.map((client) => client.subscribe(channel, { joinLeave: true })),
  );
  const deaf = await come('json', 'deaf');
  const unheard = await deaf.subscribe(channel);
  const ben = await come('json', 'ben');
  await ben.subscribe(channel);
  const client = idOf(ben);
  const isBen = (info) => info.client === client && info.user === 'ben';
  for (const sub of subs) {
    await waitFor(() => sub.joins.some(isBen), 'the join of ben', 3_000);
    assert.ok(sub.joins.some(({ user }) => user === 'watcher'), 'its own');
  }
  assert.equal(subs[0].leaves.length, 0);
  const left = performance.now();
  ben.disconnect();
  await counts(watchers[0], channel, 3, 2);
  for (const sub of subs) {
    await waitFor(() => sub.leaves.some(isBen), 'the leave of ben', 8_000);
    assert.equal(sub.joins.filter(isBen).length, 1);
    assert.equal(sub.leaves.length, 1);
  }
  const waited = performance.now() - left;
  assert.ok(waited > 4_500, `told of after ${waited} ms`);
  assert.deepEqual([unheard.joins, unheard.leaves], [[], []]);
  for (const each of [...watchers, deaf]) each.disconnect();
});

test('a flap is not told, and who reconnects is not seen gone', async () => {
  const channel = 'room:flap';
  const watchers = await Promise.all(kinds.map((kind) => come(kind, 'watcher')));
  const subs = await Promise.all(
    watchers.map((client) => client.subscribe(channel, { joinLeave: true })),
  );
  const flapping = await come('json', 'ann');
  const sub = await flapping.subscribe(channel);
  const cut = await come('flatbuffers', 'ben');
  await cut.subscribe(channel);
  const before = idOf(cut);
  const seen = (list, user) => list.filter((info) => info.user === user).length;
  const both = ({ joins }) => seen(joins, 'ann') + seen(joins, 'ben') === 2;
  for (const each of subs) await waitFor(() => both(each), 'both joins', 3_000);
  await flapping.unsubscribe(sub);
  cut.cut();
  await sleep(1_500);
  await flapping.resubscribe(sub);
  await connectedAgain(cut, 2);
  const after = idOf(cut);
  for (const each of subs) {
    await waitFor(() => seen(each.leaves, 'ben') === 1, 'the end of the old client', 8_000);
    assert.deepEqual([seen(each.joins, 'ann'), seen(each.leaves, 'ann')], [1, 0]);
    assert.deepEqual(
      each.joins.filter(({ user }) => user === 'ben').map(({ client }) => client),
      [before, after],
    );
    assert.equal(each.leaves[0].client, before);
  }
  await sleep(1_000 * slowness);
  assert.equal(seen(subs[0].leaves, 'ann'), 0);
  await counts(watchers[0], channel, 4, 3);
  for (const each of [...watchers, flapping, cut]) each.disconnect();
});

test('both shards say the same', async () => {
  const channel = 'room:both';
  const clients = [];
  const onBoth = async () =>
    (await server.stats()).shards.every(({ subscriptions }) => subscriptions > 0);
  while (clients.length < 10 || (!(await onBoth()) && clients.length < 40)) {
    const client = await come(kinds[clients.length % 2], `user-${clients.length % 4}`);
    await client.subscribe(channel);
    clients.push(client);
  }
  assert.ok(await onBoth(), 'one shard has no client');
  const everybody = clients.map(idOf).sort();
  for (const client of clients) {
    assert.deepEqual(ids(await client.presence(channel)), everybody);
    assert.deepEqual(await client.presenceStats(channel), { clients: clients.length, users: 4 });
  }
  for (const client of clients) client.disconnect();
});

test('nothing is left of them', async () => {
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  const members = () => server.metric('millrace_presence_members');
  await waitFor(async () => (await members()) === 0, 'nobody listed', 10_000);
  await server.stop();
});
