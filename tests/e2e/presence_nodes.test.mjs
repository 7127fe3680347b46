// Who is in a channel, over three nodes on one nats-server: lists, counts, joins and leaves; and
// what becomes of them when a node ends, is killed or stands still, and when NATS is away.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedClient } from './support/clients.mjs';
import { anonymousToo, everybody } from './support/configs.mjs';
import { Load } from './support/load.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken } from './support/tokens.mjs';
import { scaled, sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`${anonymousToo}
[namespaces.room]
presence = true
join_leave = true
${everybody('subscribe', 'publish', 'presence')}
[namespaces.crowd]
presence = true
${everybody('subscribe', 'presence')}
[namespaces.wide]
presence = true
join_leave = true
interest = "prefix"
${everybody('subscribe', 'presence')}
`);
const nats = await NatsServer.start();
const application = await nats.client();

async function startNode(name) {
  const node = await Millrace.start({
    insecure: false,
    shards: 2,
    args: ['--nats', nats.url, '--config', config],
    env: { MILLRACE_SERVER_NAME: name },
  });
  await node.ready();
  return node;
}

const known = (node) => node.metric('millrace_nodes_known');
async function allKnow(nodes) {
  for (const node of nodes) {
    await waitFor(async () => (await known(node)) === nodes.length - 1, 'all nodes to be known');
  }
}

const [a, b, c] = [await startNode('a'), await startNode('b'), await startNode('c')];
const all = [a, b, c];
await allKnow(all);

const come = (node, user, kind = 'json') =>
  connectedClient(kind, node, { token: user === null ? undefined : makeToken({ sub: user }) });
const idOf = (client) => client.connects.at(-1).client;
const ids = (members) => members.map(({ client }) => client).sort();

async function counts(client, channel, clients, users, timeoutMs = 5000) {
  let last;
  const right = async () => {
    last = await client.presenceStats(channel).catch((error) => error);
    return last.clients === clients && last.users === users;
  };
  await waitFor(right, `${clients} and ${users} in ${channel}`, timeoutMs).catch((error) => {
    throw new Error(`${error.message}; last ${JSON.stringify(last)}`);
  });
}

test('a node is known by its name, from its first beat on', async () => {
  const beats = application.subscribe('millrace.node.all.heartbeat');
  application.publish('millrace.node.all.hello');
  const names = new Set();
  for await (const message of beats) {
    const beat = message.json();
    assert.match(beat.id, /^[0-9a-f-]{36}$/);
    assert.equal(beat.shards, 2);
    names.add(beat.name);
    if (names.size === 3) break;
  }
  assert.deepEqual([...names].sort(), ['a', 'b', 'c']);
});

for (const kind of ['json', 'flatbuffers']) {
  test(`${kind}: everybody of all nodes is listed once, and users are counted once`, async () => {
    const channel = `room:all-${kind}`;
    const users = [
      [a, 'ann'],
      [a, 'ben'],
      [b, 'ann'],
      [b, null],
      [c, 'cat'],
      [c, null],
    ];
    const clients = await Promise.all(users.map(([node, user]) => come(node, user, kind)));
    for (const client of clients) await client.subscribe(channel);
    const wanted = clients.map(idOf).sort();
    for (const client of clients) {
      await waitFor(
        async () => JSON.stringify(ids(await client.presence(channel))) === JSON.stringify(wanted),
        'everybody to be listed',
      );
      await counts(client, channel, 6, 4);
    }
    clients[0].disconnect();
    clients[4].disconnect();
    await counts(clients[1], channel, 4, 3);
    await counts(clients[5], channel, 4, 3);
    for (const client of clients) client.disconnect();
  });
}

for (const name of ['room', 'wide']) {
  test(`${name}: joins and leaves are told on the other nodes`, async () => {
    const channel = `${name}:told`;
    const watchers = await Promise.all(all.map((node) => come(node, 'watcher')));
    const subs = [];
    for (const each of watchers) subs.push(await each.subscribe(channel, { joinLeave: true }));
    const ben = await come(b, 'ben');
    await ben.subscribe(channel);
    const old = idOf(ben);
    const of = (list, client) => list.filter((info) => info.client === client).length;
    for (const sub of subs) await waitFor(() => of(sub.joins, old) === 1, 'the join', 3_000);
    // He goes to another node.
    ben.disconnect();
    const again = await come(c, 'ben');
    const order = subs.map(() => []);
    subs.forEach((sub, i) => {
      sub.inner.on('join', ({ info }) => info.user === 'ben' && order[i].push('join'));
      sub.inner.on('leave', ({ info }) => info.user === 'ben' && order[i].push('leave'));
    });
    await again.subscribe(channel);
    for (const sub of subs) await waitFor(() => of(sub.leaves, old) === 1, 'the leave', 9_000);
    for (const each of order) assert.deepEqual(each, ['join', 'leave']);
    for (const sub of subs) assert.equal(of(sub.leaves, idOf(again)), 0);
    for (const each of [...watchers, again]) each.disconnect();
  });
}

test('many who ask are one question to the other nodes', async () => {
  const channel = 'room:asked';
  const clients = await Promise.all(Array.from({ length: 20 }, (_, i) => come(a, `u${i}`)));
  for (const client of clients) await client.subscribe(channel);
  await sleep(600);
  const before = await a.metric('millrace_presence_gathers_total');
  const began = performance.now();
  await Promise.all(clients.map((client) => client.presence(channel)));
  await Promise.all(clients.map((client) => client.presence(channel)));
  const periods = Math.floor((performance.now() - began) / 500) + 1;
  const asked = (await a.metric('millrace_presence_gathers_total')) - before;
  assert.ok(asked >= 1 && asked <= periods, `${asked} questions`);
  for (const client of clients) client.disconnect();
});

test('a node that stands still makes the answer an error, never a list without it', async () => {
  const channel = 'room:still';
  const [watcher, inside] = [await come(a, 'ann'), await come(b, 'ben')];
  await watcher.subscribe(channel);
  await inside.subscribe(channel);
  await counts(watcher, channel, 2, 2);
  await sleep(600);
  b.signal('SIGSTOP');
  const answers = [];
  await waitFor(async () => {
    const answer = await watcher.presence(channel).catch((error) => error);
    answers.push(answer.code ?? answer.length);
    return answers.at(-1) === 1; // gone with its node
  }, 'the node to be gone', 8_000);
  assert.ok(answers.includes(100), JSON.stringify(answers));
  b.signal('SIGCONT');
  await counts(watcher, channel, 2, 2);
  for (const each of [watcher, inside]) each.disconnect();
});

test('a node that is killed takes its members along within seconds', async () => {
  const channel = 'room:killed';
  const victim = await startNode('victim');
  await allKnow([...all, victim]);
  const watcher = await come(a, 'ann');
  await watcher.subscribe(channel);
  const lost = await Promise.all(['x', 'y', 'z'].map((user) => come(victim, user)));
  for (const client of lost) await client.subscribe(channel);
  await counts(watcher, channel, 4, 4);
  await sleep(600);
  const killed = performance.now();
  victim.signal('SIGKILL');
  const answers = [];
  await waitFor(async () => {
    const answer = await watcher.presenceStats(channel).catch((error) => error);
    answers.push(answer.code ?? answer.clients);
    return answers.at(-1) === 1;
  }, 'its members to be gone', 8_000);
  assert.deepEqual([...new Set(answers)].filter((each) => ![1, 4, 100].includes(each)), []);
  assert.ok(performance.now() - killed < 6_000 * slowness);
  assert.deepEqual(ids(await watcher.presence(channel)), [idOf(watcher)]);
  for (const client of lost) client.disconnect();
  await allKnow(all);
  watcher.disconnect();
});

test('a node that is drained says goodbye, and its last leaves are told', async () => {
  const channel = 'room:drained';
  const going = await startNode('going');
  await allKnow([...all, going]);
  const watcher = await come(a, 'ann');
  const sub = await watcher.subscribe(channel, { joinLeave: true });
  const lost = await Promise.all(['x', 'y', 'z'].map((user) => come(going, user)));
  for (const client of lost) await client.subscribe(channel);
  const users = (list) => list.map(({ user }) => user).filter((user) => user !== 'ann');
  await waitFor(() => users(sub.joins).length === 3, 'three joins');
  await counts(watcher, channel, 4, 4);
  const answers = [];
  let ended = false;
  const asking = (async () => {
    while (!ended) {
      const answer = await watcher.presenceStats(channel).catch((error) => error);
      answers.push(answer.code ?? answer.clients);
      await sleep(20);
    }
  })();
  await going.stop();
  ended = true;
  await asking;
  assert.ok(!answers.includes(100), `nobody is missed: ${answers}`);
  await allKnow(all);
  await counts(watcher, channel, 1, 1);
  await waitFor(() => users(sub.leaves).length === 3, 'three leaves', 2_000);
  assert.deepEqual(users(sub.leaves).sort(), ['x', 'y', 'z']);
  for (const client of [...lost, watcher]) client.disconnect();
});

test('while NATS is away there is an error and no wrong list; then all is as it was', async () => {
  const channel = 'room:away';
  const clients = await Promise.all(all.map((node, i) => come(node, `u${i}`)));
  for (const client of clients) await client.subscribe(channel);
  for (const client of clients) await counts(client, channel, 3, 3);
  await nats.kill();
  for (const client of clients) {
    await waitFor(async () => {
      const answer = await client.presence(channel).catch((error) => error);
      assert.ok(answer.code === 100 || answer.length === 3, JSON.stringify(answer));
      return answer.code === 100;
    }, 'error 100');
    await assert.rejects(client.presenceStats(channel), { code: 100 });
  }
  await sleep(4_000); // longer than a node may be silent
  await nats.launch();
  for (const client of clients) {
    await waitFor(async () => {
      const answer = await client.presence(channel).catch((error) => error);
      assert.ok(answer.code === 100 || answer.length === 3, JSON.stringify(answer));
      return answer.length === 3;
    }, 'everybody', 10_000);
  }
  await allKnow(all);
  for (const client of clients) client.disconnect();
});

test('20,000 members on two nodes are counted without a list of them going anywhere', async (t) => {
  const each = scaled(10_000);
  const words = `idle --connections ${each} --subscribe crowd:1 --phases open,pause,close`;
  const loads = [a, b].map((node) => Load.start(words, { target: node.host, input: 'pipe' }));
  for (const load of loads) await load.begun('pause', 60_000);
  const watcher = await come(c, 'ann');
  await counts(watcher, 'crowd:1', 2 * each, 1, 10_000);
  const times = [];
  const before = await nats.traffic();
  for (let i = 0; i < 5; ++i) {
    await sleep(520); // so that it is asked anew
    const began = performance.now();
    assert.deepEqual(await watcher.presenceStats('crowd:1'), { clients: 2 * each, users: 1 });
    times.push(Math.round(performance.now() - began));
  }
  const bytes = (await nats.traffic()) - before;
  t.diagnostic(`counted in ${times} ms; ${bytes} bytes to NATS, signs of life included`);
  assert.ok(bytes < 30_000, `${bytes} bytes`);
  // A list is cut, and its error is none.
  assert.ok((await watcher.presence('crowd:1')).length >= Math.min(1_000, each));
  for (const load of loads) load.run.child.stdin.write('go\n');
  for (const load of loads) await load.end();
  await counts(watcher, 'crowd:1', 0, 0, 10_000);
  watcher.disconnect();
});

test('nothing is left of them', async () => {
  for (const node of all) {
    await waitFor(async () => (await node.metric('millrace_connections')) === 0, 'no connection');
    const members = () => node.metric('millrace_presence_members');
    await waitFor(async () => (await members()) === 0, 'nobody listed', 10_000);
    assert.equal(await node.metric('millrace_node_messages_dropped_total'), 0);
  }
  await waitFor(async () => {
    const connections = await nats.connections();
    const held = connections.flatMap((one) => one.subscriptions_list ?? []);
    return held.every((subject) => !subject.startsWith('millrace.node.all.presence.'));
  }, 'no news to be wanted');
  for (const node of all) await node.stop();
});
