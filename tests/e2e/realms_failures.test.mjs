// The example of realms while its parts end, hang and come back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connect } from 'nats';

import { Example } from './support/example.mjs';
import { atEnd, endAll } from './support/processes.mjs';
import { scaled, sleep, timed, waitFor } from './support/wait.mjs';
import { Visitor } from './support/visitor.mjs';

after(endAll);
const example = await Example.start('realms');
const nats = await connect({ servers: example.natsUrl, maxReconnectAttempts: -1 });
atEnd(() => nats.close());

const enter = (user, path, options) => Visitor.enter(example, user, path, options);
const leaveAll = (visitors) => Promise.all(visitors.map((visitor) => visitor.leave()));
const signalApps = (signal) => {
  for (const name of ['app-1', 'app-2']) process.kill(example.pid(name), signal);
};

// The breaker may be open for a second after what a test did.
const works = (visitor) =>
  waitFor(async () => (await visitor.rpc('who')).data, 'the application to answer', 20_000);

// Rows 001-2, 001-16.
test('of two application servers exactly one does what is asked, and both take part', async () => {
  const plain = [];
  const grouped = [[], []];
  const take = (into) => (_, message) => into.push(message.json().data?.text);
  const subject = 'millrace.proxy.rpc';
  const spies = [0, 1].flatMap((i) => [
    nats.subscribe(subject, { callback: take(plain) }),
    nats.subscribe(subject, { callback: take(grouped[i]), queue: 'a-group-of-two' }),
  ]);
  await nats.flush();
  const lou = await enter('lou', '/', { node: 1 });
  const ann = await enter('ann', '/');
  const servers = new Set();
  for (let i = 0; i < 50; ++i) servers.add((await ann.ask('who')).server);
  assert.deepEqual([...servers].sort(), ['app-1', 'app-2']);
  plain.length = grouped[0].length = grouped[1].length = 0;
  const count = scaled(1000);
  for (let i = 0; i < count; i += 10) {
    const ten = Array.from({ length: 10 }, (_, j) => ann.ask('say', { text: `line ${i + j}` }));
    await Promise.all(ten);
  }
  await lou.hears('chat:lobby', ({ text }) => text === `line ${count - 1}`);
  const lines = lou.heard('chat:lobby').filter(({ text }) => text?.startsWith('line '));
  assert.equal(lines.length, count);
  assert.equal(new Set(lines.map(({ text }) => text)).size, count);
  // Without a queue group each server would have done each of it.
  await nats.flush();
  assert.equal(plain.length, 2 * count);
  assert.equal(grouped[0].length + grouped[1].length, count);
  assert.ok(Math.min(grouped[0].length, grouped[1].length) > 0);
  for (const spy of spies) spy.unsubscribe();
  await leaveAll([ann, lou]);
});

// Two servers change one entry: one must look again, and no card is lost.
test('two players who put a card in the same moment both have put it', async () => {
  const lobby = [await enter('ann', '/'), await enter('ben', '/')];
  for (let i = 0; i < 5; ++i) {
    const { id } = await lobby[0].ask('new');
    await lobby[1].ask('join', { game: id });
    const players = [await enter('ann', `/game/${id}`), await enter('ben', `/game/${id}`)];
    for (let round = 1; round <= 5; ++round) {
      const put = async (player) => {
        const { hand } = await player.ask('look');
        await player.ask('put', { card: hand.hand[0] });
      };
      await Promise.all(players.map(put));
      assert.equal((await players[0].ask('look')).game.rounds.length, round);
    }
    assert.equal((await players[1].ask('look')).game.over, true);
    await leaveAll(players);
  }
  await leaveAll(lobby);
});

// Rows 001-3, 001-18.
test('an application that hangs keeps those waiting who asked, and nobody else', async () => {
  const [ann, lou] = [await enter('ann', '/'), await enter('lou', '/')];
  await works(ann);
  signalApps('SIGSTOP');
  const asked = timed(ann.rpc('who', {}, 30_000));
  let answered = false;
  asked.then(() => (answered = true));
  for (let i = 0; i < 20; ++i) {
    nats.publish('lobby.main', JSON.stringify({ i }));
    const { ms } = await timed(lou.hears('lobby:main', (data) => data.i === i));
    assert.ok(answered || ms < 1000, `${ms} ms for a publication`);
  }
  const { value, ms } = await asked;
  assert.equal(value.error.code, 100);
  assert.equal(value.error.temporary, true);
  assert.ok(ms >= 2900 && ms < 15_000, `${ms} ms`);
  signalApps('SIGCONT');
  await works(ann);
  await leaveAll([ann, lou]);
});

test('without an application server who asks is told at once, and who is here stays', async () => {
  const [ann, lou] = [await enter('ann', '/'), await enter('lou', '/', { node: 1 })];
  await works(ann);
  const names = ['app-1', 'app-2'];
  const old = names.map((name) => example.pid(name));
  signalApps('SIGKILL');
  const ended = (name) => example.run.out.split(`${name} has ended (SIGKILL)`).length > 1;
  await waitFor(() => names.every(ended), 'the servers to have ended');
  const { value, ms } = await timed(ann.rpc('who'));
  assert.equal(value.error.code, 100);
  assert.ok(ms < 1000, `${ms} ms until the error`);
  nats.publish('lobby.main', '{"still":"here"}');
  for (const visitor of [ann, lou]) await visitor.hears('lobby:main', ({ still }) => still);
  const isBack = (name, i) => example.pid(name) !== old[i];
  await waitFor(() => names.every(isBack), 'the servers to be back', 20_000);
  await works(ann);
  await leaveAll([ann, lou]);
});

// Row 001-19: what is old finishes, and takes nothing new.
test('an application server is replaced while it is asked, and no question fails', async () => {
  const ann = await enter('ann', '/');
  await works(ann);
  let going = true;
  const asking = (async () => {
    const seen = [];
    while (going) seen.push(await ann.rpc('who'));
    return seen;
  })();
  for (const name of ['app-1', 'app-2']) {
    await example.restart(name, 'SIGTERM');
    await sleep(200);
  }
  going = false;
  const failed = (await asking).filter(({ error }) => error);
  assert.deepEqual(failed, []);
  await ann.leave();
});

// Row 001-19, D7.
test('a node that is stopped sends its clients away with a code, and the others stay', async () => {
  const [going, staying] = [await enter('ann', '/'), await enter('ben', '/', { node: 1 })];
  const restarted = example.restart('node-1', 'SIGTERM');
  const { code, reason } = await going.client.closed(15_000);
  assert.deepEqual({ code, reason }, { code: 3001, reason: 'shutdown' });
  const again = await enter('ann', '/', { node: 1 });
  nats.publish('lobby.main', '{"during":"restart"}');
  for (const visitor of [again, staying]) {
    await visitor.hears('lobby:main', ({ during }) => during);
  }
  await restarted;
  const back = await enter('ann', '/');
  await works(back);
  await leaveAll([again, staying, back]);
});

test('the clients of a node that dies have left the site, a while later', async () => {
  const lou = await enter('lou', '/', { node: 1 });
  const lost = await enter('kim', '/');
  const stays = [await enter('pat', '/'), await enter('pat', '/', { node: 1 })];
  await lou.hears('lobby:main', ({ came }) => came === 'kim');
  await example.restart('node-1', 'SIGKILL');
  await lou.hears('lobby:main', ({ left }) => left === 'kim', 60_000);
  assert.ok(!lou.heard('lobby:main').some(({ left }) => left === 'pat'));
  await leaveAll([lou, lost, ...stays]);
});

// Row 001-18.
test('NATS goes and comes back: clients stay, are told, and the game goes on', async () => {
  const lobby = [await enter('ann', '/'), await enter('ben', '/')];
  const { id } = await lobby[0].ask('new');
  await lobby[1].ask('join', { game: id });
  await leaveAll(lobby);
  const ann = await enter('ann', `/game/${id}`);
  const { hand } = await ann.ask('look');
  const restarted = example.restart('nats', 'SIGKILL');
  const { value } = await timed(waitFor(async () => (await ann.rpc('look')).error, 'an error'));
  assert.equal(value.code, 100);
  await restarted;
  await waitFor(async () => (await ann.rpc('look')).data, 'the game', 30_000);
  assert.deepEqual((await ann.ask('look')).hand, hand);
  const card = hand.hand[0];
  await ann.ask('put', { card });
  await ann.hears(`rack:${id}.ann`, (data) => data.hand.down === card, 15_000);
  assert.equal(ann.client.gone, false);
  await ann.leave();
});

test('Ctrl-C ends all of it', async () => {
  const names = ['nats', 'node-1', 'node-2', 'app-1', 'app-2'];
  const pids = names.map((name) => example.pid(name));
  assert.deepEqual(await example.stop('SIGINT'), { code: 0, signal: null });
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.deepEqual(example.run.err, '');
});
