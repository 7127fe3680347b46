// The application decides: every method over a real nats-server, with npm nats and npm centrifuge.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { allow, Application, proxyConfig, refuse, throwOut } from './support/application.mjs';
import { configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll, start } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { waitFor, within } from './support/wait.mjs';

after(endAll);
const nats = await NatsServer.start();

const everything = proxyConfig(
  {
    connect: {},
    subscribe: {},
    publish: {},
    rpc: {},
    refresh: {},
    sub_refresh: {},
    send: {},
    disconnect: {},
  },
  'headers = ["Cookie", "User-Agent"]',
);
const namespaces = `
[namespaces.default]
proxy_subscribe = true
proxy_publish = true
proxy_sub_refresh = true
[namespaces.user]
[namespaces.lobby]
`;
const trusting = `
[server]
trusted_proxies = ["127.0.0.0/8"]
`;

const server = await Millrace.start({
  insecure: false,
  shards: 2,
  args: ['--nats', nats.url, '--config', configFile(trusting + everything + namespaces)],
});
await server.ready();

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
const soon = (emitter, event) => within(once(emitter, event), event);
const nowSeconds = () => Math.floor(Date.now() / 1000);

// An application for one test. Those of others are closed, so that it has all questions.
async function withApplication(answers, body) {
  const application = await Application.start(nats, {
    connect: ({ data }) => allow({ user: data?.user ?? 'anna' }),
    disconnect: () => undefined,
    ...answers,
  });
  try {
    return await body(application);
  } finally {
    await application.stop();
  }
}

function open(options = {}) {
  const client = sdkClient(server, options);
  client.on('error', () => {});
  client.connect();
  return client;
}

test('connect: the application says who it is, where it may be, and what it is told', async () => {
  const answers = {
    connect: ({ path }) =>
      allow({
        user: 'anna',
        info: { name: 'Anna' },
        data: { hello: path },
        meta: { league: 3 },
        channels: ['user:anna'],
        subs: { 'user:anna': { data: { yours: 1 } }, 'lobby:main': {} },
      }),
    rpc: (request) => allow({ data: request }),
  };
  await withApplication(answers, async (application) => {
    const client = sdkClient(server, { query: '?path=%2Fgame%2Fabc', name: 'e2e', data: { a: 1 } });
    const subscribed = [];
    client.on('subscribed', ({ channel, data }) => subscribed.push([channel, data]));
    const connected = soon(client, 'connected');
    client.connect();
    const context = await connected;
    assert.deepEqual(context.data, { hello: '/game/abc' });
    await waitFor(() => subscribed.length === 2, 'two subscriptions of the server');
    assert.deepEqual(new Map(subscribed).get('user:anna'), { yours: 1 });
    const [{ request, headers }] = await application.got('connect');
    assert.equal(request.client, context.client);
    assert.equal(request.address, '127.0.0.1');
    assert.equal(request.path, '/game/abc');
    assert.equal(request.name, 'e2e');
    assert.deepEqual(request.data, { a: 1 });
    assert.equal(request.transport, 'websocket');
    assert.equal(headers['Millrace-Method'], 'connect');
    assert.equal(headers['Millrace-Client'], context.client);
    // Later questions carry who it is and what the application keeps with it.
    const { data } = await client.rpc('who', { b: 2 });
    assert.equal(data.user, 'anna');
    assert.deepEqual(data.meta, { league: 3 });
    assert.deepEqual(data.data, { b: 2 });
    assert.equal(data.method, 'who');
    assert.equal((await application.got('rpc'))[0].headers['Millrace-User'], 'anna');
    client.disconnect();
  });
});

test('connect: a personal channel reaches every tab of a user, and nobody else', async () => {
  const answers = {
    connect: ({ data }) => allow({ user: data.user, channels: [`user:${data.user}`] }),
  };
  await withApplication(answers, async () => {
    const tabs = ['anna', 'anna', 'ben'].map((user) => {
      const client = open({ data: { user } });
      client.heard = [];
      client.on('publication', ({ data }) => client.heard.push(data));
      return client;
    });
    await Promise.all(tabs.map((tab) => soon(tab, 'connected')));
    await server.publish('user:anna', { n: 1 });
    await server.publish('user:ben', { n: 2 });
    await waitFor(() => tabs.every((tab) => tab.heard.length === 1), 'a message each');
    assert.deepEqual(tabs.map((tab) => tab.heard[0].n), [1, 1, 2]);
    for (const tab of tabs) tab.disconnect();
  });
});

test('connect: refused with a code, for good or for a while, and thrown out', async () => {
  let asked = 0;
  const answers = {
    connect: ({ data }) => {
      asked += 1;
      if (data.what === 'refused') return refuse(403, 'not you');
      if (data.what === 'out') return throwOut(4501, 'banned');
      return asked < 3 ? refuse(503, 'not now', true) : allow({ user: 'anna' });
    },
  };
  await withApplication(answers, async () => {
    const refused = open({ data: { what: 'refused' } });
    const left = await soon(refused, 'disconnected');
    assert.equal(left.code, 403);
    assert.equal(left.reason, 'not you');
    const out = open({ data: { what: 'out' } });
    assert.deepEqual(await soon(out, 'disconnected'), { code: 4501, reason: 'banned' });
    asked = 0;
    const later = open({ data: {}, minReconnectDelay: 1, maxReconnectDelay: 20 });
    await soon(later, 'connected');
    assert.equal(asked, 3);
    later.disconnect();
  });
});

test('connect: what a client says is only said; its address a trusted proxy says', async () => {
  await withApplication({}, async (application) => {
    const headers = ['X-Forwarded-For: 203.0.113.9', 'Cookie: session=1', 'Other: x'];
    const path = '/connection/websocket?cid=admin&user=admin';
    const client = await RawClient.open(server, { path, headers });
    const [{ request }] = await application.got('connect');
    assert.equal(request.address, '203.0.113.9');
    assert.equal(request.headers.Cookie, 'session=1');
    assert.equal(request.headers.Other, undefined);
    assert.notEqual(request.client, 'admin');
    assert.equal(request.user, undefined);
    await client.leave();
  });
});

test('subscribe: allowed with options, refused, thrown out; publications flow', async () => {
  const answers = {
    subscribe: ({ channel, data }) => {
      if (channel === 'no') return refuse(404, 'no such room');
      if (channel === 'out') return throwOut(4502, 'go');
      return allow({ info: { seat: 1 }, data: { got: data } });
    },
    publish: ({ channel, data }) => {
      if (data.bad) return refuse(422, 'mind your words');
      return data.mask ? allow({ data: { text: '***', channel } }) : allow();
    },
  };
  await withApplication(answers, async (application) => {
    const client = open();
    const room = client.newSubscription('room', { data: { want: 1 } });
    const heard = [];
    room.on('publication', ({ data }) => heard.push(data));
    room.subscribe();
    const { data } = await soon(room, 'subscribed');
    assert.deepEqual(data, { got: { want: 1 } });
    await room.publish({ text: 'hello' });
    await room.publish({ mask: true });
    await assert.rejects(room.publish({ bad: true }), { code: 422 });
    await waitFor(() => heard.length === 2, 'two publications');
    assert.deepEqual(heard, [{ text: 'hello' }, { text: '***', channel: 'room' }]);
    const no = client.newSubscription('no');
    no.subscribe();
    const refused = await soon(no, 'unsubscribed');
    assert.equal(refused.code, 404);
    assert.equal(refused.reason, 'no such room');
    const out = client.newSubscription('out');
    out.subscribe();
    assert.equal((await soon(client, 'disconnected')).code, 4502);
    assert.equal((await application.got('publish', 3)).length, 3);
  });
});

test('rpc: answers by number, refusals, and nobody waits for the slow one', async () => {
  const answers = {
    rpc: async ({ method, data }) => {
      if (method === 'slow') await new Promise((resolve) => setTimeout(resolve, 400));
      if (method === 'no') return refuse(1999, 'no', true);
      return allow({ data: { method, data } });
    },
  };
  await withApplication(answers, async () => {
    const client = open();
    await soon(client, 'connected');
    const order = [];
    const slow = client.rpc('slow', 1).then(({ data }) => order.push(data.method));
    const fast = client.rpc('fast', 2).then(({ data }) => order.push(data.method));
    await Promise.all([slow, fast]);
    assert.deepEqual(order, ['fast', 'slow']);
    await assert.rejects(client.rpc('no', {}), { code: 1999, message: 'no' });
    client.disconnect();
  });
});

test('send and leaving are told: with a code, and by itself', async () => {
  await withApplication({ send: () => undefined }, async (application) => {
    const client = open();
    const { client: id } = await soon(client, 'connected');
    await client.send({ ping: 1 });
    const [{ request }] = await application.got('send');
    assert.equal(request.client, id);
    assert.equal(request.user, 'anna');
    assert.equal(request.node, hostname());
    assert.deepEqual(request.data, { ping: 1 });
    const before = application.of('disconnect').length;
    client.disconnect();
    await application.got('disconnect', before + 1);
    const left = application.of('disconnect').find((one) => one.request.client === id).request;
    assert.equal(left.code, 3000);
    assert.equal(left.user, 'anna');
    // A client that speaks no protocol is closed by us.
    const odd = await RawClient.open(server);
    odd.sendText('nonsense');
    assert.equal((await odd.closed()).code, 3501);
    odd.destroy(); // else the server waits for its close frame
    await waitFor(
      () => application.of('disconnect').some(({ request: { code } }) => code === 3501),
      'the leaving with 3501',
    );
  });
});

test('refresh: the server asks when the end comes; the client is told nothing of it', async () => {
  let refreshes = 0;
  const answers = {
    connect: () => allow({ user: 'anna', expire_at: nowSeconds() + 2 }),
    refresh: ({ user }) => {
      assert.equal(user, 'anna');
      refreshes += 1;
      return refreshes < 2 ? allow({ expire_at: nowSeconds() + 2 }) : allow({ expired: true });
    },
  };
  await withApplication(answers, async () => {
    const client = open();
    await soon(client, 'connected');
    const again = await within(once(client, 'connecting'), 'the end of the connection', 15_000);
    assert.equal(again.code, 3005);
    assert.equal(refreshes, 2);
    client.disconnect();
  });
});

test('sub_refresh: a subscription goes on, and ends when the application says so', async () => {
  let refreshes = 0;
  let seats = 0;
  const answers = {
    subscribe: () => {
      seats += 1;
      return seats === 1 ? allow({ expire_at: nowSeconds() + 2 }) : refuse(403, 'over');
    },
    sub_refresh: ({ channel }) => {
      assert.equal(channel, 'rented');
      refreshes += 1;
      return refreshes < 2 ? allow({ expire_at: nowSeconds() + 2 }) : allow({ expired: true });
    },
  };
  await withApplication(answers, async () => {
    const client = open();
    const rented = client.newSubscription('rented');
    rented.subscribe();
    await soon(rented, 'subscribed');
    // Told 2501 it asks again, and is refused.
    const left = await within(once(rented, 'unsubscribed'), 'the end of it', 15_000);
    assert.equal(left.code, 403);
    assert.equal(refreshes, 2);
    client.disconnect();
  });
});

// What docs/APPLICATION.md shows runs as it stands there.
test('the application of the documentation lets in, answers and tells who left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-application-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const here = dirname(fileURLToPath(import.meta.url));
  const page = readFileSync(join(here, '../../docs/APPLICATION.md'), 'utf8');
  const [, program] = /```js\n([\s\S]*?)```/.exec(page);
  writeFileSync(join(folder, 'application.mjs'), program);
  symlinkSync(join(here, '../node_modules'), join(folder, 'node_modules'));
  const run = start(process.execPath, [join(folder, 'application.mjs')], {
    env: { ...process.env, NATS_URL: nats.url },
  });
  await waitFor(() => run.out.includes('the application is ready'), 'the application');
  const client = open({ data: { user: 'anna' } });
  const subscribed = soon(client, 'subscribed');
  const { data } = await soon(client, 'connected');
  assert.deepEqual(data, { welcome: 'anna' });
  await subscribed;
  assert.equal((await client.rpc('add', { a: 1, b: 2 })).data, 3);
  await assert.rejects(client.rpc('other', {}), { code: 404 });
  const room = client.newSubscription('mine');
  room.subscribe();
  assert.equal((await soon(room, 'unsubscribed')).code, 403);
  client.disconnect();
  await waitFor(() => run.out.includes('left'), 'the leaving to be told');
  process.kill(run.pid);
  await run.ended;
});

// Rows D2 and D3: what a client says never becomes a part of a subject, nor a line of NATS.
test('hostile names and methods reach no other subject, and no header', async () => {
  const hostile = [
    'x 0\r\n\r\nPUB admin.kick 4\r\nevil\r\nPUB tail', '> ', '*', 'a.*.>', '\u0000', ' ', '\t',
    'a\nPUB b 0\n', '"},"user":"admin', '\ud83d\ude00', '..', 'é', '$SYS.REQ', '_INBOX.x', '=0D',
  ];
  const seen = new Set();
  const watcher = await nats.client();
  watcher.subscribe('>', { callback: (error, { subject }) => seen.add(subject) });
  await watcher.flush();
  const answers = {
    connect: ({ data }) => allow({ user: data?.user ?? '' }),
    rpc: ({ user, method }) => allow({ data: { user, method } }),
    subscribe: () => refuse(403, 'no'),
    publish: () => refuse(403, 'no'),
  };
  await withApplication(answers, async () => {
    for (const name of hostile) {
      const client = open({ data: { user: name }, query: `?path=${encodeURIComponent(name)}` });
      await soon(client, 'connected');
      const { data } = await client.rpc(name, { name });
      assert.deepEqual(data, { user: name, method: name });
      await assert.rejects(client.publish(`lobby:${name}`, {}));
      await assert.rejects(client.publish(name.replaceAll('.', ''), {}));
      client.disconnect();
    }
  });
  // Nodes tell each other that they are alive.
  const own = 'proxy\\.(connect|rpc|publish|disconnect)|node\\.[a-z0-9.]+';
  const known = new RegExp(`^(millrace\\.(${own})|_INBOX\\.[A-Za-z0-9.]+)$`);
  assert.deepEqual([...seen].filter((subject) => !known.test(subject)), []);
});
