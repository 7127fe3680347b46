// Very many channels, of one client and of all (X-14, 001-4): limits hold, a channel costs little,
// and what it cost comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import WebSocket from 'ws';

import { connectedClient, datas, gotten, kinds } from './support/clients.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { scaled, sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile('[namespaces.default]\n[namespaces.room]\n');
const free = { commands_per_second: '0', errors_per_connection: '0' };

// A client that sends many commands in a frame and counts what comes back.
class Bulk {
  static async open(server) {
    const socket = new WebSocket(server.url);
    const bulk = new Bulk(socket);
    await new Promise((open, fail) => socket.once('open', open).once('error', fail));
    await bulk.call(['{"id":1,"connect":{}}']);
    return bulk;
  }

  constructor(socket) {
    Object.assign(this, { socket, replies: 0, errors: {} });
    socket.on('close', (code) => (this.code = code));
    socket.on('message', (text) => {
      for (const line of text.toString('latin1').split('\n')) this.#take(line);
    });
  }

  #take(line) {
    if (line === '{}') this.socket.send('{}'); // a ping
    if (!line.startsWith('{"id"')) return;
    ++this.replies;
    const [, code] = /"error":\{"code":(\d+)/.exec(line) ?? [];
    if (code !== undefined) this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  // Sends the commands, some hundred a frame, and waits for as many replies.
  async call(commands) {
    const before = this.replies;
    for (let i = 0; i < commands.length; i += 500) {
      this.socket.send(commands.slice(i, i + 500).join('\n'));
    }
    const all = () => {
      if (this.code !== undefined) throw new Error(`closed with ${this.code}`);
      return this.replies === before + commands.length;
    };
    await waitFor(all, `${commands.length} replies`, 60_000);
  }

  subscribe(names) {
    return this.call(names.map((name) => `{"id":2,"subscribe":{"channel":"${name}"}}`));
  }

  unsubscribe(names) {
    return this.call(names.map((name) => `{"id":3,"unsubscribe":{"channel":"${name}"}}`));
  }
}

const names = (count, prefix) => Array.from({ length: count }, (_, i) => `room:${prefix}-${i}`);

test('of 10,000 subscribes of one client 128 are taken', async () => {
  const server = await Millrace.start({ args: ['--config', config], limits: free });
  const client = await Bulk.open(server);
  const wanted = names(10_000, 'greedy');
  await client.subscribe(wanted);
  assert.deepEqual(client.errors, { 106: 10_000 - 128 });
  assert.equal(await server.metric('millrace_channels'), 128);
  assert.equal(await server.metric('millrace_subscriptions'), 128);
  await client.unsubscribe(wanted.slice(0, 28));
  await client.subscribe(wanted.slice(-100));
  assert.deepEqual(client.errors, { 106: 10_000 - 128 + 72 });
  client.socket.terminate();
  await waitFor(async () => (await server.metric('millrace_channels')) === 0, 'no channel');
  await server.stop();
});

test('hundreds of thousands of channels come and go, and leave nothing', async () => {
  const each = 10_000;
  const clients = scaled(20);
  const limits = { ...free, channels_per_connection: String(each), write_timeout: '60s' };
  const server = await Millrace.start({ args: ['--config', config], limits });
  const crowd = [];
  for (let i = 0; i < clients; ++i) crowd.push(await Bulk.open(server));
  const held = async () => [
    await server.metric('millrace_channels'),
    await server.metric('millrace_subscriptions'),
  ];
  const before = server.rss();
  const rests = [];
  const costs = [];
  for (let round = 0; round < 4; ++round) {
    const of = crowd.map((_, i) => names(each, `${round}-${i}`));
    for (const [i, client] of crowd.entries()) await client.subscribe(of[i]);
    assert.deepEqual(await held(), [clients * each, clients * each]);
    // The channel, the subscription, and their places in tables that have grown for them.
    costs.push(server.rss() - before);
    const cost = costs.at(-1) / (clients * each);
    if (slowness === 1) assert.ok(cost < 300, `${cost} bytes a channel`);
    for (const [i, client] of crowd.entries()) await client.unsubscribe(of[i]);
    assert.deepEqual(await held(), [0, 0]);
    rests.push(server.rss());
  }
  for (const client of crowd) assert.deepEqual(client.errors, {});
  // What the first rounds took serves the others. What the allocator has not given back yet when it
  // is looked at differs from round to round, by far less than a round that stayed.
  const grown = (rests.at(-1) - rests[1]) / costs[0];
  if (slowness === 1) assert.ok(grown < 0.4, `${rests} bytes after each round, ${costs} for each`);
  for (const client of crowd) client.socket.terminate();
  await server.stop();
});

for (const kind of kinds) {
  test(`${kind}: what looks like a wildcard is a name like another`, async () => {
    const server = await Millrace.start({ shards: 1, args: ['--config', config] });
    const [spy, writer] = await Promise.all([1, 2].map(() => connectedClient(kind, server)));
    const tries = ['*', '>', 'room:*', 'room:>', 'room:*:*', 'room:#', 'room:%', 'room:+', 'room:?',
      'room:[a-z]', 'room:..', 'room:$1', 'room:\\*', 'room:1 or 1', '$room', '#'];
    const subs = [];
    for (const name of tries) {
      subs.push(await spy.subscribe(name).catch(() => null)); // error 107
    }
    const deep = `room:${Array.from({ length: 125 }, () => 'x').join(':')}`;
    const reader = await writer.subscribe(deep);
    for (const channel of ['room:a', 'room:a:b', 'room:1', 'news', deep]) {
      await writer.publish(channel, channel);
    }
    await gotten(reader, 1);
    await sleep(50);
    assert.deepEqual(datas(reader), [deep]);
    for (const sub of subs) if (sub) assert.deepEqual(datas(sub), [], sub.channel);
    assert.ok(subs.filter(Boolean).length > 5);
    // And it is heard under its own name.
    await writer.publish('room:*', 'a star');
    await gotten(subs[tries.indexOf('room:*')], 1);
    for (const client of [spy, writer]) client.disconnect();
    await server.stop();
  });
}
