// The example of microservices with its 500 users, while each of its parts ends in turn. Rows
// 003-1 to 003-4 and 003-6 to 003-10.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { connect } from 'nats';

import { Example } from './support/example.mjs';
import { atEnd, endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { scaled, slowness, waitFor } from './support/wait.mjs';
import { makeToken } from './support/tokens.mjs';

after(endAll);
const users = scaled(500);
const rooms = scaled(50);
const secret = 'a-secret-of-the-microservices-and-of-this-file';
const example = await Example.start('microservices', {
  args: ['--users', String(users), '--rooms', String(rooms), '--json', '1'],
  env: { TOKEN_SECRET: secret },
});
const nats = await connect({ servers: example.natsUrl, maxReconnectAttempts: -1 });
atEnd(() => nats.close());

// What the load says each second.
const lines = () => example.run.out.split('\n').slice(0, -1)
  .filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const now = () => lines().at(-1);

// Two more lines, the second of which is about a whole second from now on.
async function later() {
  const seen = lines().length;
  await waitFor(() => lines().length > seen + 1, 'two more lines of the load', 20_000);
  return now();
}

// Everything that was said until now is heard, and everybody is here.
const isWell = ({ connected, waiting, mentions, mentioned }) =>
  connected === users && waiting < users / 10 && mentioned >= mentions - users / 10;
const allWell = () => waitFor(async () => isWell(await later()), 'all to be well', 60_000);

// CPU time of a process, in seconds.
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const proxyMetric = (node, method, outcome) => example.metric(
  node, `millrace_proxy_requests_total{method="${method}",outcome="${outcome}"}`,
);

async function clientOf(i, user = 'guest') {
  const client = await RawClient.open(example.node(i), { session: false });
  const { error } = await client.call({ connect: { token: makeToken({ sub: user }, secret) } });
  assert.equal(error, undefined);
  return client;
}

// Row 003-10.
test('500 users in 50 rooms: all that is said is heard, soon, and costs little', async (t) => {
  await waitFor(() => now()?.connected === users, 'all users to be connected', 30_000);
  await later();
  const nodes = ['node-1', 'node-2', 'node-3'].map((name) => example.pid(name));
  const [start, began] = [nodes.map(cpu), performance.now()];
  const before = now();
  for (let i = 0; i < 4; ++i) await later();
  const spent = nodes.reduce((sum, pid, i) => sum + cpu(pid) - start[i], 0);
  const seconds = (performance.now() - began) / 1000;
  const after = now();
  const said = after.taken - before.taken;
  t.diagnostic(`${(said / seconds).toFixed(0)} said and ` +
    `${((after.heard - before.heard) / seconds).toFixed(0)} heard a second, ` +
    `99 % within ${after.p99} ms, ${(spent / seconds).toFixed(3)} of a core for three nodes`);
  assert.ok(said >= users, `${said} in ${seconds} s`);
  assert.ok(after.p99 < 1000 * slowness, `99 % within ${after.p99} ms`);
  assert.equal(after.disorder, 0);
  assert.equal(after.repeated, 0);
  assert.equal(after.unanswered, 0);
});

// Rows 003-2, 003-3.
test('what any program publishes reaches all who listen, on all nodes', async () => {
  const clients = await Promise.all([0, 1, 2].map((i) => clientOf(i)));
  for (const client of clients) {
    await client.subscribe('game:event');
    await client.subscribe('room:123');
  }
  nats.publish('game.event', '"it begins"');
  nats.publish('room.123', '"Hello everyone"');
  for (const client of clients) {
    assert.deepEqual(await client.received('game:event', 1), ['it begins']);
    assert.deepEqual(await client.received('room:123', 1), ['Hello everyone']);
  }
  for (const client of clients) await client.leave();
});

test('the chat service decides what is said, and by whom', async () => {
  const [ann, ben] = [await clientOf(0, 'ann'), await clientOf(1, 'ben')];
  for (const client of [ann, ben]) await client.subscribe('room:ours');
  const say = (data) => ann.call({ publish: { channel: 'room:ours', data } });
  for (const data of [{}, { text: ' ' }, { text: 'x'.repeat(501) }, 7, null, { text: null }]) {
    assert.equal((await say(data)).error?.code, 400, JSON.stringify(data));
  }
  assert.deepEqual((await say({ id: 1, from: 'eve', text: 'hello', at: 2 })).publish, {});
  const heard = await ben.received('room:ours', 1);
  assert.deepEqual(heard, [{ id: 1, from: 'ann', text: 'hello', at: 2 }]);
  const elsewhere = await ann.call({ publish: { channel: 'crowd:all', data: { text: 'x' } } });
  assert.equal(elsewhere.error.code, 103);
  for (const client of [ann, ben]) await client.leave();
});

// Rows 003-1, 003-6: what each is the only one to notice.
for (const signal of ['SIGKILL', 'SIGTERM']) {
  test(`the presence service ends by ${signal}: what is said goes on as before`, async () => {
    await allWell();
    const [before, failed] = [now(), await proxyMetric(0, 'publish', 'no_responders')];
    await example.restart('presence', signal);
    const during = await later();
    assert.equal(during.failed, before.failed, 'nothing was in vain');
    assert.equal(during.connected, users);
    assert.equal(await proxyMetric(0, 'publish', 'no_responders'), failed);
    await allWell();
  });

  test(`the notification service ends by ${signal}: mentions wait for it`, async () => {
    await allWell();
    const before = now();
    await example.restart('notification', signal);
    const during = await later();
    assert.equal(during.failed, before.failed, 'nothing was in vain');
    assert.equal(during.unanswered, before.unanswered);
    assert.equal(during.connected, users);
    await waitFor(async () => {
      const { mentions, mentioned } = await later();
      return mentioned >= mentions - users / 10;
    }, 'the mentions to have caught up', 40_000);
  });

  test(`the chat service ends by ${signal}: what is said waits, who asks is answered`, async () => {
    await allWell();
    const before = now();
    await example.restart('chat', signal);
    const during = await later();
    assert.equal(during.unanswered, before.unanswered, 'presence has not noticed');
    assert.equal(during.connected, users);
    assert.ok(during.failed > before.failed, 'some was said again');
    await allWell();
  });
}

// Row 003-9.
test('a service that hangs is not asked for a while, others are, and it shows', async () => {
  await allWell();
  const state = (method) =>
    example.metric(0, `millrace_proxy_breaker_state{method="${method}"}`);
  process.kill(example.pid('chat'), 'SIGSTOP');
  await waitFor(async () => (await state('publish')) === 2, 'the breaker to open', 30_000);
  assert.equal(await state('rpc'), 0);
  const client = await clientOf(0);
  await client.subscribe('room:1');
  // One of them may be the trial.
  const tries = [];
  for (let i = 0; i < 5; ++i) {
    const start = performance.now();
    const { error } = await client.call({ publish: { channel: 'room:1', data: { text: 'x' } } });
    assert.equal(error.code, 100);
    tries.push(performance.now() - start);
  }
  const quick = Math.min(...tries);
  assert.ok(quick < 100 * slowness, `${quick} ms to be refused while it is open`);
  assert.ok((await proxyMetric(0, 'publish', 'breaker_open')) > 0);
  process.kill(example.pid('chat'), 'SIGCONT');
  await waitFor(async () => (await state('publish')) === 0, 'the breaker to close', 30_000);
  await client.leave();
  await allWell();
});

// Rows 003-4, 003-6, 003-7, 003-8.
test('a node dies: its users go on at the others', async () => {
  await allWell();
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await fetch(`http://${example.node(1).admin}${path}`)).status, 200);
  }
  await example.restart('node-2', 'SIGKILL');
  await allWell();
  const here = await Promise.all([0, 1, 2].map((i) => example.metric(i, 'millrace_clients')));
  assert.equal(here.reduce((a, b) => a + b), users);
});

test('NATS dies: nobody is disconnected, and what was said waits', async () => {
  await allWell();
  await example.restart('nats', 'SIGKILL');
  assert.equal((await later()).connected, users);
  await allWell();
});

test('at the end nothing is lost or out of order', async (t) => {
  const { code } = await example.stop('SIGINT');
  const { end } = lines().at(-1);
  t.diagnostic(JSON.stringify(end));
  const { lost, disorder, unnotified, waiting } = end;
  assert.deepEqual({ lost, disorder, unnotified, waiting, code }, {
    lost: 0, disorder: 0, unnotified: 0, waiting: 0, code: 0,
  });
});
