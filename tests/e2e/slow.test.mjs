// Clients that stop reading: closed in time, for a bounded price, and nobody else waits for them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);
const rssLimit = 64 * 1024 * 1024;
// Channels that keep nothing.
const plain = ['--config', configFile('[namespaces.default]\n')];

// Reads nothing more, and takes little into the socket's own buffers.
async function stalled(server, channel) {
  const client = await RawClient.open(server);
  await client.subscribe(channel);
  client.socket.pause();
  return client;
}

const slowDisconnects = (server) => server.metric('millrace_slow_disconnects_total');

function text(bytes) {
  return `"${'x'.repeat(bytes - 2)}"`;
}

// Publishes until the kernel's buffers on both sides are full and bytes wait in the server.
async function fill(server, channel, bytes) {
  const waiting = async () => (await server.metric('millrace_queued_bytes')) > bytes;
  for (let i = 1; i <= 200; ++i) {
    await server.publish(channel, text(bytes));
    if (!(await waiting())) continue;
    await sleep(50); // those who read have caught up by then
    if (await waiting()) return i;
  }
  throw new Error('nothing ever waited');
}

test('who takes nothing for write_timeout is closed', async () => {
  const limits = { write_timeout: '2s', queue_size: '16MiB', kernel_send_buffer: '16KiB' };
  const server = await Millrace.start({ limits, args: plain });
  const neighbour = await RawClient.open(server);
  await neighbour.subscribe('wide');
  const slow = await stalled(server, 'wide');
  const sent = await fill(server, 'wide', 200_000);
  const start = performance.now();
  assert.equal(await slowDisconnects(server), 0);
  await waitFor(async () => (await slowDisconnects(server)) === 1, 'the slow one to be closed');
  const ms = performance.now() - start;
  assert.ok(ms < 2500 * slowness, `took ${ms} ms`);
  assert.equal((await neighbour.received('wide', sent)).length, sent);
  await waitFor(async () => (await server.metric('millrace_queued_bytes')) === 0, 'empty queues');
  assert.equal(await server.metric('millrace_clients'), 1);
  slow.socket.resume();
  await slow.ended;
  await neighbour.leave();
  await server.stop();
});

test('who lets more than queue_size wait is closed at once, and told 3008', async () => {
  const limits = { write_timeout: '60s', queue_size: '1MiB', kernel_send_buffer: '16KiB' };
  const server = await Millrace.start({ limits, args: plain });
  const neighbour = await RawClient.open(server);
  await neighbour.subscribe('flood');
  const slow = await stalled(server, 'flood');
  let most = 0;
  let sent = 0;
  while ((await slowDisconnects(server)) === 0) {
    await server.publish('flood', text(100_000));
    most = Math.max(most, await server.metric('millrace_queued_bytes'));
    assert.ok(++sent < 500, 'the queue has no end');
  }
  // Two connections may have up to a queue each.
  assert.ok(most <= 2 * 1024 * 1024, `${most} bytes waited`);
  assert.equal((await neighbour.received('flood', sent)).length, sent);
  slow.socket.resume();
  const { code, reason } = await slow.closed();
  assert.equal(code, 3008);
  assert.notEqual(reason, '');
  const got = slow.publications('flood').length;
  assert.ok(got < sent, 'it can not have got everything');
  await slow.leave();
  await neighbour.leave();
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  assert.equal(await server.metric('millrace_queued_bytes'), 0);
  await server.stop();
});

test('20 stalled clients cost bounded memory, and delay nobody else', async () => {
  const limits = { write_timeout: '2s', queue_size: '1MiB' };
  const server = await Millrace.start({ limits, args: plain });
  const readers = [];
  for (let i = 0; i < 20; ++i) {
    const client = await RawClient.open(server);
    await client.subscribe('shared');
    readers.push(client);
  }
  const slow = [];
  for (let i = 0; i < 20; ++i) slow.push(await stalled(server, 'shared'));
  const rss = server.rss();
  let grown = 0;
  let latest = 0;
  let sent = 0;
  // 60 MB in all, to a server that holds 1 MiB for each.
  while (sent < 300 || ((await slowDisconnects(server)) < 20 && sent < 600)) {
    const start = performance.now();
    const { body } = await server.publish('shared', text(100_000));
    assert.deepEqual(body, { result: {} });
    ++sent;
    for (const reader of readers) await reader.received('shared', sent);
    latest = Math.max(latest, performance.now() - start);
    grown = Math.max(grown, server.rss() - rss);
    for (const reader of readers) reader.texts.length = 0;
  }
  assert.equal(await slowDisconnects(server), 20);
  assert.ok(grown < rssLimit, `grew by ${grown} bytes`);
  assert.ok(latest < 1000 * slowness, `the latest took ${latest} ms`);
  for (const reader of readers) {
    assert.equal(reader.close, null);
    assert.equal(reader.publications('shared').length, sent);
  }
  slow.forEach((client) => client.destroy());
  await Promise.all(readers.map((reader) => reader.leave()));
  await server.stop();
});

test('a client that reads slowly but steadily stays', async () => {
  const limits = { write_timeout: '1s', queue_size: '16MiB', kernel_send_buffer: '16KiB' };
  const server = await Millrace.start({ limits, args: plain });
  const reader = await stalled(server, 'steady');
  const sent = await fill(server, 'steady', 50_000);
  // A little every 100 ms, for three times write_timeout.
  for (let i = 0; i < 30; ++i) {
    reader.socket.resume();
    await sleep(1);
    reader.socket.pause();
    await sleep(100);
    assert.equal(reader.gone, false);
  }
  reader.socket.resume();
  assert.equal((await reader.received('steady', sent)).length, sent);
  assert.equal(await slowDisconnects(server), 0);
  await reader.leave();
  await server.stop();
});
