// docs/examples/nats-cluster, as a person starts it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { connect } from 'nats';

import { binary } from './support/millrace.mjs';
import { freePort } from './support/ports.mjs';
import { atEnd, endAll, start } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { waitFor, within } from './support/wait.mjs';

after(endAll);
const run = fileURLToPath(new URL('../../docs/examples/nats-cluster/run', import.meta.url));

// Each with what it says on stderr: {listen, admin, pids: [3]}.
async function startExample() {
  const example = start(run, [
    '--listen', `127.0.0.1:${await freePort()}`, '--admin', `127.0.0.1:${await freePort()}`,
  ], { env: { ...process.env, MILLRACE_BIN: binary } });
  const line = await waitFor(() => {
    if (example.result) throw new Error(`the example ended: ${example.err}`);
    return /^millrace ready listen=(\S+) admin=(\S+)/m.exec(example.out);
  }, 'the example to be ready', 30_000);
  const pids = [...example.err.matchAll(/^n\d: .* pid (\d+)$/gm)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 3);
  // What a failed test leaves behind: the script ends what it started.
  atEnd(async () => {
    if (!example.result) process.kill(example.pid, 'SIGTERM');
    await example.ended;
  });
  const [, host, admin] = line;
  return { example, pids, admin, node: { host, port: Number(host.split(':').at(-1)) } };
}

const page = async (url) => (await fetch(url)).json();
const isGone = (pid) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

async function connections() {
  const counts = await Promise.all([1, 2, 3].map(async (n) => {
    const { connections: all } = await page(`http://127.0.0.1:1822${n}/connz`);
    return all.filter(({ name }) => name?.startsWith('millrace')).length;
  }));
  return counts.join(' ');
}

test('it starts, spreads, survives a node, has JetStream, and ends cleanly', async () => {
  const { example, pids, admin, node } = await startExample();
  await waitFor(async () => (await fetch(`http://${admin}/readyz`)).status === 200, '/readyz');
  assert.equal(await connections(), '1 1 1');
  for (const n of [1, 2, 3]) {
    const { routes } = await page(`http://127.0.0.1:1822${n}/routez`);
    assert.equal(new Set(routes.map(({ remote_id: id }) => id)).size, 2);
    const { config } = await page(`http://127.0.0.1:1822${n}/jsz`);
    assert.equal(config.max_storage, 1024 ** 3);
  }

  const clients = [];
  for (let i = 0; i < 12; ++i) {
    const client = await RawClient.open(node);
    await client.subscribe('news');
    clients.push(client);
  }
  const application = await connect({
    servers: [2, 3].map((n) => `127.0.0.1:1422${n}`), user: 'app', pass: 'change-me-too',
  });
  atEnd(() => application.close());
  application.publish('live.news', '"hey"');
  for (const client of clients) await client.received('news', 1);

  process.kill(pids[0], 'SIGKILL');
  const outages = async () => {
    const text = await (await fetch(`http://${admin}/metrics`)).text();
    return Number(/^millrace_broker_outages_total (\d+)$/m.exec(text)[1]);
  };
  await waitFor(async () => (await outages()) === 1, 'the outage');
  await waitFor(async () => (await fetch(`http://${admin}/readyz`)).status === 200, '/readyz');
  application.publish('live.news', '"on"');
  for (const client of clients) await client.received('news', 2);
  const accepted = await clients[0].call({ publish: { channel: 'news', data: 1 } });
  assert.ok(accepted.publish, JSON.stringify(accepted));
  for (const client of clients) await client.received('news', 3);

  // JetStream has a leader among the two that are left.
  const manager = await application.jetstreamManager({ checkAPI: false });
  await waitFor(() => manager.streams.add({
    name: 'TRIAL', subjects: ['trial'], storage: 'file', num_replicas: 2,
  }).catch(() => null), 'a stream on the two that are left', 30_000);

  for (const client of clients) await client.leave();
  await application.close();
  process.kill(example.pid, 'SIGTERM');
  const ended = await within(example.ended, 'the end of the example', 20_000);
  assert.deepEqual(ended, { code: 0, signal: null }, example.err);
  for (const pid of pids) assert.ok(isGone(pid));
  assert.doesNotMatch(example.err + example.out, /change-me|Permissions Violation/);
});

test('it says what is missing', async () => {
  const without = start(run, [], { env: { ...process.env, MILLRACE_BIN: '/nowhere/millrace' } });
  const { code } = await within(without.ended, 'the end of the example');
  assert.equal(code, 69);
  assert.match(without.err, /there is no server \/nowhere\/millrace; \.\/dev build makes it/);
});
