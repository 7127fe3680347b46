// The scaling example as a person sees it, in two tabs of a real Chromium.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Chromium } from './support/chromium.mjs';
import { apiKey, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { freePort } from './support/ports.mjs';
import { endAll, start } from './support/processes.mjs';
import { sleep, waitFor } from './support/wait.mjs';

const browser = await Chromium.launch();
after(async () => {
  await browser.close();
  await endAll();
});

// --- the scaling example -------------------------------------------------------------------------

// The example beside the packages of the tests, so that nothing is installed into its own folder.
function exampleFolder() {
  const here = fileURLToPath(new URL('../../docs/examples/scaling-ws/', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['package.json', 'api-server.mjs', 'page.html']) {
    copyFileSync(join(here, name), join(folder, name));
  }
  const packages = fileURLToPath(new URL('../node_modules', import.meta.url));
  symlinkSync(packages, join(folder, 'node_modules'));
  return folder;
}

const example = exampleFolder();

// Its output is checked for the line that says where it listens.
async function startApiServer(port, args) {
  const all = [join(example, 'api-server.mjs'), '--port', String(port), ...args];
  const run = start(process.execPath, all);
  await waitFor(() => {
    if (run.result) throw new Error(`the API server ended: ${run.err}`);
    return run.out.includes('api-server ready');
  }, 'the API server to be ready', 15_000);
  return { run, origin: `http://127.0.0.1:${port}`, stop: () => process.kill(run.pid, 'SIGTERM') };
}

async function startExample({ nats = null } = {}) {
  const port = await freePort();
  const args = ['--allowed-origin', `http://127.0.0.1:${port}`];
  if (nats) args.push('--nats', nats.url);
  const nodes = [await Millrace.start({ args }), await Millrace.start({ args })];
  for (const node of nodes) await node.ready();
  const direct = ['--http', `http://${nodes[0].host}`, '--key', apiKey];
  const target = nats ? ['--nats', nats.url] : direct;
  const addresses = nodes.map(({ host }) => `ws://${host}`).join(',');
  const api = await startApiServer(port, [...target, '--nodes', addresses]);
  const tabs = [];
  for (const number of [1, 2]) {
    tabs.push(await browser.open(`${api.origin}/?node=${number}`));
    await tabs.at(-1).waitForText('#state', /^connected$/);
  }
  return { api, args, nodes, tabs };
}

async function stopExample({ api, nodes, tabs }) {
  for (const tab of tabs) await tab.close();
  api.stop();
  await api.run.ended;
  for (const node of nodes) await node.stop();
}

// The messages that a tab shows, the newest first.
async function messagesOf(tab) {
  const shown = await tab.evaluate(
    `[...document.querySelectorAll('#messages code')].map((node) => node.textContent)`,
  );
  return shown.map((text) => JSON.parse(text));
}

const ctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d \d{4}$/;

async function ping(api) {
  const response = await fetch(`${api.origin}/ping`, { method: 'POST' });
  return { status: response.status, body: await response.json() };
}

// Rows 000-4, 000-6, 000-8.
test('without NATS only the tab on the node that is published to gets the message', async () => {
  const running = await startExample();
  const { api, nodes, tabs } = running;
  for (const node of nodes) assert.equal((await node.stats()).broker, 'memory');
  assert.deepEqual(await ping(api), { status: 200, body: { message: 'pong' } });
  await tabs[0].waitForText('#count', /^1$/);
  await sleep(2000);
  const [message, ...more] = await messagesOf(tabs[0]);
  assert.deepEqual(more, []);
  assert.deepEqual(Object.keys(message), ['sendTime']);
  assert.match(message.sendTime, ctime);
  assert.deepEqual(await messagesOf(tabs[1]), []);
  assert.match(await tabs[0].text('#messages'), /from node 1/);
  await tabs[0].click('#ping');
  await tabs[0].waitForText('#answer', /^200 \{"message":"pong"\}$/);
  await tabs[0].waitForText('#count', /^2$/);
  for (const tab of tabs) assert.deepEqual(tab.errors, []);
  await stopExample(running);
});

test('a ping that can not be published is answered with 502 and the reason', async () => {
  const node = await Millrace.start();
  const wrong = ['--http', `http://${node.host}`, '--key', 'this-is-not-the-key-of-it'];
  const api = await startApiServer(await freePort(), wrong);
  const refused = await ping(api);
  assert.equal(refused.status, 502);
  assert.match(refused.body.error, /answered 401/);
  await node.stop();
  assert.equal((await ping(api)).status, 502);
  api.stop();
  await api.run.ended;
});

// Rows 000-7, 000-8.
test('over NATS both tabs get each message once, in order, as it was sent', async () => {
  const nats = await NatsServer.start();
  const running = await startExample({ nats });
  const { api, tabs } = running;
  assert.deepEqual(await ping(api), { status: 200, body: { message: 'pong' } });
  for (const tab of tabs) await tab.waitForText('#count', /^1$/);
  const [[first], [second]] = [await messagesOf(tabs[0]), await messagesOf(tabs[1])];
  assert.match(first.sendTime, ctime);
  assert.deepEqual(first, second);
  const application = await nats.client();
  const payloads = Array.from({ length: 50 }, (_, seq) => `{ "seq":${seq}, "big":1e400 }`);
  for (const payload of payloads) application.publish('com.scaling-ws.updates', payload);
  for (const tab of tabs) await tab.waitForText('#count', /^51$/);
  await sleep(300);
  for (const tab of tabs) {
    assert.equal(await tab.text('#count'), '51');
    const seqs = (await messagesOf(tab)).map(({ seq }) => seq).reverse();
    assert.deepEqual(seqs, [undefined, ...payloads.keys()]);
    const frames = tab.frames.filter(({ sent }) => !sent).map(({ text }) => text).join('\n');
    for (const payload of payloads) assert.ok(frames.includes(`"data":${payload}}`), payload);
    assert.deepEqual(tab.errors, []);
  }
  await stopExample(running);
  await nats.stop();
});

// Notes each state that the page shows from now on, since some are short.
function noteStates(tab) {
  return tab.evaluate(`{
    const note = () => seen.push(state.textContent + ': ' + detail.textContent);
    globalThis.seen = [];
    new MutationObserver(note).observe(state, { childList: true });
  }`);
}

async function waitForState(tab, pattern, timeoutMs = 5000) {
  const seen = () => tab.evaluate('seen');
  await waitFor(async () => (await seen()).some((one) => pattern.test(one)), pattern, timeoutMs)
    .catch(async (error) => {
      throw new Error(`${error.message}; seen were ${JSON.stringify(await seen())}`);
    });
}

// Row 000-10.
test('a tab says disconnected when its node dies, and comes back when the node does', async () => {
  const running = await startExample();
  const { api, args, nodes, tabs } = running;
  const [dying, staying] = nodes;
  await noteStates(tabs[0]);
  dying.signal('SIGKILL');
  await waitForState(tabs[0], /^disconnected: .*1006.*next try in \d/);
  await waitForState(tabs[0], /^error: .*node is down.*next try in \d/);
  assert.equal(await tabs[1].text('#state'), 'connected');
  nodes[0] = await Millrace.start({ args, listen: dying.host });
  await tabs[0].waitForText('#state', /^connected$/, 20_000);
  assert.equal((await ping(api)).status, 200);
  await tabs[0].waitForText('#count', /^1$/);
  await nodes[0].stop();
  await waitForState(tabs[0], /^disconnected: .*3001 shutdown/);
  assert.equal(await staying.metric('millrace_clients'), 1);
  nodes.shift();
  await stopExample(running);
});

// The server's own pings are answered by the page, or it would be disconnected with 3012.
test('a tab answers pings, and stays', async () => {
  const port = await freePort();
  const node = await Millrace.start({
    args: ['--allowed-origin', `http://127.0.0.1:${port}`],
    limits: { ping_interval: '1s', pong_timeout: '900ms' },
  });
  const api = await startApiServer(port, [
    ...['--http', `http://${node.host}`, '--key', apiKey, '--nodes', `ws://${node.host}`],
  ]);
  const tab = await browser.open(`${api.origin}/?node=1`);
  await tab.waitForText('#state', /^connected$/);
  const pongs = () => tab.frames.filter(({ sent, text }) => sent && text === '{}').length;
  await waitFor(() => pongs() >= 2, 'two pongs', 8000);
  assert.equal(await tab.text('#state'), 'connected');
  assert.equal(tab.handshakes.length, 1);
  await stopExample({ api, nodes: [node], tabs: [tab] });
});

// Row 000-14.
test('a page of an origin that is not allowed is refused with 403, and says so', async () => {
  const node = await Millrace.start({ args: ['--allowed-origin', 'http://127.0.0.1:1'] });
  const port = await freePort();
  const api = await startApiServer(port, [
    ...['--http', `http://${node.host}`, '--key', apiKey, '--nodes', `ws://${node.host}`],
  ]);
  const tab = await browser.open(`${api.origin}/?node=1`);
  await tab.waitForText('#state', /^error$/);
  assert.match(await tab.text('#detail'), new RegExp(`does not allow ${api.origin}`));
  await waitFor(() => tab.errors.some((text) => text.includes('403')), 'the 403 in the console');
  const refused = 'millrace_connections_rejected_total{reason="origin"}';
  assert.ok((await node.metric(refused)) >= 1);
  assert.equal(await node.metric('millrace_clients'), 0);
  await stopExample({ api, nodes: [node], tabs: [tab] });
});
