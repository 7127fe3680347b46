// Eight published WebSocket clients against the same net code: each does what its own API does.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { FayeClient, UndiciClient, WebsocketClient, WsClient } from './interop/node_clients.mjs';
import { ChromiumRemote, PythonRemote } from './interop/remote_clients.mjs';
import { scenarios } from './interop/scenarios.mjs';
import { build, configFile, Millrace } from './support/millrace.mjs';
import { endAll, start } from './support/processes.mjs';
import { waitFor, within } from './support/wait.mjs';

after(endAll);

async function startEcho() {
  const run = start(join(build, 'millrace-echo'), ['--listen', '127.0.0.1:0']);
  const host = await waitFor(() => {
    if (run.result) throw new Error(`millrace-echo ended: ${run.err}`);
    return /^millrace-echo ready listen=(\S+)$/m.exec(run.out)?.[1];
  }, 'the line "millrace-echo ready"');
  return { run, url: `ws://${host}/`, port: Number(host.split(':').at(-1)) };
}

const chromium = await ChromiumRemote.launch();
const pythons = ['websockets', 'wsproto', 'autobahn'].map(
  (name) => new PythonRemote(`${name}_client.py`),
);
const echo = await startEcho();
// Channels that keep nothing: pushes have no offsets, replies to subscribe no position.
const plain = configFile('[namespaces.default]\n');
const millrace = await Millrace.start({
  args: ['--config', plain, '--allowed-origin', chromium.origin],
  limits: { ping_interval: '1s', pong_timeout: '800ms' },
});

// `fragmentsFrom`: the size in bytes from which it sends fragments, if it does at all.
const can = { fragmentsFrom: 600, pings: true };
const clients = [
  { name: 'ws', make: () => new WsClient(), can },
  { name: 'websocket', make: () => new WebsocketClient(), can },
  { name: 'faye-websocket', make: () => new FayeClient(), can: { pings: true } },
  { name: 'undici', make: () => new UndiciClient(), can: {} },
  { name: 'Chromium', make: () => chromium.client(), can: { fragmentsFrom: 1024 * 1024 } },
  ...pythons.map((remote) => ({
    name: `python3-${remote.name.replace('_client.py', '')}`,
    make: () => remote.client(),
    can,
  })),
];

function cellsOf(client) {
  return scenarios.map(({ name, needs, run, otherwise }) => {
    const fits = needs === undefined || client.can[needs];
    return { client, ...(fits ? { name, run } : otherwise) };
  });
}

const cells = clients.flatMap(cellsOf);
let passed = 0;

for (const { client: of, name, run } of cells) {
  test(`${of.name}: ${name}`, async () => {
    const client = of.make();
    try {
      await within(run({ client, echo, millrace, can: of.can }), name, 20_000);
    } finally {
      await client.leave();
    }
    ++passed;
  });
}

test('that was 8 clients in 12 scenarios, and the servers end in order', async () => {
  assert.equal(clients.length, 8);
  assert.equal(scenarios.length, 12);
  assert.equal(new Set(cells.map(({ client, name }) => `${client.name}: ${name}`)).size, 96);
  assert.equal(passed, 96);
  await chromium.end();
  for (const remote of pythons) await remote.end();
  await waitFor(async () => (await millrace.metric('millrace_connections')) === 0, 'no connection');
  await millrace.stop();
  process.kill(echo.run.pid, 'SIGTERM');
  const { code } = await within(echo.run.ended, 'the end of millrace-echo');
  assert.equal(code, 0, echo.run.err);
});
