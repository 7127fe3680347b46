// Newcomers: at the cap, in a storm, slow, resetting, of one address, and without descriptors.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { after, test } from 'node:test';

import { crowd, startCrowd } from './support/storm.mjs';
import { Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { scaled, sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);

// The goal is 50 ms at the 99th percentile, where the machine has a core for it. The tests may
// share two cores with other programs, so they only tell an answer from a wait.
const adminGoalMs = 1000 * slowness;

const rejected = (server, reason) =>
  server.metric(`millrace_connections_rejected_total{reason="${reason}"}`);

const connections = (server) => server.metric('millrace_connections');

// Asks the admin port until `work` is done; the times of the answers in ms, in order.
async function adminTimes(server, work) {
  const times = [];
  let busy = true;
  const done = work.finally(() => (busy = false));
  done.catch(() => {});
  while (busy) {
    const start = performance.now();
    await server.get('/healthz');
    times.push(performance.now() - start);
    await sleep(5);
  }
  times.sort((a, b) => a - b);
  return { value: await done, p99: times[Math.floor(0.99 * (times.length - 1))], times };
}

async function served(client) {
  assert.deepEqual((await client.request({ rpc: { method: 'x' } })).error?.code, 108);
}

async function allGone(server) {
  await waitFor(async () => (await connections(server)) === 0, 'all slots to be free', 20_000);
  assert.equal(await server.metric('millrace_half_open'), 0);
}

// One request by hand: its status and headers.
function ask(server, headers) {
  return new Promise((resolve, reject) => {
    const [host, port] = server.host.split(':');
    const request = http.request({ host, port, path: '/connection/websocket', headers });
    request.on('upgrade', (response, socket) => {
      resolve({ status: 101, headers: response.headers, socket });
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers }));
    });
    request.on('error', reject);
    request.end();
  });
}

const upgrade = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test('at the cap 1,000 more are told 503 and when to come back, and slots come back', async () => {
  const cap = scaled(500);
  const server = await Millrace.start({ args: ['--max-connections', String(cap)] });
  const held = await startCrowd(server, 'hold', cap);
  await held.ready;
  assert.equal(await connections(server), cap);
  for (const act of ['burst', 'silent']) {
    const before = await rejected(server, 'connection_limit');
    const { value: told, p99 } = await adminTimes(server, crowd(server, act, 1000));
    assert.equal(told.status['503'], 1000, JSON.stringify(told));
    assert.deepEqual(Object.keys(told.retry_after).length, 10, JSON.stringify(told.retry_after));
    // The goal is 100 ms (docs/ADMISSION.md has what was measured).
    assert.ok(told.ms_max < 2000 * slowness, JSON.stringify(told));
    assert.equal((await rejected(server, 'connection_limit')) - before, 1000);
    assert.ok(p99 < adminGoalMs, `admin ${p99} ms`);
  }
  await waitFor(async () => (await connections(server)) === cap, 'the slots of the refused');
  assert.equal(await server.metric('millrace_accept_errors_total'), 0);
  const end = await held.result();
  assert.equal(end.status['101'], cap);
  await allGone(server);
  const client = await RawClient.open(server);
  await client.leave();
  await server.stop();
});

test('of a storm of 1.5 times the cap exactly the cap is in, who is in is served', async () => {
  const cap = scaled(2000);
  const server = await Millrace.start({
    shards: 2,
    args: ['--max-connections', String(cap)],
    limits: { accept_rate: '4000', accept_burst: '100' },
  });
  const client = await RawClient.open(server);
  const storm = await startCrowd(server, 'hold', cap * 1.5);
  const { p99 } = await adminTimes(server, storm.ready);
  assert.ok(p99 < adminGoalMs, `admin ${p99} ms`);
  assert.equal(await server.metric('millrace_clients'), cap);
  assert.equal(await connections(server), cap);
  await client.subscribe('a');
  const told = await storm.result();
  assert.equal(told.status['101'], cap - 1);
  assert.equal(told.status['503'], cap / 2 + 1, JSON.stringify(told));
  await client.leave();
  await allGone(server);
  await server.stop();
});

test('accepts are paced: a storm takes its time, and nobody is refused', async () => {
  const server = await Millrace.start({ limits: { accept_rate: '200', accept_burst: '100' } });
  const client = await RawClient.open(server);
  const start = performance.now();
  const told = await crowd(server, 'burst', 500);
  const seconds = (performance.now() - start) / 1000;
  assert.equal(told.status['101'], 500, JSON.stringify(told));
  assert.ok(seconds > 1.9, `${seconds} s for 400 at 200 a second`);
  await client.subscribe('a');
  await client.leave();
  await server.stop();
});

test('slow handshakes are closed at their deadline, others get in meanwhile', async () => {
  const count = scaled(2000);
  const server = await Millrace.start({ limits: { handshake_timeout: '4s' } });
  const before = server.rss();
  const slow = await startCrowd(server, 'slow', count, { seconds: 30 });
  const halfOpen = () => server.metric('millrace_half_open');
  await waitFor(async () => (await halfOpen()) === count, 'all of them to be there', 20_000);
  const each = (server.rss() - before) / count;
  if (slowness === 1) assert.ok(each < 4096, `${each} bytes each`);
  const client = await RawClient.open(server);
  await client.subscribe('a');
  const told = await slow.result();
  assert.equal(told.status['408'], count, JSON.stringify(told));
  assert.equal(await rejected(server, 'timeout'), count);
  await client.leave();
  await allGone(server);
  await server.stop();
});

test('half_open bounds those who say nothing', async () => {
  const server = await Millrace.start({ limits: { half_open: '50', handshake_timeout: '3s' } });
  const client = await RawClient.open(server);
  const slow = await startCrowd(server, 'slow', 80, { seconds: 20 });
  await waitFor(async () => (await rejected(server, 'half_open')) === 30, 'the 51st to be refused');
  assert.equal(await server.metric('millrace_half_open'), 50);
  await client.subscribe('a');
  const told = await slow.result();
  assert.deepEqual(told.status, { 408: 50, 503: 30 });
  const none = async () => (await server.metric('millrace_half_open')) === 0;
  await waitFor(none, 'their slots to be free');
  const next = await RawClient.open(server);
  await next.leave();
  await client.leave();
  await allGone(server);
  await server.stop();
});

test('after thousands of resets, in the handshake and behind it, all slots are free', async () => {
  const server = await Millrace.start({ shards: 2, limits: { accept_rate: '0' } });
  const client = await RawClient.open(server);
  const told = await crowd(server, 'reset', 500, { seconds: 3 });
  assert.ok(told.resets > scaled(2000), JSON.stringify(told));
  await waitFor(async () => (await connections(server)) === 1, 'the slots', 5000);
  await client.subscribe('a');
  await client.leave();
  await allGone(server);
  await server.stop();
});

test('an address has its limit over all shards, and another address has its own', async () => {
  const server = await Millrace.start({ shards: 2, limits: { connections_per_address: '50' } });
  const held = await startCrowd(server, 'hold', 80);
  await held.ready;
  assert.equal(await connections(server), 50);
  assert.equal(await rejected(server, 'address_limit'), 30);
  const told = await held.result();
  assert.deepEqual(told.status, { 101: 50, 429: 30 });
  assert.equal(Object.values(told.retry_after).reduce((sum, count) => sum + count), 30);
  await allGone(server);
  const again = await crowd(server, 'hold', 50);
  assert.deepEqual(again.status, { 101: 50 });
  await server.stop();
});

test('behind a trusted proxy the client that it names is counted', async () => {
  const server = await Millrace.start({
    shards: 2,
    limits: { connections_per_address: '2' },
    env: { MILLRACE_SERVER_TRUSTED_PROXIES: '127.0.0.0/8' },
  });
  const through = (field) => ask(server, { ...upgrade, ...field });
  const open = [];
  const client = { 'X-Forwarded-For': '198.51.100.1, 192.0.2.1, 127.0.0.9' };
  for (const status of [101, 101, 429]) {
    const answer = await through(client);
    assert.equal(answer.status, status);
    if (status === 101) open.push(answer.socket);
    if (status === 429) assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  // What stands left of the client is its own word; so is the other field.
  assert.equal((await through({ 'X-Forwarded-For': '1.1.1.1, 192.0.2.1' })).status, 429);
  const other = await through({ 'X-Forwarded-For': '2001:db8::1', Forwarded: 'for=192.0.2.1' });
  assert.equal(other.status, 101);
  open.push(other.socket);
  assert.equal((await through({ 'X-Forwarded-For': 'not an address' })).status, 400);
  open[0].destroy();
  await waitFor(async () => (await connections(server)) === 2, 'the close to be seen');
  const next = await through(client);
  assert.equal(next.status, 101);
  open.push(next.socket);
  for (const socket of open) socket.destroy();
  await allGone(server);
  await server.stop();
});

// CPU time of the process in seconds.
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('accepts that find no descriptor cost no CPU, and come back', async () => {
  const server = await Millrace.start({ args: ['--max-connections', '400'] });
  const client = await RawClient.open(server);
  const limit = (soft) => {
    execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${soft}:`]);
  };
  const limits = readFileSync(`/proc/${server.pid}/limits`, 'utf8');
  const before = /Max open files\s+(\d+)/.exec(limits)[1];
  const open = readdirSync(`/proc/${server.pid}/fd`).length;
  limit(open);
  const cpu = cpuSeconds(server.pid);
  const storm = await startCrowd(server, 'hold', 100, { seconds: 20 });
  await sleep(3000);
  const share = (cpuSeconds(server.pid) - cpu) / 3;
  assert.ok(share < 0.25 * slowness, `${share} of a core`);
  await client.subscribe('a'); // who is connected is served
  limit(before);
  const start = performance.now();
  await storm.ready;
  const ms = performance.now() - start;
  assert.ok(ms < 3000 * slowness, `${ms} ms until all were in`);
  assert.equal((await storm.result()).status['101'], 100);
  // Direct descriptors (Linux 6.13) are not the process's own: nothing fails. kernel61/admission
  // runs this without them.
  const plain = server.run.err.includes('client sockets are descriptors of the process');
  const errors = await server.metric('millrace_accept_errors_total');
  assert.equal(errors > 0, plain, `${errors} errors`);
  assert.ok(errors < 3000, `${errors} errors in 3 s`);
  await client.leave();
  await allGone(server);
  await server.stop();
});
