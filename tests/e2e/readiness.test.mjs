// Row 003-7: each cause of not being ready is told apart, with what to do about it; /healthz only
// says whether a new start is the cure. (Memory that is out: tests/unit/net/server/readiness_test.)
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Millrace, build } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { freePort } from './support/ports.mjs';
import { endAll, start } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { slowness, waitFor } from './support/wait.mjs';

after(endAll);

async function causes(server) {
  const { status, text, headers } = await server.get('/readyz?format=json');
  assert.match(headers.get('content-type'), /application\/json/);
  const answer = JSON.parse(text);
  assert.equal(status, answer.ready ? 200 : 503);
  assert.equal(answer.ready, answer.causes.length === 0);
  for (const { what, fix } of answer.causes) assert.ok(what && fix, text);
  return answer.causes.map(({ cause }) => cause);
}
const healthy = async (server) => (await server.get('/healthz')).status === 200;
const only = (word) => (words) => words.length > 0 && words.every((each) => each === word);

async function becomes(server, right, what, timeoutMs = 5000) {
  let last;
  const holds = async () => right((last = await causes(server)));
  await waitFor(holds, what, timeoutMs).catch((error) => {
    throw new Error(`${error.message}; it says ${JSON.stringify(last)}`);
  });
}
const ready = (server, timeoutMs) =>
  becomes(server, (words) => words.length === 0, 'ready', timeoutMs);

test('ready is ready, in both forms', async () => {
  const server = await Millrace.start();
  await ready(server);
  assert.equal((await server.get('/readyz')).text, 'ready\n');
  await server.stop();
});

test('cap: at max_connections, unless the configuration says otherwise', async () => {
  const args = ['--max-connections', '2'];
  const server = await Millrace.start({ args });
  const other = await Millrace.start({ args, env: { MILLRACE_SERVER_READY_AT_CAP: 'true' } });
  await ready(server);
  const open = (node) => Promise.all([RawClient.open(node), RawClient.open(node)]);
  const [clients] = await Promise.all([open(server), open(other)]);
  assert.deepEqual(await causes(server), ['cap']);
  assert.match((await server.get('/readyz')).text, /^not ready\ncap: 2 of 2 .*\n {2}fix: /);
  assert.deepEqual(await causes(other), []);
  assert.ok(await healthy(server));
  await clients.pop().leave();
  await ready(server);
  await server.stop();
  await other.stop();
});

test('draining', async () => {
  const server = await Millrace.start({ limits: { drain_timeout: '5s' } });
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server)));
  server.signal('SIGTERM');
  await becomes(server, only('draining'), 'draining');
  assert.ok(await healthy(server));
  assert.ok(clients.length > 0);
  await server.stop(); // a second signal: it is in a hurry
});

test('starting, then broker: NATS that was never there, and NATS that was lost', async () => {
  const nats = new NatsServer(await freePort(), await freePort());
  const server = await Millrace.start({ shards: 2, args: ['--nats', nats.url] });
  assert.deepEqual(await causes(server), ['starting', 'starting']);
  assert.match((await server.get('/readyz')).text, /starting: shard 0: NATS nats:\/\/127/);
  assert.ok(await healthy(server));
  await nats.launch();
  await ready(server, 10_000);

  await nats.kill();
  const killed = performance.now();
  await waitFor(async () => (await server.metric('millrace_broker_ready')) === 0, 'NATS away');
  // A short outage is no cause.
  if (performance.now() - killed < 3_000) assert.deepEqual(await causes(server), []);
  await becomes(server, only('broker'), 'broker', 10_000);
  assert.ok(performance.now() - killed > 4_000);
  assert.ok(await healthy(server));
  await nats.launch();
  await ready(server, 10_000);
  await server.stop();
  await nats.stop();
});

test('stuck: a shard that stands still, and a server that is not alive any more', async () => {
  const server = await Millrace.start({ shards: 2 });
  await ready(server);
  const args = [String(server.pid), 'shard-1', String(14_000 * slowness)];
  const freeze = start(join(build, 'freeze_thread'), args);
  await waitFor(() => freeze.out.includes('frozen'), 'the shard to stand still');
  await becomes(server, only('stuck'), 'stuck');
  assert.match((await server.get('/readyz')).text, /stuck: shard 1 does not answer: it is /);
  assert.ok(await healthy(server), 'not yet');
  await waitFor(async () => !(await healthy(server)), '/healthz to fail', 14_000);
  assert.match((await server.get('/healthz')).text, /stuck: shard 1 is /);
  await freeze.ended;
  await ready(server);
  assert.ok(await healthy(server));
  await server.stop();
});
