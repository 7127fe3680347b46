// Row 001-20: an evening of the realms example with some thousand people.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Example } from './support/example.mjs';
import { endAll } from './support/processes.mjs';
import { scaled, waitFor } from './support/wait.mjs';
import { Visitor } from './support/visitor.mjs';

after(endAll);
const example = await Example.start('realms');

// `make(i)` for each i, some at a time.
async function crowd(count, make) {
  const made = [];
  const worker = async () => {
    while (made.length < count) {
      const i = made.push(null) - 1;
      made[i] = await make(i);
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  return made;
}

const tables = scaled(500);
const observersOfEach = 7;
const lobbyists = scaled(500);

const enter = (user, path, i) => Visitor.enter(example, user, path, { node: i % 2 });

// As people do: they meet in the lobby, and go to their table.
async function openTable(i) {
  const users = [`a${i}`, `b${i}`];
  const lobby = [await enter(users[0], '/', i), await enter(users[1], '/', i + 1)];
  const { id } = await lobby[0].ask('new');
  await lobby[1].ask('join', { game: id });
  for (const visitor of lobby) await visitor.leave();
  const players = [];
  for (const [k, user] of users.entries()) players.push(await enter(user, `/game/${id}`, i + k));
  const observers = [];
  for (let k = 0; k < observersOfEach; ++k) {
    observers.push(await enter(`o${i}x${k}`, `/game/${id}`, i + k));
  }
  return { id, players, observers };
}

// The channels in which a visitor has heard anything but those that are its own.
function heardBeside(visitor, own) {
  const channels = visitor.client.messages.flatMap(({ push }) => push?.channel ?? []);
  return channels.filter((channel) => ![`user:${visitor.user}`, ...own].includes(channel));
}

test('5,000 people: 500 games with players and observers, and a full lobby', async (t) => {
  const began = performance.now();
  const games = await crowd(tables, openTable);
  const lobby = await crowd(lobbyists, (i) => enter(`l${i}`, '/', i));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const people = lobby.length + (2 + observersOfEach) * games.length;
  t.diagnostic(`${people} connections and ${games.length} games after ${seconds} s`);

  const calls = [];
  await crowd(tables, async (i) => {
    const { players } = games[i];
    for (let round = 0; round < 5; ++round) {
      for (const player of players) {
        const { hand } = await player.ask('look');
        const start = performance.now();
        await player.ask('put', { card: hand.hand[0] });
        calls.push(performance.now() - start);
      }
    }
  });
  for (const { id, players, observers } of games) {
    const over = ({ game }) => game?.over;
    for (const player of players) await player.hears(`game:${id}`, over, 20_000);
    for (const observer of observers) await observer.hears(`gametv:${id}`, over, 20_000);
    // Nobody has heard of another table, nor observers in the players' realm, nor the reverse.
    for (const player of players) {
      const own = [`game:${id}`, `rack:${id}.${player.user}`, `chat:game.${id}`];
      assert.deepEqual(heardBeside(player, own), []);
    }
    for (const observer of observers) {
      assert.deepEqual(heardBeside(observer, [`gametv:${id}`, `chat:gametv.${id}`]), []);
    }
  }
  const isOver = ({ game }) => game?.over;
  for (const visitor of lobby) {
    const heard = () => visitor.heard('lobby:main').filter(isOver).length === games.length;
    await waitFor(heard, 'the lobby to hear of each end', 20_000);
    assert.deepEqual(heardBeside(visitor, ['lobby:main', 'chat:lobby']), []);
  }
  calls.sort((a, b) => a - b);
  const at = (part) => calls[Math.floor(part * (calls.length - 1))].toFixed(1);
  t.diagnostic(`${calls.length} moves: median ${at(0.5)} ms, 99 % within ${at(0.99)} ms`);

  const all = [...lobby, ...games.flatMap(({ players, observers }) => [...players, ...observers])];
  await Promise.all(all.map((visitor) => visitor.leave()));
  for (const i of [0, 1]) {
    const empty = async () => (await example.metric(i, 'millrace_channels')) === 0;
    await waitFor(empty, 'no realm to be left', 20_000);
    assert.equal(await example.metric(i, 'millrace_clients'), 0);
  }
});
