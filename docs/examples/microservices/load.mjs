// Many users in rooms. Each says something every second, until it is taken; each hears what is
// said in its room, and now and then asks who is there. Counts what was lost.
//
//   node load.mjs --users 500 --rooms 50 --seconds 20 NODE_URL...   with TOKEN_SECRET set
//
// --seconds 0 is until a signal; --json 1 prints a line of JSON each second. Exit code 1: something
// that was taken has not arrived, or twice, or out of order.
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const text = (value) => ({ type: 'string', default: String(value) });
const { values, positionals: nodes } = parseArgs({
  options: { users: text(500), rooms: text(50), seconds: text(0), json: text(0) },
  allowPositionals: true,
});
const [users, rooms, seconds] = [values.users, values.rooms, values.seconds].map(Number);
const mentionEvery = 10; // messages
const askEvery = 5; // seconds
const settleMs = 20_000; // to hear the last of it

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Who it is, and that its notifications arrive whatever it subscribes to.
function makeToken(user) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: user, iat: now, exp: now + 86_400, channels: [`user:${user}`] };
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  const signature = createHmac('sha256', process.env.TOKEN_SECRET).update(body);
  return `${body}.${signature.digest('base64url')}`;
}

// A node is as good as the other: each attempt takes the next.
let attempts = 0;
class AnyNode extends WebSocket {
  constructor(_, ...rest) {
    super(nodes[attempts++ % nodes.length], ...rest);
  }
}

const sum = {
  connected: 0, taken: 0, failed: 0, waiting: 0, heard: 0, repeated: 0, disorder: 0,
  asked: 0, unanswered: 0, mentions: 0, mentioned: 0, crowds: 0,
};
let going = true;

// How long from saying to hearing, in ms: of this second, and of all of it.
class Delays {
  #counts = new Uint32Array(10_000);
  #all = 0;

  add(ms) {
    ++this.#counts[Math.min(Math.max(ms, 0), this.#counts.length - 1)];
    ++this.#all;
  }

  // The delay that `part` of them do not exceed.
  at(part) {
    let left = Math.ceil(part * this.#all);
    return this.#counts.findIndex((count) => (left -= count) <= 0);
  }
}
let second = new Delays();
const whole = new Delays();

class User {
  #heard = new Map(); // {last, count} of different messages, by who said them
  #notified = new Set();
  taken = 0; // of its own messages

  constructor(i) {
    this.i = i;
    this.name = `user${i}`;
    this.room = i % rooms;
    this.client = new Centrifuge(nodes[0], {
      websocket: AnyNode, token: makeToken(this.name), minReconnectDelay: 200,
      maxReconnectDelay: 3000,
    });
    this.client.on('connected', () => ++sum.connected);
    this.client.on('connecting', ({ code }) => (sum.connected -= code > 0 ? 1 : 0));
    this.client.on('publication', ({ data }) => this.#takeMention(data));
    this.channel = this.client.newSubscription(`room:${this.room}`);
    this.channel.on('publication', ({ data }) => this.#take(data));
    this.crowd = this.client.newSubscription('crowd:all');
    this.crowd.on('publication', () => ++sum.crowds);
    this.channel.subscribe();
    this.crowd.subscribe();
    this.client.connect();
  }

  #take({ from, id, at }) {
    const heard = this.#heard.get(from) ?? { last: -1, count: 0 };
    if (id === heard.last) ++sum.repeated;
    else if (id < heard.last) ++sum.disorder;
    else this.#heard.set(from, { last: id, count: heard.count + 1 });
    ++sum.heard;
    for (const delays of [second, whole]) delays.add(Date.now() - at);
  }

  #takeMention({ mentionedBy, id }) {
    const key = `${mentionedBy} ${id}`;
    if (!this.#notified.has(key)) ++sum.mentioned;
    this.#notified.add(key);
  }

  // Says it until it is taken: the answer may be an error while a service or NATS is away. The
  // number tells hearers what is missing or there twice.
  async say(id) {
    const turn = id + this.i; // not all in the same second
    const mention = turn % mentionEvery === 0 ? ` @user${(turn * 7) % users}` : '';
    const message = { id, at: Date.now(), text: `number ${id}${mention}` };
    ++sum.waiting;
    for (;;) {
      try {
        await this.channel.publish(message);
        break;
      } catch {
        ++sum.failed;
        await sleep(300 + Math.random() * 400);
      }
    }
    --sum.waiting;
    ++sum.taken;
    ++this.taken;
    if (mention) ++sum.mentions;
  }

  async ask() {
    ++sum.asked;
    try {
      const { data } = await this.client.rpc('who', { room: this.room });
      if (!data.includes(this.name)) ++sum.unanswered;
    } catch {
      ++sum.unanswered;
    }
  }

  async live() {
    await sleep(Math.random() * 1000);
    for (let id = 0; going; ++id) {
      const next = sleep(1000);
      if ((id + this.i) % askEvery === 0) this.ask();
      await this.say(id);
      await next;
    }
  }

  // What was taken of others in its room, and has not come.
  lost(roommates) {
    const missing = ({ name, taken }) => taken - (this.#heard.get(name)?.count ?? 0);
    return roommates.reduce((lost, other) => lost + Math.max(0, missing(other)), 0);
  }
}

// --- the run -------------------------------------------------------------------------------------

const all = Array.from({ length: users }, (_, i) => new User(i));
const byRoom = Array.from({ length: rooms }, (_, room) => all.filter((one) => one.room === room));
const lost = () => all.reduce((count, one) => count + one.lost(byRoom[one.room]), 0);

function tell() {
  const now = { ...sum, p50: second.at(0.5), p99: second.at(0.99) };
  second = new Delays();
  if (values.json === '1') return console.log(JSON.stringify(now));
  const mentions = `mentions ${now.mentioned} of ${now.mentions}`;
  return console.log(
    `${now.connected} connected, ${now.taken} said, ${now.waiting} wait, ${now.heard} heard, ` +
      `99 % within ${now.p99} ms; ${mentions}; ${now.unanswered} of ${now.asked} not told who`,
  );
}

async function verdict(telling) {
  const isOver = () => sum.waiting === 0 && lost() === 0 && sum.mentioned >= sum.mentions;
  for (const end = Date.now() + settleMs; !isOver() && Date.now() < end;) await sleep(100);
  clearInterval(telling);
  const end = {
    ...sum, lost: lost(), p50: whole.at(0.5), p99: whole.at(0.99),
    unnotified: sum.mentions - sum.mentioned,
  };
  if (values.json === '1') console.log(JSON.stringify({ end }));
  console.log(`
said and taken        ${end.taken}, ${end.failed} tries were in vain
heard                 ${end.heard}, half within ${end.p50} ms, 99 % within ${end.p99} ms
lost                  ${end.lost}
out of order          ${end.disorder}
heard twice           ${end.repeated} (said again, since nobody could tell whether it was taken)
mentions not notified ${end.unnotified}`);
  process.exit(end.lost + end.disorder + end.unnotified + end.waiting === 0 ? 0 : 1);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (going = false));
await Promise.all(all.map(({ channel }) => channel.ready(60_000)));
const telling = setInterval(tell, 1000);
if (seconds > 0) setTimeout(() => (going = false), seconds * 1000);
for (const user of all) user.live();
while (going) await sleep(100);
await verdict(telling);
