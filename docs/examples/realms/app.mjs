// An application server: it says who may be where, and plays the games. Run as many as you like; in
// one queue group, each question reaches exactly one of them, and what they share is in NATS.
//
//   node app.mjs NAME        with NATS_URL and TOKEN_SECRET in the environment
//
// It knows no connections, sockets or nodes. A question comes as JSON and is answered as JSON
// (docs/APPLICATION.md); what it has to say to clients it publishes on the subject of a channel.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Refusal } from '../common/refusal.mjs';
import { Service } from '../common/service.mjs';
import {
  isOver, join, listView, newGame, ownHand, publicView, putCard, seatOf, tvView,
} from './game.mjs';
import { userOf } from './identity.mjs';
import { realmsAt, subjectOf } from './places.mjs';
import { Bucket } from './store.mjs';

const name = process.argv[2] ?? 'app';
const secret = process.env.TOKEN_SECRET;
const service = await Service.start(name);
const { nats } = service;
const games = await Bucket.open(nats, 'games'); // by id
const site = await Bucket.open(nats, 'site'); // who is here: by user

const longestText = 500;
const longestLeaveMs = 500;
const awayMs = 2000; // going from page to page is leaving and coming back; nobody is told of that
const sweepMs = 10_000;

function tell(channel, what) {
  nats.publish(subjectOf(channel), JSON.stringify(what));
}

// --- coming and going ---------------------------------------------------------------------------

const findGame = async (id) => (await games.get(id))?.value;

// A client connects: its token says who it is, and its path where; nothing else is heard.
async function onConnect({ token, data }) {
  const user = userOf(token, secret);
  if (!user) throw new Refusal(401, 'please log in');
  const { channels, meta } = await realmsAt(data?.path, user, findGame);
  if (!site.has(user)) tell('lobby:main', { came: user });
  await site.put(user, {});
  return { user, channels, meta };
}

// A tab has gone: its realm hears of it now. Whether the user has left the site is another
// question, for when there was time to come back.
async function onDisconnect({ user, meta }) {
  if (meta) tell(meta.chat, { tabClosed: user });
  await leaveIfGone(user);
}

// Once for each leaving, whichever servers look: only one of them removes this very entry.
async function leaveIfGone(user) {
  const entry = await site.get(user);
  if (!entry) return;
  if (entry.ageMs < awayMs) return lookAgain(user, awayMs - entry.ageMs);
  const { num_clients: tabs } = await service.ask('presence_stats', { channel: `user:${user}` });
  if (tabs === 0 && (await site.remove(user, entry.revision))) tell('lobby:main', { left: user });
}

function lookAgain(user, inMs) {
  setTimeout(() => leaveIfGone(user).catch(service.report), inMs + 50).unref();
}

// A node that dies says no goodbye for its clients.
async function sweep() {
  for (const { key: user } of site.all()) await leaveIfGone(user).catch(service.report);
  setTimeout(sweep, sweepMs).unref();
}

// --- what clients ask ---------------------------------------------------------------------------

// Everybody hears what is theirs to know, each in a realm of its own. `rev` puts in order what may
// cross on its way.
function tellGame({ value: game, revision: rev }) {
  tell(`game:${game.id}`, { rev, game: publicView(game) });
  tell(`gametv:${game.id}`, { rev, game: tvView(game) });
  for (const user of game.players) {
    tell(`rack:${game.id}.${user}`, { rev, hand: ownHand(game, user) });
  }
}

// Only what its list shows: it is no news there that a card was put.
function tellLobby({ value: game, revision: rev }) {
  tell('lobby:main', { rev, game: listView(game) });
}

async function changeGame(id, change) {
  const changed = await games.change(id, change);
  if (!changed) throw new Refusal(404, 'there is no such game');
  tellGame(changed);
  return changed;
}

// Who joins as a player must not see both hands in another tab. A node that dies just now does not
// keep a player from the table: the nodes that live have done it by then.
async function leaveTv(user, id) {
  const all = [`gametv:${id}`, `chat:gametv.${id}`].map((channel) =>
    service.insist('unsubscribe', { user, channel }).catch(service.report));
  await Promise.race([Promise.all(all), sleep(longestLeaveMs)]);
}

const methods = {
  // What this tab needs to draw itself; what changes later is pushed.
  async look({ user, meta }) {
    if (meta.path === '/') {
      const row = ({ value, revision: rev }) => ({ rev, game: listView(value) });
      // Who asks is here, even if this server has not heard of it yet.
      const here = new Set([...site.all().map(({ key }) => key), user]);
      return { rows: games.all().map(row), here: [...here] };
    }
    const { value: game, revision: rev } = await games.get(meta.game ?? meta.tv);
    if (meta.tv && seatOf(game, user) >= 0) throw new Refusal(403, 'you are a player by now');
    if (meta.tv) return { rev, game: tvView(game) };
    return { rev, game: publicView(game), hand: ownHand(game, user) };
  },

  async new({ user }) {
    const id = randomBytes(4).toString('hex');
    const value = newGame(id, user);
    tellLobby({ value, revision: await games.put(id, value) });
    return { id };
  },

  async join({ user, data }) {
    const id = String(data?.game);
    if (!/^[a-z0-9]+$/.test(id)) throw new Refusal(404, 'there is no such game');
    const changed = await changeGame(id, (old) => join(old, user));
    const { players } = changed.value;
    tellLobby(changed);
    await leaveTv(user, id);
    for (const one of players) tell(`user:${one}`, { begins: id, players });
    return { id };
  },

  async put({ user, data, meta }) {
    if (!meta.game) throw new Refusal(403, 'you are not at a table');
    const changed = await changeGame(meta.game, (old) => putCard(old, user, data?.card));
    const { id, players } = changed.value;
    if (isOver(changed.value)) tellLobby(changed);
    tell(`user:${players.find((one) => one !== user)}`, { moved: user, at: id });
    return {};
  },

  // Where it is heard follows from where the client is.
  async say({ user, data, meta }) {
    const text = String(data?.text ?? '').trim();
    if (text === '' || text.length > longestText) throw new Refusal(400, '1 to 500 characters');
    tell(meta.chat, { from: user, text });
    return {};
  },

  async who({ user, meta }) {
    return { user, meta, server: name };
  },
};

async function onRpc(question) {
  const method = Object.hasOwn(methods, question.method) && methods[question.method];
  if (!method) throw new Refusal(404, 'there is no such method');
  return { data: await method(question) };
}

const handlers = { connect: onConnect, disconnect: onDisconnect, rpc: onRpc };
for (const [method, handle] of Object.entries(handlers)) {
  service.answer(`millrace.proxy.${method}`, 'application', handle);
}
await service.ready();
sweep();
