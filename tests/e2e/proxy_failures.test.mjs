// The application is slow, broken, gone, or many: what clients and the metrics see of it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { allow, Application, proxyConfig } from './support/application.mjs';
import { configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { scaled, slowness, timed, waitFor, within } from './support/wait.mjs';

after(endAll);
const nats = await NatsServer.start();

async function serve(methods, more = '', options = {}) {
  const config = `${proxyConfig(methods, more)}
[server]
allow_anonymous = true
[namespaces.default]
allow_subscribe = ["client", "anonymous"]
allow_publish = ["client", "anonymous"]
${options.namespaces ?? ''}`;
  const args = ['--nats', nats.url, '--config', configFile(config)];
  const server = await Millrace.start({ insecure: false, args, shards: options.shards ?? 1 });
  await server.ready();
  return server;
}

const rpc = (client, method, data = {}) => client.call({ rpc: { method, data } });
const outcome = (method, name) =>
  `millrace_proxy_requests_total{method="${method}",outcome="${name}"}`;
const breaker = (method) => `millrace_proxy_breaker_state{method="${method}"}`;

test('no responders: rpc and connect hear it at once, and SDKs come back', async () => {
  const server = await serve({ connect: { timeout: '10s' }, rpc: { timeout: '10s', retries: 0 } });
  const refused = await RawClient.open(server, { session: false });
  refused.sendText(JSON.stringify({ id: 1, connect: {} }));
  const { ms } = await timed(waitFor(() => refused.close, 'the close frame'));
  assert.equal(refused.close.code, 3004);
  assert.equal(refused.messages[0].error.code, 100);
  assert.ok(ms < 2_000 * slowness, `${ms} ms`);
  const client = sdkClient(server, { minReconnectDelay: 10, maxReconnectDelay: 50 });
  client.on('error', () => {});
  const connected = new Promise((resolve) => client.once('connected', resolve));
  client.connect();
  await waitFor(
    async () => (await server.metric(outcome('connect', 'no_responders'))) >= 3,
    'a few tries',
  );
  const application = await Application.start(nats, { connect: () => allow({ user: 'anna' }) });
  await within(connected, 'the connection once somebody answers');
  const failed = await timed(client.rpc('any', {}).catch((error) => error));
  assert.equal(failed.value.code, 100);
  assert.ok(failed.value.temporary);
  assert.ok(failed.ms < 2_000 * slowness, `${failed.ms} ms`);
  assert.equal(await server.metric(outcome('rpc', 'no_responders')), 1);
  client.disconnect();
  await application.stop();
  await server.stop();
});

test('a timeout is error 100; rpc is not asked twice, subscribe is', async () => {
  const server = await serve(
    { rpc: { timeout: '100ms', retries: 3 }, subscribe: { timeout: '100ms', retries: 2 } },
    'breaker_failures = 0',
    { namespaces: '[namespaces.room]\nproxy_subscribe = true\n' },
  );
  let seats = 0;
  const application = await Application.start(nats, {
    rpc: () => undefined,
    subscribe: () => (++seats < 3 ? undefined : allow()),
  });
  const client = await RawClient.open(server);
  const { error } = await rpc(client, 'silent');
  assert.equal(error.code, 100);
  assert.equal(error.temporary, true);
  assert.deepEqual((await client.call({ subscribe: { channel: 'room:1' } })).subscribe, {});
  assert.equal(application.of('rpc').length, 1);
  assert.equal(application.of('subscribe').length, 3);
  assert.equal(await server.metric(outcome('rpc', 'timeout')), 1);
  assert.equal(await server.metric('millrace_proxy_retries_total{method="subscribe"}'), 2);
  await client.leave();
  await application.stop();
  await server.stop();
});

test('the breaker opens, fails fast and closes again; each method has its own', async () => {
  const server = await serve(
    { rpc: { timeout: '50ms', retries: 0 }, publish: { timeout: '5s' } },
    'breaker_failures = 5\nbreaker_pause = "300ms"',
    { namespaces: '[namespaces.room]\nproxy_publish = true\n' },
  );
  let well = false;
  const application = await Application.start(nats, {
    rpc: () => (well ? allow({ data: 1 }) : undefined),
    publish: () => allow(),
  });
  const client = await RawClient.open(server);
  for (let i = 0; i < 5; ++i) assert.equal((await rpc(client, 'dead')).error.code, 100);
  assert.equal(await server.metric(breaker('rpc')), 2);
  const heard = application.of('rpc').length;
  assert.equal(heard, 5);
  const { value, ms } = await timed(rpc(client, 'dead'));
  assert.equal(value.error.code, 100);
  assert.ok(ms < 45 * slowness, `${ms} ms while it is open`);
  assert.equal(application.of('rpc').length, heard);
  assert.ok((await server.metric(outcome('rpc', 'breaker_open'))) >= 1);
  // Another method is not touched by it.
  const sent = await client.call({ publish: { channel: 'room:1', data: 1 } });
  assert.deepEqual(sent.publish, {});
  assert.equal(await server.metric(breaker('publish')), 0);
  well = true;
  await waitFor(async () => (await rpc(client, 'alive')).rpc?.data === 1, 'the breaker to close');
  assert.equal(await server.metric(breaker('rpc')), 0);
  await client.leave();
  await application.stop();
  await server.stop();
});

// Row 001-2.
test('three responders in a queue group: each of 10,000 requests is handled by one', async () => {
  const server = await serve({ rpc: { timeout: '20s' } }, '', { shards: 2 });
  const total = scaled(10_000);
  const handled = new Map();
  const applications = [];
  for (let i = 0; i < 3; ++i) {
    applications.push(
      await Application.start(nats, {
        rpc: ({ data }) => {
          handled.set(data.n, (handled.get(data.n) ?? 0) + 1);
          return allow({ data: { n: data.n, by: i } });
        },
      }),
    );
  }
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server)));
  let next = 0;
  const by = [0, 0, 0];
  const work = async (client) => {
    while (next < total) {
      const n = next++;
      const { rpc: result, error } = await client.call({ rpc: { method: 'm', data: { n } } });
      assert.equal(error, undefined);
      assert.equal(result.data.n, n);
      ++by[result.data.by];
    }
  };
  // Twenty at once, each one after the other; below commands_per_second.
  await within(Promise.all(clients.map(work)), 'all answers', 120_000);
  assert.equal(handled.size, total);
  assert.ok([...handled.values()].every((times) => times === 1));
  assert.equal(by[0] + by[1] + by[2], total);
  assert.ok(by.every((count) => count > 0), JSON.stringify(by));
  assert.equal(await server.metric(outcome('rpc', 'allowed')), total);
  for (const client of clients) await client.leave();
  for (const application of applications) await application.stop();
  await server.stop();
});

// Row 001-3.
test('a slow application delays its askers alone, and not their other commands', async () => {
  const server = await serve({ rpc: { timeout: '10s' } });
  const waiting = [];
  const application = await Application.start(nats, {
    rpc: () => new Promise((resolve) => waiting.push(() => resolve(allow({ data: 'late' })))),
  });
  const askers = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(server)));
  const other = await RawClient.open(server);
  const late = askers.map((asker) => rpc(asker, 'slow'));
  await waitFor(() => waiting.length === 10, 'all questions to be out');
  assert.equal(await server.metric('millrace_proxy_inflight'), 10);
  await other.subscribe('news');
  for (let i = 0; i < 100; ++i) {
    assert.deepEqual((await other.call({ publish: { channel: 'news', data: i } })).publish, {});
  }
  await other.received('news', 100);
  assert.deepEqual((await askers[0].call({ subscribe: { channel: 'news' } })).subscribe, {});
  assert.equal(waiting.length, 10, 'nobody was answered meanwhile');
  for (const answer of waiting) answer();
  for (const reply of await Promise.all(late)) assert.equal(reply.rpc.data, 'late');
  for (const client of [...askers, other]) await client.leave();
  await application.stop();
  await server.stop();
});

test('an application dies with a question: another is asked, and answers', async () => {
  const server = await serve({ connect: { timeout: '300ms', retries: 5 } }, 'breaker_failures = 0');
  let victim = null;
  victim = await Application.start(nats, {
    connect: () => {
      victim.stop(); // with the question unanswered
      return undefined;
    },
  });
  const client = RawClient.open(server);
  await victim.got('connect');
  const other = await Application.start(nats, { connect: () => allow({ user: 'anna' }) });
  const connected = await within(client, 'the connection', 10_000);
  assert.ok(connected.session.client);
  assert.equal(other.of('connect').length, 1);
  assert.equal(other.of('connect')[0].request.client, victim.of('connect')[0].request.client);
  await connected.leave();
  await other.stop();
  await server.stop();
});

test('replies that are wrong in any way are error 100, counted, and said in the log', async () => {
  const server = await serve({ rpc: {} });
  const replies = [
    '', 'null', '[]', '{}', 'nonsense', '{"result":{}', '{"result":[]}', '{"result":1}',
    '{"result":{},"error":{"code":400}}', '{"error":{"code":100}}', '{"error":{"code":2000}}',
    '{"error":{"code":"400"}}', '{"error":{"code":400,"message":1}}',
    '{"disconnect":{"code":3000,"reason":"x"}}', '{"disconnect":{"code":5000,"reason":"x"}}',
    `{"disconnect":{"code":4000,"reason":"${'x'.repeat(124)}"}}`,
    '{"result":{"b64data":"%%%"}}', '{"result":{"b64data":"e30"}}',
    '{"result":{"data":1},"result":{"data":2}}',
    `{"result":{"data":${'['.repeat(100)}${']'.repeat(100)}}}`,
    `{"result":{"data":"${'x'.repeat(300 * 1024)}"}}`,
  ];
  let next = 0;
  const application = await Application.start(nats, { rpc: () => replies[next] });
  const client = await RawClient.open(server);
  for (next = 0; next < replies.length; ++next) {
    const reply = await rpc(client, 'm');
    assert.equal(reply.error?.code, 100, replies[next].slice(0, 80));
  }
  assert.equal(await server.metric(outcome('rpc', 'bad_reply')), replies.length);
  assert.match(server.run.err + server.run.out, /a reply on millrace\.proxy\.rpc can't be used/);
  await client.leave();
  await application.stop();
  await server.stop();
});

test('SIGHUP turns a method on; NATS that goes away is error 100 and comes back', async () => {
  const path = configFile('');
  const { writeFileSync } = await import('node:fs');
  const open = '[server]\nallow_anonymous = true\n';
  writeFileSync(path, open);
  const args = ['--nats', nats.url, '--config', path];
  const server = await Millrace.start({ insecure: false, args });
  await server.ready();
  const application = await Application.start(nats, { rpc: () => allow({ data: 1 }) });
  const client = await RawClient.open(server);
  assert.equal((await rpc(client, 'm')).error.code, 108);
  writeFileSync(path, open + proxyConfig({ rpc: { timeout: '1s' } }));
  server.signal('SIGHUP');
  await waitFor(async () => (await rpc(client, 'm')).rpc?.data === 1, 'rpc to be served');
  await nats.kill();
  await waitFor(async () => (await rpc(client, 'm')).error?.code === 100, 'error 100');
  await nats.launch();
  await waitFor(async () => (await rpc(client, 'm')).rpc?.data === 1, 'rpc to be served', 15_000);
  await client.leave();
  await application.stop();
  await server.stop();
});
