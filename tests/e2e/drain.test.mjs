// How the server ends: the drain, its haste, and the one that takes its place.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Crowd } from './support/crowd.mjs';
import { handOver } from './support/hand_over.mjs';
import { build, Millrace, runMillrace } from './support/millrace.mjs';
import { endAll, start } from './support/processes.mjs';
import { closePayload, opcodes, RawClient } from './support/raw_client.mjs';
import { scaled, sleep, slowness, waitFor, within } from './support/wait.mjs';

after(endAll);

// Sends the signal, and resolves to how long the end took: {ms, code, signal}.
async function endBy(server, signal, timeoutMs = 20_000) {
  const began = performance.now();
  server.signal(signal);
  const { code, signal: by } = await within(server.run.ended, 'the end of millrace', timeoutMs);
  return { ms: performance.now() - began, code, by };
}

// "ended: 3 connections were told to go, 1 were cut off in the end, 0 bytes were not sent"
function lastLine(server) {
  const found = /ended: (\d+) connections were told to go, (\d+) were cut off .* (\d+) bytes/.exec(
    server.run.err,
  );
  assert.ok(found, server.run.err);
  return { told: Number(found[1]), cutOff: Number(found[2]), unsent: Number(found[3]) };
}

// A machine that is busy with other things makes us see late what came in time: then once more.
async function attempts(body) {
  for (let attempt = 1; ; ++attempt) {
    try {
      return await body();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

test('closes are spread over drain_timeout, code 3001, and /readyz fails at once', async () => {
  const count = scaled(2000);
  await attempts(async () => {
    const server = await Millrace.start({ shards: 2, limits: { drain_timeout: '4s' } });
    const crowd = await Crowd.open(server, count);
    const began = performance.now();
    const end = endBy(server, 'SIGTERM');
    await waitFor(async () => (await server.get('/readyz')).status === 503, 'not ready', 1000);
    assert.ok(crowd.count(2) > 0.6 * count, `${crowd.count(2)} of ${count} when it was told`);
    assert.match((await server.get('/readyz')).text, /draining/);
    const { ms, code } = await end;
    assert.equal(code, 0, server.run.err);
    // Everyone had left by then, the last ones just before the end.
    assert.ok(ms > 3500 && ms < 4400 * slowness, `ended after ${ms} ms`);
    await waitFor(() => crowd.count(4) === count, 'the last to go');
    assert.deepEqual(crowd.codes(), [3001]);
    const counts = crowd.toldBySecond(began);
    const mean = count / 4;
    assert.ok(Math.max(...counts) <= 1.3 * mean, `${counts} a second, on average ${mean}`);
    assert.deepEqual(lastLine(server), { told: count, cutOff: 0, unsent: 0 });
    assert.match(server.run.err, new RegExp(`draining ${count} connections over 4000 ms`));
    assert.match(server.run.err, /draining for 2 s: \d+ connections left/);
  });
});

test('who does not leave is cut off after drain_timeout', async () => {
  const server = await Millrace.start({ shards: 2, limits: { drain_timeout: '2s' } });
  const crowd = await Crowd.open(server, 20, { answers: false });
  const { ms, code } = await endBy(server, 'SIGINT');
  assert.equal(code, 0, server.run.err);
  assert.ok(ms > 1800 && ms < 2200 * slowness + 500, `ended after ${ms} ms`);
  assert.deepEqual(crowd.codes(), [3001]);
  assert.deepEqual(lastLine(server), { told: 20, cutOff: 20, unsent: 0 });
});

// A client that reads nothing while `bytes` wait for it.
async function slowReader(server, bytes) {
  const client = await RawClient.open(server);
  await client.subscribe('news');
  client.socket.pause();
  const { body } = await server.publish('news', JSON.stringify('x'.repeat(bytes)));
  assert.equal(body.result?.offset, 1, JSON.stringify(body));
  return client;
}

const smallBuffers = { kernel_send_buffer: '4KiB', drain_timeout: '4s' };

test('what is queued for a client goes before its close frame', async () => {
  const bytes = 900_000;
  const server = await Millrace.start({ limits: smallBuffers });
  const client = await slowReader(server, bytes);
  const end = endBy(server, 'SIGTERM');
  await sleep(1000);
  client.socket.resume();
  const { code: closed } = await client.closed();
  client.send({ opcode: opcodes.close, payload: closePayload(3001) });
  assert.equal(closed, 3001);
  assert.deepEqual(
    client.publications('news').map((data) => data.length),
    [bytes],
  );
  assert.equal((await end).code, 0);
  assert.equal(lastLine(server).unsent, 0);
});

test('what could not be sent is counted', async () => {
  const server = await Millrace.start({ limits: { ...smallBuffers, drain_timeout: '2s' } });
  const client = await slowReader(server, 900_000);
  const { ms, code } = await endBy(server, 'SIGTERM');
  assert.equal(code, 0);
  assert.ok(ms > 1800, `ended after ${ms} ms`);
  const { cutOff, unsent } = lastLine(server);
  assert.equal(cutOff, 1);
  assert.ok(unsent > 10_000 && unsent < 1_000_000, `${unsent} bytes`);
  client.destroy();
});

test('a second signal hurries, a third one does not wait', async () => {
  const server = await Millrace.start({ shards: 2, limits: { drain_timeout: '5m' } });
  const crowd = await Crowd.open(server, 100, { answers: false });
  server.signal('SIGTERM');
  await waitFor(() => /draining for 1 s: \d+ connections left/.test(server.run.err), 'a second');
  assert.ok(crowd.count(2) > 90);
  const { ms, code } = await endBy(server, 'SIGINT');
  assert.equal(code, 0, server.run.err);
  assert.ok(ms > 900 && ms < 3000 * slowness, `ended after ${ms} ms`);
  assert.deepEqual(crowd.codes(), [3001]);

  const other = await Millrace.start({ limits: { drain_timeout: '5m' } });
  const mute = await Crowd.open(other, 10, { answers: false });
  other.signal('SIGTERM');
  await waitFor(() => /SIGTERM: draining/.test(other.run.err), 'the first');
  other.signal('SIGTERM');
  await waitFor(() => /SIGTERM again/.test(other.run.err), 'the second');
  const third = await endBy(other, 'SIGTERM');
  assert.deepEqual([third.code, third.by], [null, 'SIGTERM']);
  assert.ok(third.ms < 900 * slowness, `ended after ${third.ms} ms`);
  mute.destroy();
});

// --- Another one takes its place ----------------------------------------------------------------

// Nobody was refused, reset or left without an answer, and both servers had their share.
function assertNobodyLost(seen) {
  const { served, told, code, accepted, slowestMs, ...lost } = seen;
  const text = JSON.stringify(seen);
  assert.deepEqual(lost, { refused: 0, reset: 0, ended: 0, answered: 0, other: 0 }, text);
  assert.equal(code, 0, text);
  assert.ok(served > 100 && accepted > 50 && served + told > accepted, text);
  // A SYN that was held back comes again after a second.
  assert.ok(slowestMs < 5000 * slowness, text);
}

test('--join: in the hand-over no newcomer is refused or reset', async () => {
  assertNobodyLost(await handOver(scaled(400)));
});

test('the same where the kernel migrates what is queued', async () => {
  const program = new URL('./support/hand_over.mjs', import.meta.url).pathname;
  const run = start('unshare', ['--net', process.execPath, program, String(scaled(400)), '1']);
  await within(run.ended, 'the end of the hand-over', 60_000);
  assert.notEqual(run.out, '', run.err);
  assertNobodyLost(JSON.parse(run.out));
});

test('--join without a server to join says so and starts', async () => {
  const server = await Millrace.start({ args: ['--join'] });
  await waitFor(() => /nobody else listens on 127/.test(server.run.err), 'the note');
  await (await RawClient.open(server)).leave();
  await server.stop();
});

test('--join needs an admin address of its own', async () => {
  const server = await Millrace.start();
  const args = ['serve', '--join', '--listen', server.host, '--admin', server.admin];
  const { code, err } = await runMillrace(args);
  assert.equal(code, 74, err);
  assert.match(err, /^millrace: [^\n]*--join it needs one of its own[^\n]*\n$/);
  await (await RawClient.open(server)).leave();
  await server.stop();
});

// --- The watchdog -------------------------------------------------------------------------------

// Clients by shard: opens until each shard has one.
async function clientOfEachShard(server) {
  const clients = [];
  const before = async () => (await server.stats()).shards.map(({ clients: count }) => count);
  for (let i = 0; i < 60 && (clients[0] === undefined || clients[1] === undefined); ++i) {
    const counts = await before();
    const client = await RawClient.open(server);
    const shard = (await before()).findIndex((count, index) => count > counts[index]);
    clients[shard] ??= client;
  }
  return clients;
}

test('a shard that stalls is named, and the others are not held up', async () => {
  const server = await Millrace.start({ shards: 2 });
  const [watched, frozen] = await clientOfEachShard(server);
  await watched.subscribe('mine');
  await frozen.subscribe('theirs');
  await attempts(async () => {
    const stalls = await server.metric('millrace_shard_stalls_total{shard="1"}');
    const freeze = start(join(build, 'freeze_thread'), [String(server.pid), 'shard-1', '400']);
    let done = false;
    freeze.ended.then(() => (done = true));
    await waitFor(() => freeze.out.includes('frozen'), 'the shard to stand still');
    const asked = server.get('/readyz'); // of the frozen one, too
    let slowest = 0;
    let frozenMs = null;
    const waiting = performance.now();
    frozen.call({ subscribe: { channel: 'theirs' } }).then(() => {
      frozenMs = performance.now() - waiting;
    });
    while (!done) {
      const began = performance.now();
      const reply = await watched.call({ subscribe: { channel: 'mine' } });
      assert.equal(reply.error.code, 105); // already subscribed: it takes this shard alone
      slowest = Math.max(slowest, performance.now() - began);
      await sleep(5);
    }
    assert.deepEqual(freeze.result, { code: 0, signal: null }, freeze.err);
    await waitFor(() => frozenMs !== null, 'the frozen one to go on');
    await asked;
    await waitFor(() => /shard 1 goes on after \d+ ms/.test(server.run.err), 'the end of it');
    assert.match(server.run.err, /shard 1 is (busy|late) for 1\d\d ms: \w+/);
    assert.ok(slowest < 200 * slowness, `a client of the other shard waited ${slowest} ms`);
    assert.ok((await server.metric('millrace_shard_stalls_total{shard="1"}')) > stalls);
  });
  await server.stop();
});
