// Behind Debian's nginx and haproxy, which keep connections to the server and reuse them: clients
// work and keep their addresses, and no head of the smuggling table makes the two disagree on where
// a request ends.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import WebSocket from 'ws';

import { Millrace } from './support/millrace.mjs';
import { NaiveBackend } from './support/naive_backend.mjs';
import { endAll } from './support/processes.mjs';
import { proxies, startProxy } from './support/proxies.mjs';
import { rawRequest } from './support/raw_http.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { attackAll, attacksOnEach, smugglingHeads } from './support/smuggling.mjs';
import { waitFor } from './support/wait.mjs';

after(endAll);
const heads = smugglingHeads();
const chunkedHeads = heads.filter((head) => /chunked/i.test(head.toString('latin1')));
const lanes = 16;
const pathOf = (port) => `ws://127.0.0.1:${port}/connection/websocket`;

// Resolves to the status that a handshake gets, and keeps the socket if it is open.
function open(port, options, sockets) {
  const socket = new WebSocket(pathOf(port), options);
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(101)).on('error', reject);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode);
    });
  });
}

// A counter that is not zero: the admin port leaves a shard out that is too busy to answer.
const counted = (server, name) => waitFor(() => server.metric(name), name);

for (const name of proxies) {
  test(`clients work through ${name}`, async () => {
    const server = await Millrace.start();
    const [port] = await startProxy(name, server.port);
    const got = [];
    const clients = ['reader', 'writer'].map(() => sdkClient({ url: pathOf(port) }));
    const [reader, writer] = clients.map((client) => client.newSubscription('news'));
    reader.on('publication', ({ data }) => got.push(data));
    for (const client of clients) client.connect();
    for (const side of [reader, writer]) {
      side.subscribe();
      await side.ready(5_000);
    }
    const long = 'x'.repeat(40_000);
    await writer.publish({ n: 1 });
    await writer.publish({ n: 2, long });
    await waitFor(() => got.length === 2, 'two publications');
    assert.deepEqual(got, [{ n: 1 }, { n: 2, long }]);
    for (const client of clients) client.disconnect();
    await waitFor(async () => (await server.metric('millrace_clients')) === 0, 'the goodbyes');
    await server.stop();
  });

  test(`${name} reuses connections to the server, for handshakes too`, async () => {
    const server = await Millrace.start();
    const [port] = await startProxy(name, server.port);
    for (let i = 0; i < 50; ++i) {
      const { status } = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal(status, 200);
    }
    const accepts = await counted(server, 'millrace_accepts_total');
    assert.ok(accepts < 10, `${accepts} connections for 50 requests`);
    const sockets = [];
    assert.equal(await open(port, {}, sockets), 101);
    const more = (await counted(server, 'millrace_accepts_total')) - accepts;
    assert.equal(more, 0, 'the handshake had a connection of its own');
    for (const socket of sockets) socket.terminate();
    await server.stop();
  });

  test(`behind ${name} clients are told apart by their addresses`, async () => {
    const server = await Millrace.start({
      limits: { connections_per_address: '1' },
      env: { MILLRACE_SERVER_TRUSTED_PROXIES: '127.0.0.1/32' },
    });
    const [port] = await startProxy(name, server.port);
    const sockets = [];
    const from = (localAddress, headers = {}) => open(port, { localAddress, headers }, sockets);
    assert.equal(await from('127.0.0.2'), 101);
    assert.equal(await from('127.0.0.2'), 429);
    assert.equal(await from('127.0.0.2', { 'X-Forwarded-For': '192.0.2.1' }), 429);
    assert.equal(await from('127.0.0.3'), 101);
    assert.equal(await from('127.0.0.3', { 'X-Forwarded-For': '127.0.0.4, 127.0.0.1' }), 429);
    for (const socket of sockets) socket.terminate();
    await server.stop();
  });
}

const fronts = [
  { called: 'without a proxy', start: (port) => Array(lanes).fill(port) },
  ...proxies.flatMap((name) => [
    { called: `through ${name}`, start: (port) => startProxy(name, port, { lanes }) },
    {
      called: `through ${name} that passes on what it can`,
      start: (port) => startProxy(name, port, { lanes, lenient: true }),
    },
  ]),
];

for (const { called, start } of fronts) {
  test(`nothing is smuggled ${called} to millrace`, async (t) => {
    const server = await Millrace.start();
    const { findings, victims, answers } = await attackAll(await start(server.port), heads);
    assert.deepEqual(findings, []);
    assert.equal(victims, heads.length * attacksOnEach);
    // A publication that nobody saw the answer of is counted all the same.
    assert.equal(await counted(server, 'millrace_api_publishes_total'), victims);
    const accepts = await counted(server, 'millrace_accepts_total');
    // Without reuse the proxies' other clients would show nothing.
    if (called !== fronts[0].called) assert.ok(accepts < victims, `${accepts} connections`);
    t.diagnostic(
      `${heads.length} heads, ${victims} attacks and other clients, ${accepts} connections to ` +
        `millrace; answers to the heads: ${JSON.stringify(answers)}`,
    );
    await server.stop();
  });

  test(`what is smuggled ${called} to a server that reads badly is found`, async (t) => {
    const naive = await NaiveBackend.start();
    const { findings } = await attackAll(await start(naive.port), chunkedHeads);
    const hit = findings.filter((one) => one.victim).length;
    const answered = findings.length - hit;
    t.diagnostic(
      `${chunkedHeads.length} heads: ${naive.inner} inner requests were answered, ${answered} of ` +
        `them to who sent them; ${hit} other clients got what was not theirs`,
    );
    // A proxy keeps the answer to itself, but not the connection.
    if (called === fronts[0].called) assert.ok(answered > 0);
    else assert.ok(hit > 0);
    assert.ok(naive.inner > 0);
    await naive.stop();
  });
}
