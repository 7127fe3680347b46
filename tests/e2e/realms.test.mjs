// The example of realms, started by its one command: who hears what, and who may be where.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connect } from 'nats';

import { Example } from './support/example.mjs';
import { atEnd, endAll } from './support/processes.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';
import { Visitor } from './support/visitor.mjs';

after(endAll);
const example = await Example.start('realms');
const nats = await connect({ servers: example.natsUrl });
atEnd(() => nats.close());

const enter = (user, path, options) => Visitor.enter(example, user, path, options);
const leaveAll = (visitors) => Promise.all(visitors.map((visitor) => visitor.leave()));

// A game of two, who are at the table.
async function startGame(first, second) {
  const lobby = [await enter(first, '/'), await enter(second, '/', { node: 1 })];
  const { id } = await lobby[0].ask('new');
  await lobby[1].ask('join', { game: id });
  await leaveAll(lobby);
  const path = `/game/${id}`;
  return { id, path, players: [await enter(first, path), await enter(second, path, { node: 1 })] };
}

// --- who hears what ------------------------------------------------------------------------------

// Rows 001-5, 001-6, 001-6b, 001-7, 001-8, 001-9: a table of who is where, and of what they hear.
test('each realm is heard by those who are in it, and by nobody else', async () => {
  const { id, path, players: [ann, ben] } = await startGame('ann', 'ben');
  const tabs = {
    ann, ben,
    annInLobby: await enter('ann', '/', { node: 1 }),
    annAgain: await enter('ann', path, { node: 1 }),
    eve: await enter('eve', path, { node: 1 }),
    lou: await enter('lou', '/'),
  };
  assert.deepEqual(ann.channels, [
    `chat:game.${id}`, `game:${id}`, `rack:${id}.ann`, 'user:ann',
  ]);
  assert.deepEqual(tabs.eve.channels, [`chat:gametv.${id}`, `gametv:${id}`, 'user:eve']);
  assert.deepEqual(tabs.lou.channels, ['chat:lobby', 'lobby:main', 'user:lou']);
  const table = { // by subject: the first '.' is the ':' of the channel
    'user.ann': ['ann', 'annInLobby', 'annAgain'],
    'user.ben': ['ben'],
    'user.eve': ['eve'],
    [`rack.${id}.ann`]: ['ann', 'annAgain'],
    [`rack.${id}.ben`]: ['ben'],
    [`game.${id}`]: ['ann', 'ben', 'annAgain'],
    [`gametv.${id}`]: ['eve'],
    'lobby.main': ['annInLobby', 'lou'],
    'chat.lobby': ['annInLobby', 'lou'],
    [`chat.game.${id}`]: ['ann', 'ben', 'annAgain'],
    [`chat.gametv.${id}`]: ['eve'],
    // Nobody's: another game, a name that only begins like one, the whole namespace.
    'game.other': [], [`game.${id}x`]: [], [`gametv.${id}.ann`]: [], game: [], 'user.an': [],
  };
  for (const subject of Object.keys(table)) nats.publish(subject, JSON.stringify({ subject }));
  for (const user of ['ann', 'ben', 'eve', 'lou']) nats.publish(`user.${user}`, '{"end":true}');
  for (const tab of Object.values(tabs)) await tab.hears(`user:${tab.user}`, ({ end }) => end);
  for (const [subject, expected] of Object.entries(table)) {
    const heard = ([, tab]) => tab.heard().filter((data) => data.subject === subject);
    const who = Object.entries(tabs).filter((tab) => heard(tab).length > 0);
    assert.deepEqual(who.map(([name]) => name).sort(), [...expected].sort(), subject);
    for (const tab of who) assert.equal(heard(tab).length, 1, `${subject} at ${tab[0]}, once`);
    const channel = subject.replace('.', ':');
    for (const [, tab] of who) assert.ok(tab.heard(channel).length > 0, `${subject} is ${channel}`);
  }
  await leaveAll(Object.values(tabs));
});

// Row 001-8.
test('the lobby costs who plays not one byte', async () => {
  const { players } = await startGame('ann', 'ben');
  const lou = await enter('lou', '/');
  await sleep(100); // what the arrivals caused has been told
  const before = players.map(({ client }) => client.socket.bytesRead);
  const pings = players.map(({ client }) => client.pings);
  const text = 'x'.repeat(1000);
  for (let i = 0; i < 200; ++i) nats.publish('lobby.main', JSON.stringify({ i, text }));
  await lou.hears('lobby:main', ({ i }) => i === 199);
  players.forEach(({ client }, i) => {
    const pinged = 4 * (client.pings - pings[i]); // a frame of {}
    assert.equal(client.socket.bytesRead - before[i], pinged);
  });
  await leaveAll([...players, lou]);
});

// Rows 001-5, 001-15: what the application itself tells whom.
test('a move is shown to each as far as it is theirs', async () => {
  const { id, path, players: [ann, ben] } = await startGame('ann', 'ben');
  const eve = await enter('eve', path);
  const annInLobby = await enter('ann', '/');
  const { hand } = await ann.ask('look');
  await ann.ask('put', { card: hand.hand[0] });
  const seen = await eve.hears(`gametv:${id}`, ({ game }) => game.down[0] === hand.hand[0]);
  assert.deepEqual(seen.game.hands[0], hand.hand.slice(1));
  const told = await ben.hears(`game:${id}`, ({ game }) => game.down[0]);
  assert.deepEqual(told.game.down, [true, false]);
  assert.equal(told.game.hands, undefined);
  await ben.hears('user:ben', ({ moved }) => moved === 'ann');
  const own = (await ben.hears(`rack:${id}.ben`, () => true)).hand;
  await ben.ask('put', { card: own.hand[0] });
  // Wherever a user is: also in the tab that is somewhere else.
  await annInLobby.hears('user:ann', ({ moved }) => moved === 'ben');
  const turned = await ann.hears(`game:${id}`, ({ game }) => game.rounds.length === 1);
  assert.deepEqual(turned.game.rounds, [[hand.hand[0], own.hand[0]]]);
  // Of ben's cards ann has heard what lies open, and of her own no one has but she and eve.
  for (const { client } of [ann, annInLobby]) {
    assert.ok(!client.texts.some((text) => text.includes('"hands"')));
  }
  assert.deepEqual(ben.heard().filter((data) => data.hand && data.hand.seat !== 1), []);
  await leaveAll([ann, ben, eve, annInLobby]);
});

test('who watches a game and joins it as a player sees both hands no more', async () => {
  const ann = await enter('ann', '/');
  const { id } = await ann.ask('new');
  const watching = await enter('ben', `/game/${id}`, { node: 1 });
  assert.deepEqual(watching.channels, [`chat:gametv.${id}`, `gametv:${id}`, 'user:ben']);
  const joining = await enter('ben', '/');
  await joining.ask('join', { game: id });
  const isOut = ({ push }) => push?.unsubscribe && push.channel === `gametv:${id}`;
  await waitFor(() => watching.client.messages.some(isOut), 'ben to be put out of gametv');
  nats.publish(`gametv.${id}`, '{"secret":true}');
  nats.publish('user.ben', '{"end":true}');
  await watching.hears('user:ben', ({ end }) => end);
  assert.ok(!watching.heard().some(({ secret }) => secret));
  assert.equal((await watching.rpc('look')).error.code, 403);
  await leaveAll([ann, watching, joining]);
});

// --- who may be where ----------------------------------------------------------------------------

// Row 001-10.
test('a client says a path, and what else it says of realms is not heard', async () => {
  const { id, path, players } = await startGame('ann', 'ben');
  const realms = [`game:${id}`, `rack:${id}.ann`, 'user:ann', 'lobby:main'];
  const subs = Object.fromEntries(realms.map((channel) => [channel, {}]));
  const mal = await enter('mal', path, {
    data: { realms, channels: realms, user: 'ann', game: id, meta: { game: id } },
    more: { subs, channels: realms, user: 'ann', meta: { game: id } },
  });
  assert.deepEqual(mal.channels, [`chat:gametv.${id}`, `gametv:${id}`, 'user:mal']);
  const others = ['user:ann', `game:${id}`, `rack:${id}.ann`, `chat:game.${id}`, 'lobby:main'];
  for (const channel of [...others, 'game:*', 'user:>']) {
    for (const command of [
      { subscribe: { channel } },
      { subscribe: { channel, recover: true, offset: 0, epoch: '' } },
      { publish: { channel, data: { forged: true } } },
      { presence: { channel } },
      { history: { channel, limit: 1 } },
    ]) {
      const { error } = await mal.client.call(command);
      assert.ok([103, 107, 108].includes(error?.code), JSON.stringify([command, error]));
    }
  }
  const { user, meta } = await mal.ask('who');
  assert.deepEqual({ user, meta }, {
    user: 'mal', meta: { path, chat: `chat:gametv.${id}`, tv: id },
  });
  assert.equal((await mal.rpc('put', { card: 1, game: id, user: 'ann' })).error.code, 403);
  assert.ok(!players.some((player) => player.heard().some(({ forged }) => forged)));
  await leaveAll([mal, ...players]);
});

test('what is no place of the site is refused, whatever its type', async () => {
  const paths = ['', '/x', '//', '/game/', '/game/none', '/game/../', '/GAME/x', ' /', '/ ',
    null, 7, true, [], ['/'], { path: '/' }, '/game/a.b', '/game/*', '/game/>', 'x'.repeat(9000)];
  for (const path of paths) {
    const lost = await enter('ann', path);
    assert.deepEqual(lost.reply.error, { code: 404, message: 'there is no such place' });
    await lost.leave();
  }
});

// Row 001-14.
test('the application hears who it is from the server, whatever the client claims', async () => {
  const asked = [];
  const spy = nats.subscribe('millrace.proxy.rpc', {
    callback: (_, message) => asked.push(message.json()),
  });
  await nats.flush();
  const mal = await enter('mal', '/');
  const lou = await enter('lou', '/', { node: 1 });
  await mal.ask('say', { text: 'hello', from: 'lou', user: 'lou', meta: { chat: 'chat:x' } });
  const said = await lou.hears('chat:lobby', ({ text }) => text === 'hello');
  assert.deepEqual(said, { from: 'mal', text: 'hello' });
  assert.equal(asked.length, 1);
  const [{ user, client, method, meta }] = asked;
  assert.deepEqual({ user, method, meta }, {
    user: 'mal', method: 'say', meta: { path: '/', chat: 'chat:lobby' },
  });
  assert.equal(client, mal.session.client);
  spy.unsubscribe();
  await leaveAll([mal, lou]);
});

// --- leaving -------------------------------------------------------------------------------------

test('leaving a tab and leaving the site are told apart', async () => {
  const lou = await enter('lou', '/');
  const tabs = [await enter('ida', '/'), await enter('ida', '/', { node: 1 })];
  await lou.hears('lobby:main', ({ came }) => came === 'ida');
  const closings = () => lou.heard('chat:lobby').filter((data) => data.tabClosed === 'ida').length;
  const leavings = () => lou.heard('lobby:main').filter((data) => data.left === 'ida').length;
  await tabs[0].leave();
  await waitFor(() => closings() === 1, 'the first tab to be closed');
  // From page to page: gone, and here again.
  await tabs[1].leave();
  tabs[1] = await enter('ida', '/');
  await waitFor(() => closings() === 2, 'the second tab to be closed');
  await sleep(3000);
  assert.equal(leavings(), 0);
  assert.deepEqual((await lou.ask('look')).here.filter((user) => user === 'ida'), ['ida']);
  await tabs[1].leave();
  await waitFor(() => closings() === 3, 'the last tab to be closed');
  await waitFor(() => leavings() === 1, 'ida to leave the site', 15_000);
  await sleep(1000);
  assert.equal(leavings(), 1);
  assert.ok(!(await lou.ask('look')).here.includes('ida'));
  assert.equal(lou.heard('lobby:main').filter(({ came }) => came === 'ida').length, 1);
  await lou.leave();
});

// --- what it costs NATS --------------------------------------------------------------------------

// Rows 001-11, 001-12.
test('realms come and go without a word to NATS, and leave nothing behind', async () => {
  const count = scaled(200);
  const sums = () => example.metric(0, 'millrace_nats_subscriptions');
  const users = Array.from({ length: count }, (_, i) => `user${i}`);
  const first = await enter('first', '/');
  const realms = () => example.metric(0, 'millrace_channels');
  const [before, idle] = [await sums(), await realms()];
  const visitors = await Promise.all(users.map((user) => enter(user, '/')));
  assert.equal(await realms(), idle + count); // a channel of their own each
  assert.equal(await sums(), before);
  await leaveAll(visitors);
  await waitFor(async () => (await realms()) === idle, 'no realm to be left');
  await first.leave();
});
