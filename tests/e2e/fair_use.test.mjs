// Fair use (004-27): a thousand honest tabs of one address and one user come, go and come at once,
// and none of them is held up; who floods is told so, then closed, and the tabs do not care.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedAgain, connectedClient, ended, kinds } from './support/clients.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { makeToken, secret } from './support/tokens.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`
[token]
hmac_secret = "${secret}"
[namespaces.default]
history_size = 10
history_ttl = "60s"
presence = true
allow_subscribe = ["client"]
allow_publish = ["client"]
allow_history = ["client"]
allow_presence = ["client"]
`);
const options = { insecure: false, shards: 2, args: ['--config', config] };
const tabs = scaled(1_000);
const channels = 16;

// What a page does when it is opened: one frame with everything.
async function openTab(server) {
  const client = await RawClient.open(server, { session: false });
  const commands = [{ connect: { token: makeToken({ sub: 'ann' }) } }];
  for (let i = 0; i < channels; ++i) commands.push({ subscribe: { channel: `news-${i}` } });
  commands.push({ history: { channel: 'news-0', limit: 5 } });
  commands.push({ presence_stats: { channel: 'news-0' } });
  commands.push({ publish: { channel: 'log', data: 'here I am' } }); // nobody reads it
  const numbered = commands.map((command, i) => JSON.stringify({ id: 100 + i, ...command }));
  client.sendText(numbered.join('\n'));
  // In whatever order: another shard's answers may come later than this one's.
  for (const id of commands.keys()) await client.reply(100 + id, 60_000);
  const replies = client.messages.filter(({ id }) => id >= 100);
  assert.equal(replies.length, commands.length);
  assert.deepEqual(replies.filter(({ error }) => error), []);
  return client;
}

// Commands without a pause, each right by itself and answered at once.
async function flood(server) {
  const client = await RawClient.open(server, { session: false });
  await client.call({ connect: { token: makeToken({ sub: 'mallory' }) } });
  const block = Array(500).fill('{"id":9,"unsubscribe":{"channel":"x"}}').join('\n');
  while (!client.close && !client.gone) {
    client.sendText(block);
    await sleep(1);
  }
  const codes = client.messages.filter(({ id }) => id === 9).map(({ error }) => error?.code ?? 0);
  const end = await client.closed();
  client.destroy();
  return { codes, end };
}

test('a thousand tabs of one user and one address are served, floods beside them', async () => {
  const server = await Millrace.start(options);
  for (let round = 0; round < 2; ++round) {
    const attackers = [1, 2, 3].map(() => flood(server));
    const all = await Promise.all(Array.from({ length: tabs }, () => openTab(server)));
    for (const attacker of attackers) {
      const { codes, end } = await attacker;
      assert.equal(end.code, 3013);
      assert.notEqual(end.reason, '');
      // First what is allowed, then the error, then the end.
      const first = codes.indexOf(111);
      assert.ok(first >= 2_000, `${first} commands were allowed`);
      assert.equal(codes.slice(0, first).some((code) => code !== 0), false);
      assert.ok(codes.filter((code) => code === 111).length >= 100);
    }
    const clients = async () => (await server.metric('millrace_clients')) === tabs;
    await waitFor(clients, 'the attackers to be gone');
    for (const tab of all) assert.equal(tab.close, null);
    for (const tab of all) tab.destroy();
    const left = async () => (await server.metric('millrace_connections')) === 0;
    await waitFor(left, 'the tabs to be gone', 20_000);
  }
  assert.equal(await server.metric('millrace_disconnects_total{code="3013"}'), 6);
  assert.equal(await server.metric('millrace_disconnects_total{code="3509"}'), 0);
  await server.stop();
});

test('a client at its rate is never held up, and one at twice its rate never closed', async () => {
  const limits = { commands_per_second: '50', commands_burst: '10', channels_per_connection: '10' };
  const server = await Millrace.start({ ...options, limits });
  const client = await RawClient.open(server, { session: false });
  await client.call({ connect: { token: makeToken({ sub: 'ann' }) } });
  const began = performance.now();
  const sent = { slow: 0, fast: 0 };
  const send = (kind) => {
    client.sendText(`{"id":${1_000_000 * (kind === 'fast') + ++sent[kind]},` +
      '"presence_stats":{"channel":"x"}}');
  };
  // Never more than its due, however late a timer comes.
  while (performance.now() - began < 1_500) {
    for (let most = 5; sent.slow < (performance.now() - began) / 25 && most > 0; --most) {
      send('slow');
    }
    await sleep(5);
  }
  await client.reply(sent.slow);
  assert.deepEqual(client.messages.filter(({ error }) => error), []);
  const turn = performance.now();
  while (performance.now() - turn < 3_000) {
    for (let most = 5; sent.fast < (performance.now() - turn) / 10 && most > 0; --most) {
      send('fast');
    }
    await sleep(5);
  }
  await client.reply(1_000_000 + sent.fast);
  const refused = client.messages.filter(({ error }) => error?.code === 111).length;
  assert.ok(refused > 0 && refused < sent.fast, `${refused} of ${sent.fast}`);
  assert.equal(client.close, null);
  await client.leave();
  await server.stop();
});

test('connections of a user are counted over shards and protocols, and given back', async () => {
  const server = await Millrace.start({ ...options, limits: { connections_per_user: '6' } });
  const token = makeToken({ sub: 'ann' });
  const six = [];
  for (let i = 0; i < 6; ++i) six.push(await connectedClient(kinds[i % 2], server, { token }));
  for (const kind of kinds) {
    const more = await connectedClient(kind, server, { token }).catch(() => null);
    assert.equal(more, null, `${kind}: a seventh`);
  }
  assert.equal(await server.metric('millrace_disconnects_total{code="3504"}'), 2);
  const other = await connectedClient('json', server, { token: makeToken({ sub: 'ben' }) });
  // Who was cut finds its place again, and so does another one when one leaves.
  six[0].cut();
  await connectedAgain(six[0], 2);
  six[1].disconnect();
  await ended(six[1]);
  let seventh = null;
  await waitFor(async () => {
    seventh = await connectedClient('json', server, { token }).catch(() => null);
    return seventh;
  }, 'the place that was given back');
  for (const client of [...six, other, seventh]) client.disconnect();
  await server.stop();
});
