// The server API over HTTP, on a node of two shards: each method, each error, hostile bodies.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { call, outcome } from './support/api.mjs';
import { connectedClient, datas, ended, gotten, kinds } from './support/clients.mjs';
import { apiKey, configFile, Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, seconds, secret } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`
[token]
hmac_secret = "${secret}"
[namespaces.default]
allow_subscribe = ["client"]
[namespaces.room]
history_size = 10
history_ttl = "5m"
recover = true
presence = true
join_leave = true
allow_subscribe = ["client"]
allow_presence = ["client"]
[namespaces.raw]
payload = "binary"
history_size = 10
history_ttl = "5m"
allow_subscribe = ["client"]
`);
const server = await Millrace.start({ insecure: false, shards: 2, args: ['--config', config] });
const api = (method, params, options) => outcome(server, method, params, options);

// So many clients of either kind that both shards have some.
async function crowd(user, count = 8, claims = {}) {
  const make = (i) => {
    const token = makeToken({ sub: user, ...claims });
    return connectedClient(kinds[i % 2], server, { token });
  };
  return Promise.all(Array.from({ length: count }, (_, i) => make(i)));
}

const idOf = (client) => client.connects.at(-1).client;
const leave = (clients) => clients.forEach((client) => client.disconnect());
const sideOf = (client, channel) =>
  waitFor(() => client.server.get(channel), `the server's ${channel}`);

test('publish: position, nothing without history, base64, and what it refuses', async () => {
  const [client] = await crowd('pat', 1);
  const sub = await client.subscribe('room:pub');
  const first = await api('publish', { channel: 'room:pub', data: { a: 1 } });
  assert.deepEqual([first.offset, first.epoch.length], [1, 8]);
  const b64data = Buffer.from('{"b":\n2}').toString('base64');
  assert.equal((await api('publish', { channel: 'room:pub', b64data })).offset, 2);
  assert.equal((await api('publish', { channel: 'room:pub', data: null })).offset, 3);
  const skipped = { channel: 'room:pub', data: 4, skip_history: true };
  assert.deepEqual(await api('publish', skipped), {});
  assert.deepEqual(await api('publish', { channel: 'plain', data: 1 }), {});
  assert.equal((await api('publish', { channel: 'room:pub', data: 5 })).offset, 4);
  await gotten(sub, 5);
  assert.deepEqual(datas(sub), [{ a: 1 }, { b: 2 }, null, 4, 5]);
  assert.deepEqual(client.ends, [], 'nobody takes the one that was not kept for a hole');
  for (const [params, wanted] of [
    [{ channel: 'none:x', data: 1 }, 102],
    [{ channel: '', data: 1 }, 107],
    [{ data: 1 }, 107],
    [{ channel: 'a..b', data: 1 }, 107],
    [{ channel: 'x'.repeat(256), data: 1 }, 107],
    [{ channel: 'plain' }, 107],
    [{ channel: 'plain', b64data: Buffer.from('no json').toString('base64') }, 107],
    [{ channel: 'plain', data: 'x'.repeat(1024 * 1024) }, 107],
    [{ channel: 'plain', data: 1, tags: { a: 'b' } }, 108],
    [{ channel: 'plain', data: 1, version: 2 }, 108],
    [{ channel: 'plain', data: 1, idempotency_key: 'k'.repeat(65) }, 107],
    [{ channel: 'plain', b64data: '!' }, 'HTTP 400'],
    [{ channel: 7, data: 1 }, 'HTTP 400'],
    [{ channel: 'plain', data: 1, skip_history: 1 }, 'HTTP 400'],
  ]) {
    assert.deepEqual(await api('publish', params), wanted, JSON.stringify(params).slice(0, 80));
  }
  leave([client]);
});

test('an idempotency key: one publication, one result, whichever shard is called', async () => {
  const [client] = await crowd('ida', 1);
  const sub = await client.subscribe('room:idem');
  const params = { channel: 'room:idem', data: 1, idempotency_key: 'order-7' };
  const all = await Promise.all(Array.from({ length: 40 }, () => api('publish', params)));
  for (const each of all) assert.deepEqual(each, all[0]);
  assert.equal(all[0].offset, 1);
  assert.equal((await api('publish', { ...params, idempotency_key: 'order-8' })).offset, 2);
  const broadcast = { channels: ['room:idem', 'room:idem2'], data: 3, idempotency_key: 'order-7' };
  const { responses } = await api('broadcast', broadcast);
  assert.deepEqual(responses[0].result, all[0]);
  assert.equal(responses[1].result.offset, 1);
  await gotten(sub, 2);
  await sleep(200);
  assert.equal(sub.got.length, 2);
  leave([client]);
});

test('broadcast: a response for each channel, in their order', async () => {
  const channels = ['room:b1', 'none:b', 'a..b', 'plain'];
  const { responses } = await api('broadcast', { channels, data: { x: 1 } });
  assert.equal(responses[0].result.offset, 1);
  assert.deepEqual(responses.slice(1).map(({ error, result }) => error?.code ?? result), [
    102,
    107,
    {},
  ]);
  assert.equal(await api('broadcast', { data: 1 }), 107);
  assert.equal(await api('broadcast', { channels: [], data: 1 }), 107);
  assert.equal(await api('broadcast', { channels: 'a', data: 1 }), 'HTTP 400');
  const many = Array.from({ length: 10_001 }, (_, i) => `plain${i}`);
  assert.equal(await api('broadcast', { channels: many, data: 1 }), 107);
  const most = await api('broadcast', { channels: many.slice(1), data: 1 });
  assert.equal(most.responses.length, 10_000);
  assert.ok(most.responses.every(({ result }) => result));
});

test('subscribe: all clients of the user get the channel, and what is published next', async () => {
  const clients = await crowd('sue');
  const others = await crowd('tom', 2);
  const order = { user: 'sue', channel: 'room:game', info: { seat: 1 }, data: { hello: 1 } };
  assert.deepEqual(await api('subscribe', order), {});
  const { offset } = await api('publish', { channel: 'room:game', data: 'first' });
  assert.equal(offset, 1);
  for (const client of clients) {
    const side = await sideOf(client, 'room:game');
    await gotten(side, 1);
    assert.deepEqual(datas(side), ['first']);
    assert.equal(side.answers.length, 1);
  }
  const { presence } = await api('presence', { channel: 'room:game' });
  assert.deepEqual(Object.keys(presence).sort(), clients.map(idOf).sort());
  assert.deepEqual(presence[idOf(clients[0])].chan_info, { seat: 1 });
  assert.deepEqual(await api('presence_stats', { channel: 'room:game' }), {
    num_clients: clients.length,
    num_users: 1,
  });
  // Once more changes nothing.
  assert.deepEqual(await api('subscribe', order), {});
  assert.equal((await sideOf(clients[0], 'room:game')).answers.length, 1);
  for (const client of others) assert.equal(client.server.get('room:game'), undefined);
  const gone = [];
  clients[0].sdk.on('unsubscribed', (event) => gone.push(event.channel));
  assert.deepEqual(await api('unsubscribe', { user: 'sue', channel: 'room:game' }), {});
  await waitFor(() => gone.length === 1, 'the unsubscribe push');
  await waitFor(
    async () => (await api('presence_stats', { channel: 'room:game' })).num_clients === 0,
    'nobody to be there',
  );
  for (const client of clients) assert.deepEqual(client.ends, [], 'and it stays connected');
  leave([...clients, ...others]);
});

test('subscribe: one client, from a position on, and a channel that nobody knows', async () => {
  const clients = await crowd('una', 4);
  const { epoch } = await api('publish', { channel: 'room:since', data: 1 });
  for (const data of [2, 3]) await api('publish', { channel: 'room:since', data });
  const order = { user: 'una', client: idOf(clients[2]), channel: 'room:since' };
  const recover_since = { offset: 1, epoch };
  assert.deepEqual(await api('subscribe', { ...order, recover_since }), {});
  const side = await sideOf(clients[2], 'room:since');
  await gotten(side, 2);
  assert.deepEqual(datas(side), [2, 3]);
  await sleep(200);
  for (const i of [0, 1, 3]) assert.equal(clients[i].server.get('room:since'), undefined);
  for (const [params, wanted] of [
    [{ ...order, channel: 'none:x' }, 102],
    [{ ...order, user: '' }, 107],
    [{ ...order, user: 'u'.repeat(256) }, 107],
    [{ ...order, expire_at: Date.now() }, 'HTTP 400'],
    [{ ...order, channel: 'room:late', expire_at: seconds() - 10 }, 110],
    [{ ...order, user: 'nobody' }, {}],
    [{ ...order, session: 'none-has-one' }, {}],
    [{ ...order, override: { presence: true } }, 'HTTP 400'],
  ]) {
    assert.deepEqual(await api('subscribe', params), wanted, JSON.stringify(params).slice(0, 80));
  }
  leave(clients);
});

test("unsubscribe takes a client's own subscription, too", async () => {
  const clients = await crowd('uwe', 4);
  const subs = await Promise.all(clients.map((client) => client.subscribe('room:own')));
  assert.deepEqual(await api('unsubscribe', { user: 'uwe', channel: 'room:own' }), {});
  for (const sub of subs) {
    await waitFor(() => sub.ends.length === 1, 'the end of it');
    assert.deepEqual([sub.ends[0].code, sub.ends[0].again], [2000, false]);
  }
  leave(clients);
});

test('disconnect: with a code, but for a whitelist, or one client', async () => {
  const clients = await crowd('dan');
  const others = await crowd('eve', 2);
  const whitelist = [idOf(clients[0]), idOf(clients[1])];
  const disconnect = { code: 4001, reason: 'go to bed' };
  assert.deepEqual(await api('disconnect', { user: 'dan', whitelist, disconnect }), {});
  for (const client of clients.slice(2)) {
    const { code, reason, reconnects } = await ended(client);
    assert.deepEqual([code, reason, reconnects], [4001, 'go to bed', true]);
  }
  await sleep(200);
  for (const client of clients.slice(0, 2)) assert.deepEqual(client.ends, []);
  assert.deepEqual(await api('disconnect', { user: 'dan', client: whitelist[0] }), {});
  const { code, reconnects } = await ended(clients[0]);
  assert.deepEqual([code, reconnects], [3503, false]);
  assert.deepEqual(clients[1].ends, []);
  for (const client of others) assert.deepEqual(client.ends, []);
  for (const bad of [{ code: 2999 }, { code: 5000 }, { reason: 'r'.repeat(124) }]) {
    assert.equal(await api('disconnect', { user: 'dan', disconnect: bad }), 107);
  }
  assert.equal(await api('disconnect', { user: 'dan', disconnect: { code: 'x' } }), 'HTTP 400');
  assert.equal(await api('disconnect', {}), 107);
  leave([...clients, ...others]);
});

test('refresh: a new end, no end, or over now', async () => {
  const clients = await crowd('ray', 4, { exp: seconds() + 1000 });
  const pushes = [];
  clients[0].sockets.last.on('message', (text) => pushes.push(text.toString()));
  assert.deepEqual(await api('refresh', { user: 'ray', expire_at: seconds() + 500 }), {});
  await waitFor(() => pushes.some((text) => text.includes('"refresh"')), 'the refresh push');
  const push = JSON.parse(pushes.find((text) => text.includes('"refresh"'))).push.refresh;
  assert.equal(push.expires, true);
  assert.ok(push.ttl > 400 && push.ttl <= 500, String(push.ttl));
  assert.deepEqual(await api('refresh', { user: 'ray', client: idOf(clients[1]), info: 1 }), {});
  assert.deepEqual(await api('refresh', { user: 'ray', expired: true }), {});
  for (const client of clients) assert.equal((await ended(client)).code, 3005);
  assert.equal(await api('refresh', { expired: true }), 107);
  leave(clients);
});

test('a token that is refreshed leaves what an application ordered', async () => {
  const token = () => makeToken({ sub: 'rex', exp: seconds() + 2 });
  const client = await connectedClient('json', server, { token: token(), getToken: token });
  assert.deepEqual(await api('subscribe', { user: 'rex', channel: 'room:rex' }), {});
  await sideOf(client, 'room:rex');
  await waitFor(() => client.sockets.lines.some((line) => line.includes('"refresh":')), 'refresh');
  await sleep(300);
  assert.deepEqual(client.ends, []);
  leave([client]);
});

test('history: position, page, since, reverse, removal', async () => {
  for (let data = 1; data <= 12; ++data) await api('publish', { channel: 'room:his', data });
  const channel = 'room:his';
  const top = await api('history', { channel });
  assert.deepEqual([top.publications, top.offset, top.epoch.length], [[], 12, 8]);
  const all = await api('history', { channel, limit: -1 });
  assert.deepEqual(
    all.publications.map(({ data, offset }) => [data, offset]),
    Array.from({ length: 10 }, (_, i) => [i + 3, i + 3]),
  );
  const since = { offset: 5, epoch: top.epoch };
  const some = await api('history', { channel, limit: 2, since });
  assert.deepEqual(some.publications.map(({ data }) => data), [6, 7]);
  const back = await api('history', { channel, limit: 2, reverse: true });
  assert.deepEqual(back.publications.map(({ data }) => data), [12, 11]);
  const other = { offset: 5, epoch: 'abcdefgh' };
  assert.equal(await api('history', { channel, limit: 2, since: other }), 112);
  assert.equal(await api('history', { channel: 'plain' }), 108);
  assert.equal(await api('history', { channel: 'none:x' }), 102);
  assert.equal(await api('history', { channel, limit: 1.5 }), 'HTTP 400');
  assert.deepEqual(await api('history_remove', { channel }), {});
  assert.deepEqual(await api('history', { channel, limit: -1 }), { ...top, publications: [] });
  assert.equal(await api('history_remove', { channel: 'plain' }), 108);
  const b64data = Buffer.from([0, 255, 10]).toString('base64');
  assert.equal((await api('publish', { channel: 'raw:a', b64data })).offset, 1);
  const raw = await api('history', { channel: 'raw:a', limit: 1 });
  assert.equal(raw.publications[0].b64data, b64data);
});

test('presence, channels and info', async () => {
  const clients = await crowd('ann', 6);
  const [nobody] = await crowd('ben', 1);
  for (const client of [...clients, nobody]) await client.subscribe('room:here');
  await nobody.subscribe('room:there');
  await nobody.subscribe('plain');
  assert.deepEqual(await api('presence_stats', { channel: 'room:here' }), {
    num_clients: 7,
    num_users: 2,
  });
  assert.equal(await api('presence', { channel: 'plain' }), 108);
  assert.equal(await api('presence_stats', { channel: 'none:x' }), 102);
  assert.deepEqual((await api('channels', { pattern: 'room:*ere' })).channels, {
    'room:here': { num_clients: 7 },
    'room:there': { num_clients: 1 },
  });
  const { channels } = await api('channels', '');
  assert.deepEqual(Object.keys(channels).sort(), ['plain', 'room:here', 'room:there']);
  assert.deepEqual(await api('channels', { pattern: 'x' }), { channels: {} });
  assert.equal(await api('channels', { pattern: 'p'.repeat(256) }), 107);
  const { nodes } = await api('info');
  assert.equal(nodes.length, 1);
  const { uid, name, version, uptime, ...counts } = nodes[0];
  assert.equal(uid.length, 36);
  assert.ok(name !== '' && version !== '' && uptime >= 0);
  assert.deepEqual(counts, { num_clients: 7, num_users: 2, num_channels: 3, num_subs: 9 });
  leave([...clients, nobody]);
});

test('batch: in order, each with its reply; and the lines of POST /api', async () => {
  const commands = [
    { publish: { channel: 'room:batch', data: 1 } },
    { publish: { channel: 'room:batch', data: 2 } },
    { history: { channel: 'room:batch', limit: 10 } },
    { publish: { channel: 'none:x', data: 1 } },
    { disconnect: { user: 'nobody' } },
    { publish: {} },
  ];
  const { status, text } = await call(server, 'batch', { commands });
  assert.equal(status, 200);
  const { replies } = JSON.parse(text);
  assert.deepEqual(replies.slice(0, 2).map(({ publish }) => publish.offset), [1, 2]);
  assert.deepEqual(replies[2].history.publications.map(({ data }) => data), [1, 2]);
  assert.deepEqual(replies.slice(3).map(({ error, disconnect }) => error?.code ?? disconnect), [
    102,
    {},
    107,
  ]);
  const parallel = Array.from({ length: 1_000 }, () => ({ presence: { channel: 'room:batch' } }));
  const many = await call(server, 'batch', { parallel: true, commands: parallel });
  assert.equal(JSON.parse(many.text).replies.filter(({ presence }) => presence).length, 1_000);
  assert.equal(await api('batch', { commands: [...parallel, parallel[0]] }), 107);
  for (const bad of [{}, { commands: {} }, { commands: [1] }, { commands: [{}] },
    { commands: [{ nosuch: {} }] }, { commands: [{ batch: { commands: [] } }] },
    { commands: [{ info: {}, publish: {} }] }]) {
    assert.equal(await api('batch', bad), 'HTTP 400', JSON.stringify(bad));
  }
  const lines = [
    { method: 'publish', params: { channel: 'room:line', data: 1 } },
    { method: 'nosuch', params: {} },
    { method: 'info' },
  ];
  const answer = await call(server, '', lines.map((line) => JSON.stringify(line)).join('\n'));
  const [first, second, third] = answer.text.split('\n').map((line) => JSON.parse(line));
  assert.equal(first.result.offset, 1);
  assert.equal(second.error.code, 104);
  assert.equal(third.result.nodes.length, 1);
  assert.equal((await call(server, '', '{"method":')).status, 400);
});

test('who may not, what is no method, and what is no body', async () => {
  const params = { channel: 'plain', data: 1 };
  assert.equal(await api('publish', params, { key: null }), 'HTTP 401');
  assert.equal(await api('publish', params, { key: 'wrong' }), 'HTTP 401');
  assert.equal(await api('nosuch', params), 'HTTP 404');
  assert.deepEqual(await api(`publish?api_key=${apiKey}`, params, { key: null }), {});
  const get = await fetch(`http://${server.host}/api/info`, { headers: { 'X-API-Key': apiKey } });
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
  const methods = ['publish', 'broadcast', 'subscribe', 'unsubscribe', 'disconnect', 'refresh',
    'presence', 'presence_stats', 'history', 'history_remove', 'channels', 'info', 'batch'];
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
  for (const method of methods) {
    for (const body of ['{', '[]', '1', '"x"', '{"a":1,"a":2}', `{"data":${deep}}`, '\u0000',
      '{"channel":"\\ud800"}', Buffer.from([0x7b, 0xff, 0x7d])]) {
      const { status } = await call(server, method, body);
      const told = `${method} ${body}`;
      if (method === 'info' && status === 200) continue;
      assert.equal(status, 400, told);
    }
  }
  const transport = { 'X-Centrifugo-Error-Mode': 'transport' };
  const missing = { channel: 'none:x', data: 1 };
  const answer = await call(server, 'publish', missing, { headers: transport });
  assert.deepEqual([answer.status, answer.code], [404, 102]);
  assert.equal((await call(server, 'info', {})).status, 200, 'it is all well');
});
