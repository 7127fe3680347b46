// SIGHUP: the file is read again. What it says holds on all shards, or nothing of it does.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';

import { connectedClient, datas, gotten, kinds } from './support/clients.mjs';
import { everybody as allow } from './support/configs.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const head = '[server]\nallow_anonymous = true\n';
const namespace = (name, ...lines) => `[namespaces.${name}]\n${lines.join('')}`;
const open = allow('subscribe', 'publish');
const kept = 'history_size = 10\nhistory_ttl = "60s"\n';

async function start(text, options = {}) {
  const file = configFile(head + text);
  const args = ['--config', file];
  const server = await Millrace.start({ insecure: false, shards: 2, args, ...options });
  // Resolves to what the log says of it, once it says what is wanted.
  const reload = async (next, wanted = /SIGHUP.*\n/) => {
    if (next === null) rmSync(file);
    else writeFileSync(file, head + next);
    const before = server.run.err.length;
    server.signal('SIGHUP');
    const said = () => server.run.err.slice(before);
    await waitFor(() => wanted.test(said()), `${wanted} in the log`);
    return said();
  };
  return { server, reload };
}

// So many clients that both shards have some.
async function onBothShards(server) {
  const clients = [];
  const both = async () => (await server.stats()).shards.every(({ clients: n }) => n > 0);
  while (clients.length < 4 || (!(await both()) && clients.length < 40)) {
    clients.push(await connectedClient(kinds[clients.length % 2], server));
  }
  assert.ok(await both(), 'one shard has no client');
  return clients;
}

const codeOf = (promise) => promise.then(() => 0, ({ code }) => code);

// Shards take a change between two turns, each for itself.
const eventually = (ask, wanted, what) =>
  waitFor(async () => (await codeOf(ask())) === wanted, `${what}: ${wanted}`);

test('namespaces come, change and go, under clients that stay', async () => {
  const { server, reload } = await start(
    namespace('room', open) + namespace('gone', open) + namespace('same', open),
  );
  const clients = await onBothShards(server);
  const subs = new Map();
  for (const client of clients) {
    const [room, gone] = [await client.subscribe('room:1'), await client.subscribe('gone:1')];
    subs.set(client, { room, gone });
    assert.equal(await codeOf(client.history('room:1', { limit: -1 })), 108);
    assert.equal(await codeOf(client.publish('new:1', 1)), 102);
    assert.equal(await codeOf(client.presenceStats('room:1')), 108);
  }
  const room = ['presence = true\n', kept, allow('subscribe', 'history', 'presence')];
  const said = await reload(
    namespace('room', ...room) + namespace('new', open) + namespace('same', open),
  );
  for (const name of ['room.presence', 'room.allow_publish', 'gone \\(gone\\)', 'new \\(new\\)']) {
    assert.match(said, new RegExp(`changed: .*namespaces\\.${name}`));
  }
  assert.doesNotMatch(said, /namespaces\.same/);
  for (const client of clients) {
    await eventually(() => client.publish('room:1', 1), 103, 'to publish');
    assert.equal(await codeOf(client.publish('new:1', 1)), 0);
    assert.equal(await codeOf(client.publish('gone:1', 1)), 102);
    assert.equal(await codeOf(client.publish('same:1', 1)), 0);
  }
  // Who is subscribed stays so, and the channel now has a history and is asked who is there.
  assert.deepEqual((await server.publish('room:1', 7)).body.error, undefined);
  for (const client of clients) {
    await gotten(subs.get(client).room, 1);
    const { publications, offset } = await client.history('room:1', { limit: -1 });
    assert.deepEqual([publications.map(({ data }) => data), offset], [[7], 1]);
    assert.equal(await codeOf(client.presenceStats('room:1')), 0);
    const later = await client.subscribe('new:1');
    assert.equal(later.answers.length, 1);
  }
  assert.equal((await server.publish('gone:1', 1)).body.error.code, 102);
  for (const client of clients) {
    assert.deepEqual([client.ends, client.connects.length], [[], 1]);
    assert.deepEqual(subs.get(client).gone.ends, []);
    client.disconnect();
  }
  await server.stop();
});

test('a file that is wrong changes nothing, and the log says what is wrong', async () => {
  const good = namespace('room', open, kept);
  const { server, reload } = await start(good);
  const clients = await onBothShards(server);
  const other = namespace('other', open);
  for (const [text, reason] of [
    [`${other}[namespaces.room\n`, /:\d+/],
    [other + namespace('room', 'presense = true\n'), /presense.*presence/],
    [other + namespace('room', 'presence = 1\n'), /presence/],
    [other + namespace('room', 'history_size = 10\n'), /history_ttl/],
    [other + namespace('room', 'history_size = -1\nhistory_ttl = "1s"\n'), /history_size/],
    [other + namespace('room', 'delta = true\n'), /delta/],
    [other + namespace('room', 'allow_publish = ["everybody"]\n'), /everybody/],
    [`${other}[token]\nhmac_secret = "short"\n`, /hmac_secret/],
    [`${other}[token]\npublic_keys = ["/nowhere.pem"]\n`, /public_keys.*No such file/],
    [null, /millrace\.toml/],
  ]) {
    const said = await reload(text);
    assert.match(said, /the configuration stays as it was: /, said);
    assert.match(said, reason);
    await sleep(20);
    for (const client of clients) {
      assert.equal(await codeOf(client.publish('other:1', 1)), 102);
      assert.equal(await codeOf(client.publish('room:1', 1)), 0);
    }
  }
  await reload(good + other, /changed: namespaces\.other \(new\)/);
  for (const client of clients) {
    await eventually(() => client.publish('other:1', 1), 0, 'other');
    assert.deepEqual(client.ends, []);
    client.disconnect();
  }
  await reload(good + other, /no setting changes/);
  await server.stop();
});

test('what needs a restart is named, and stays', async () => {
  const bytes = (payload) => namespace('bytes', open, `payload = "${payload}"\n`);
  const { server, reload } = await start(bytes('json'));
  const [json, flat] = await Promise.all(kinds.map((kind) => connectedClient(kind, server)));
  const sub = await json.subscribe('bytes:1');
  await reload(bytes('binary'), /restart.*: namespaces\.bytes\.payload/);
  await sleep(50);
  // Else the JSON client's frame would be broken.
  assert.equal(await codeOf(flat.publish('bytes:1', Buffer.from([0, 10, 255]))), 107);
  // Nor by leaving it out for a while.
  await reload('');
  // Until then it may be published.
  await eventually(() => flat.publish('bytes:1', 'before'), 102, 'no namespace');
  await reload(bytes('binary'), /restart.*: namespaces\.bytes\.payload/);
  await eventually(() => flat.publish('bytes:1', 1), 0, 'the namespace is back');
  assert.equal(await codeOf(flat.publish('bytes:1', Buffer.from([0, 10, 255]))), 107);
  await waitFor(() => datas(sub).at(-1) === 1, 'what was published last');
  assert.deepEqual([new Set(datas(sub)).size <= 2, json.ends, flat.ends], [true, [], []]);
  // A name that is new may have any bytes.
  await reload(bytes('json') + namespace('fresh', open, 'payload = "binary"\n'));
  await eventually(() => flat.publish('fresh:1', Buffer.from([0, 10, 255])), 0, 'a new one');
  await reload(`${bytes('json')}[limits]\nmessage_size = "32KiB"\n`, /restart.*message_size/);
  json.disconnect();
  flat.disconnect();
  await server.stop();
});
