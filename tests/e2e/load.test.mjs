// millrace-load: every workload against a real server, and whether it notices what goes wrong.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { recoverable } from './support/configs.mjs';
import { fakeServer } from './support/fake_server.mjs';
import { Load, runLoad } from './support/load.mjs';
import { apiKey, configFile, Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { secret } from './support/tokens.mjs';
import { scaled, waitFor } from './support/wait.mjs';

after(endAll);
// Channels that keep nothing, and publishers that are held back by nothing else.
const server = await Millrace.start({
  shards: 2,
  args: ['--config', configFile('[namespaces.default]\n')],
  limits: { commands_per_second: '0' },
});
await server.ready();
const target = server.host;
const connections = scaled(500);

function assertOk({ code, text }) {
  assert.equal(code, 0, text);
  assert.match(text, /\nok\n/);
}

function assertTimes(times, count) {
  assert.equal(times.count, count);
  const ladder = ['min', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max'].map((name) => times[name]);
  for (let i = 1; i < ladder.length; ++i) assert.ok(ladder[i - 1] <= ladder[i], `${ladder}`);
  assert.ok(times.max > 0);
}

test('idle: all come up, stay, get a broadcast and leave', async () => {
  const file = join(tmpdir(), `millrace-load-${process.pid}.json`);
  const words = `idle --connections ${connections} --hold 1s --broadcast 2 --json ${file}`;
  const two = '--subscribe news --subscribe room:{i/10} --admin';
  const run = await runLoad(`${words} ${two} ${server.admin}`, { target, key: apiKey });
  assertOk(run);
  const phases = run.events().map(({ event, name }) => `${event} ${name}`);
  const names = ['open', 'hold', 'broadcast', 'close'];
  assert.deepEqual(phases, names.flatMap((name) => [`begin ${name}`, `end ${name}`]));
  assert.equal(run.phase('open').up, connections);
  assertTimes(run.phase('open').connect_ms, connections);
  assert.equal(run.phase('broadcast').broadcast_ms.length, 2);
  assertTimes(run.phase('broadcast').delivery_ms, 2 * connections);
  assert.equal(run.phase('close').own_closes, connections);
  const report = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(file);
  assert.equal(report.ok, true);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(report.subscriptions, ['news', 'room:{i/10}']);
  assert.equal(report.before.server.pid, server.pid);
  assert.ok(report.before.server.resident_bytes > 1_000_000);
  assert.equal(report.phases[0].after.stats.total.clients, connections);
  assert.ok(report.before.kernel.slab_bytes > 0);
  assert.equal(report.total.deliveries, 2 * connections);
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'all to be gone');
});

for (const by of ['api', 'client']) {
  test(`fanout: published by ${by} on a schedule, each has all in order`, async () => {
    const words = `fanout --connections ${connections} --rate 50 --duration 2s --publish-by ${by}`;
    const run = await runLoad(words, { target, key: apiKey });
    assertOk(run);
    const load = run.phase('load');
    assert.equal(load.published, 100);
    assert.equal(load.deliveries, 100 * connections);
    assertTimes(load.delivery_ms, 100 * connections);
    assertTimes(load.publish_ms, 100);
    assert.deepEqual([load.holes, load.duplicates, load.out_of_order], [0, 0, 0]);
    assert.ok(load.load_seconds >= 2);
  });
}

test('fanout: a closed loop', async () => {
  const words = `fanout --connections ${connections} --in-flight 4 --duration 1s --size 200`;
  const run = await runLoad(words, { target });
  assertOk(run);
  const load = run.phase('load');
  assert.ok(load.published > 4);
  assert.equal(load.deliveries, load.published * connections);
  assert.ok(load.deliveries_per_second > 0);
});

test('rooms: each room has its own', async () => {
  const words = 'rooms --rooms 20 --room-size 5 --rate 200 --duration 1s --threads 2';
  const run = await runLoad(words, { target });
  assertOk(run);
  assert.equal(run.phase('load').published, 200);
  assert.equal(run.phase('load').deliveries, 200 * 5);
  assert.equal(run.phase('load').misdelivered, 0);
});

test('publish: clients publish to rooms they share, each in its own order', async () => {
  const words = 'publish --connections 60 --subscribe pub:{i/6} --rate 300 --duration 1s';
  const run = await runLoad(`${words} --threads 2 --publishers 30`, { target });
  assertOk(run);
  assert.equal(run.phase('load').published, 300);
  assert.equal(run.phase('load').deliveries, 300 * 6);
  const closed = await runLoad('publish --connections 20 --in-flight 2 --duration 1s', { target });
  assertOk(closed);
  assert.equal(closed.phase('load').deliveries, closed.phase('load').published);
});

test('storm: as fast as allowed, and at a rate', async () => {
  assertOk(await runLoad(`storm --connections ${connections}`, { target }));
  const paced = await runLoad('storm --connections 100 --connect-rate 100', { target });
  assertOk(paced);
  assert.ok(paced.phase('open').seconds >= 0.98, `${paced.phase('open').seconds}`);
});

test('reconnect: the half that is cut comes back', async () => {
  const words = `reconnect --connections ${connections} --cut 0.5 --backoff 200ms`;
  const run = await runLoad(words, { target });
  assertOk(run);
  const cut = run.phase('cut');
  const half = Math.floor(connections / 2);
  assert.deepEqual([cut.own_closes, cut.came_up, cut.up], [half, half, connections]);
});

for (const protocol of ['json', 'flatbuffers']) {
  test(`reconnect: ${protocol} clients with tokens get what was published meanwhile`, async () => {
    const args = ['--config', configFile(recoverable)];
    const secured = await Millrace.start({ insecure: false, shards: 2, args });
    const words = `reconnect --connections ${connections} --protocol ${protocol} --backoff 2s`;
    const away = `--token-secret ${secret} --recover --cut-publish 20 --rate 20 --broadcast 1`;
    const phases = '--phases open,broadcast=1,cut,broadcast=1,close';
    const run = await runLoad(`${words} ${away} ${phases}`, { target: secured.host, key: apiKey });
    assertOk(run);
    const cut = run.phase('cut');
    assert.deepEqual([cut.recovered, cut.unrecovered, cut.up], [connections, 0, connections]);
    assert.equal(cut.deliveries, 20 * connections);
    assert.deepEqual([cut.holes, cut.duplicates, cut.out_of_order], [0, 0, 0]);
    assert.equal(secured.run.err.includes(secret), false);
    // A window that is too small is told, and is a failure.
    const few = `--token-secret ${secret} --recover --cut-publish 300 --rate 1000 --backoff 3s`;
    const lost = await runLoad(`reconnect --connections 20 --protocol ${protocol} ${few}`, {
      target: secured.host,
      key: apiKey,
    });
    assert.equal(lost.code, 1);
    assert.ok(lost.phase('cut').unrecovered > 0);
    assert.match(lost.text, /were not recovered/);
    await secured.stop();
  });
}

test('storm: a wrong secret lets nobody in', async () => {
  const config = configFile(`[token]\nhmac_secret = "${secret}"\n[namespaces.default]\n`);
  const secured = await Millrace.start({ insecure: false, args: ['--config', config] });
  const run = await runLoad(`storm --connections 10 --token-secret ${secret}x`, {
    target: secured.host,
  });
  assert.equal(run.code, 1);
  assert.equal(run.phase('open').up, 0);
  await secured.stop();
});

test('reconnect: a server that dies and comes back gets all of them again', async () => {
  const first = await Millrace.start();
  const words = 'reconnect --connections 100 --backoff 100ms --backoff-max 500ms --phases';
  const load = Load.start(`${words} open,hold=10m`, { target: first.host });
  await load.begun('hold');
  await first.stop({ signal: 'SIGKILL', code: null });
  const second = await Millrace.start({ listen: first.host });
  const all = async () => (await second.metric('millrace_clients')) === 100;
  await waitFor(all, 'all to be back', 30_000);
  load.run.child.kill('SIGINT');
  const { code, text } = await load.end();
  assert.equal(code, 1);
  assert.match(text, /hold=10m: was interrupted/);
  assert.deepEqual(load.phase('hold').closes, { 1006: 100 });
  await second.stop();
});

test('slow: those who stop do not disturb the others', async () => {
  // Who makes no progress for so long is closed; a machine that is busy elsewhere is not that slow.
  const limits = { write_timeout: '3s', queue_size: '16MiB' };
  const strict = await Millrace.start({ limits });
  const words = 'slow --connections 50 --slow 0.2 --size 60000 --rate 20 --duration 8s';
  const run = await runLoad(words, { target: strict.host });
  assertOk(run);
  const load = run.phase('load');
  assert.equal(load.deliveries, load.published * 40);
  assert.deepEqual(load.closes, {});
  const slow = Object.values(load.slow_closes).reduce((sum, count) => sum + count, 0);
  assert.equal(slow, 10, JSON.stringify(load.slow_closes));
  await strict.stop();
});

test('a drain: who is closed with what, and how far apart', async () => {
  const drained = await Millrace.start();
  const words = 'idle --connections 100 --subscribe news --phases open,hold=500ms,broadcast,drain';
  const load = Load.start(words, { target: drained.host });
  await load.begun('drain');
  await drained.stop();
  assertOk(await load.end());
  assert.deepEqual(load.phase('drain').drain_closes, { 3001: 100 });
  assert.equal(load.phase('drain').close_ms.count, 100);
  assert.equal(load.phase('drain').up, 0);
});

test('a drain that does not come is a failure', async () => {
  const words = 'idle --connections 10 --phases open,drain=500ms';
  const { code, text } = await runLoad(words, { target });
  assert.equal(code, 1);
  assert.match(text, /drain=500ms: 10 connections were not closed/);
});

test('a pause ends with a line on the standard input', async () => {
  const words = 'idle --connections 10 --phases open,pause,close';
  const load = Load.start(words, { target, input: 'pipe' });
  await load.begun('pause');
  assert.equal(load.phase('pause'), undefined);
  load.run.child.stdin.write('go\n');
  assertOk(await load.end());
});

test('nobody listens', async () => {
  const gone = await Millrace.start();
  await gone.stop();
  const run = await runLoad('idle --connections 20 --hold 200ms', { target: gone.host });
  assert.equal(run.code, 1);
  assert.deepEqual(run.phase('open').connect_errors, { 'connect: Connection refused': 20 });
  assert.match(run.text, /0 of 20 connections are up/);
});

test('a full server: who is refused is counted, and may be allowed', async () => {
  const small = await Millrace.start({ args: ['--max-connections', '50'] });
  const words = 'storm --connections 75';
  const run = await runLoad(words, { target: small.host });
  assert.equal(run.code, 1);
  assert.deepEqual([run.phase('open').up, run.phase('open').refused], [50, 25]);
  const told = Object.values(run.phase('open').retry_after).reduce((sum, count) => sum + count, 0);
  assert.equal(told, 25);
  assert.match(run.text, /25 refused with 503/);
  await waitFor(async () => (await small.metric('millrace_connections')) === 0, 'all to be gone');
  assertOk(await runLoad(`${words} --allow refused`, { target: small.host }));
  await small.stop();
});

test('a wrong key, a wrong path, a channel that is not there', async () => {
  const key = await runLoad('fanout --connections 5 --duration 500ms', { target, key: 'wrong' });
  assert.equal(key.code, 1);
  assert.match(Object.keys(key.phase('load').publish_errors).join(), /HTTP status 401/);
  const path = await runLoad('idle --connections 5 --path /nowhere --hold 200ms', { target });
  assert.deepEqual(path.phase('open').connect_errors, { 'HTTP status 404': 5 });
  const channel = await runLoad('idle --connections 5 --subscribe a.b --hold 200ms', { target });
  assert.deepEqual(channel.phase('open').command_errors, { 107: 5 });
  assert.equal(channel.code, 1);
});

test('what a server loses, repeats and turns around is noticed', async () => {
  const cases = [
    { sequence: [1, 2, 3, 4], code: 0, counts: [0, 0, 0] },
    { sequence: [1, 3, 4], code: 1, counts: [1, 0, 0] },
    { sequence: [1, 2, 3], code: 1, counts: [1, 0, 0] },
    { sequence: [1, 2, 2, 3, 4], code: 1, counts: [0, 1, 0] },
    { sequence: [1, 3, 2, 4], code: 1, counts: [1, 0, 1] },
  ];
  for (const { sequence, code, counts } of cases) {
    const fake = await fakeServer({ sequence, clients: 3 });
    const words = 'listen --connections 3 --expect 4 --patience 1s';
    const run = await runLoad(words, { target: fake.host });
    await fake.close();
    const { holes, duplicates, out_of_order: late } = run.phase('expect');
    const all = counts.map((count) => 3 * count);
    assert.deepEqual([holes, duplicates, late], all, `${sequence}: ${run.text}`);
    assert.equal(run.code, code, `${sequence}: ${run.text}`);
  }
});

test('a channel that the client has not, a close that nobody asked for', async () => {
  const wrong = await fakeServer({ sequence: [1], clients: 2, channel: 'others' });
  const words = 'listen --connections 2 --expect 1 --patience 1s';
  const run = await runLoad(words, { target: wrong.host });
  await wrong.close();
  assert.equal(run.phase('expect').misdelivered, 2);
  assert.equal(run.code, 1);
  const closing = await fakeServer({ sequence: [1], clients: 2, closeWith: 3503 });
  const closed = await runLoad(words, { target: closing.host });
  await closing.close();
  assert.deepEqual(closed.phase('expect').closes, { 3503: 2 });
  assert.equal(closed.code, 1);
});

test('raw: any server that sends what it gets to all', async () => {
  const echo = await fakeServer({ raw: true });
  const words = 'fanout --protocol raw --connections 30 --rate 50 --duration 1s';
  const run = await runLoad(words, { target: echo.host });
  await echo.close();
  assertOk(run);
  assert.equal(run.phase('load').deliveries, 50 * 30);
  assertTimes(run.phase('load').delivery_ms, 50 * 30);
});

test('a signal ends it, and it tells what it saw', async () => {
  const load = Load.start('idle --connections 20 --hold 10m', { target });
  await load.begun('hold');
  load.run.child.kill('SIGTERM');
  const { code, text } = await load.end();
  assert.equal(code, 1);
  assert.match(text, /20 of 20 up/);
  assert.match(text, /hold=10m: was interrupted/);
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'all to be gone');
});

test('wrong usage is 64, too few addresses are told with how many are needed', async () => {
  for (const words of ['idle --conections 5', 'idle --rate x', 'nothing']) {
    assert.equal((await runLoad(words, { target })).code, 64, words);
  }
  const far = await runLoad('idle --connections 60k', { target: '192.0.2.1:8000' });
  assert.equal(far.code, 71);
  assert.match(far.text, /--sources with \d+ addresses/);
});

test('the server ends cleanly', async () => {
  await server.stop();
});
