// The admin page as a person sees it, in a real Chromium: counters, readiness and the console.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Chromium } from './support/chromium.mjs';
import { Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { freePort } from './support/ports.mjs';
import { endAll } from './support/processes.mjs';
import { sleep, waitFor } from './support/wait.mjs';

const browser = await Chromium.launch();
after(async () => {
  await browser.close();
  await endAll();
});

const keys = {
  tab: ['Tab', 9],
  enter: ['Enter', 13, { text: '\r' }],
  ctrlEnter: ['Enter', 13, { modifiers: 2 }],
};

// A server whose page may connect to it.
async function startWithPage({ args = [], admin = null, ...options } = {}) {
  const address = admin ?? `127.0.0.1:${await freePort()}`;
  const allowed = ['--allowed-origin', `http://${address}`, ...args];
  const server = await Millrace.start({ admin: address, args: allowed, ...options });
  return { server, page: `http://${address}/` };
}

async function openConnected(page) {
  const tab = await browser.open(page);
  await tab.waitForText('#ready', /^ready$/);
  await tab.click('#connect');
  await tab.waitForText('#state', /^connected$/);
  return tab;
}

async function subscribe(tab, channel) {
  await tab.fill('#channel', channel);
  await tab.click('#subscribe');
  await waitFor(async () => (await chips(tab)).includes(channel), `a subscription of ${channel}`);
}

function chips(tab) {
  const names = `(node) => node.textContent.slice(0, -2)`;
  return tab.evaluate(`[...document.querySelectorAll('#chips button')].map(${names})`);
}

function publishesOf(tab) {
  return tab.frames.filter(({ sent, text }) => sent && text.includes('"publish"'));
}

const total = (name) => `[data-total="${name}"]`;

test('the console connects, subscribes, publishes, unsubscribes; counters follow', async () => {
  const { server, page } = await startWithPage({ shards: 2 });
  const tab = await openConnected(page);
  await subscribe(tab, 'news');
  await tab.fill('#data', '{"text":"a first message"}');
  await tab.click('#publish');
  await tab.waitForText('#log', /\d\d:\d\d:\d\d\.\d{3} news \{"text":"a first message"\}/);
  await tab.waitForText('#log', /news published/);
  for (const name of ['clients', 'connections', 'subscriptions', 'channels']) {
    await tab.waitForText(total(name), /^1$/);
  }
  const busy = (async () => {
    for (let i = 0; i < 150; ++i) {
      await server.publish('news', { i });
      await sleep(10);
    }
  })();
  for (const name of ['publications', 'deliveries', 'encodes', 'sends']) {
    await tab.waitForText(`.tiles [data-rate="${name}_total"]`, /^[1-9]/);
  }
  await tab.waitForText('[data-byte-rate="bytes_sent_total"]', /^[1-9][\d.,]* (B|KiB)$/);
  await busy;
  assert.match(await tab.text('#deliveries-top'), /^most [1-9]/);
  const points = await tab.evaluate(
    `document.querySelector('#deliveries-graph .line').getAttribute('points')`,
  );
  assert.ok(points.split(' ').length >= 2, points);
  assert.equal(await tab.evaluate(`document.querySelectorAll('#shards tr').length`), 2);
  await tab.click('#chips button');
  await tab.waitForText(total('subscriptions'), /^0$/);
  await tab.click('#publish');
  await tab.waitForText('#log', /published; this page is not subscribed to it/);
  await tab.click('#connect');
  await tab.waitForText('#state', /^not connected$/);
  await tab.waitForText(total('clients'), /^0$/);
  const own = [page, server.url, 'data:'];
  const foreign = tab.requests.filter((url) => !own.some((start) => url.startsWith(start)));
  assert.deepEqual(foreign, [], 'the page loads nothing from elsewhere');
  assert.deepEqual(tab.errors, []);
  await tab.close();
  await server.stop();
});

test('the console works by keyboard alone', async () => {
  const { server, page } = await startWithPage();
  const tab = await browser.open(page);
  const focus = () => tab.evaluate('document.activeElement.id');
  const tabTo = async (id) => {
    for (let i = 0; i < 20 && (await focus()) !== id; ++i) await tab.press(...keys.tab);
    assert.equal(await focus(), id);
  };
  await tab.waitForText('#ready', /^ready$/);
  await tabTo('address');
  await tab.press(...keys.enter);
  await tab.waitForText('#state', /^connected$/);
  await tabTo('channel');
  await tab.press(...keys.enter);
  await waitFor(async () => (await chips(tab)).length === 1, 'a subscription');
  await tabTo('data');
  await tab.press(...keys.ctrlEnter);
  await tab.waitForText('#log', /news \{"text":"hello"\}/);
  await tab.close();
  await server.stop();
});

test('what is not JSON is said and not sent; what is goes out as it was written', async () => {
  const { server, page } = await startWithPage();
  const tab = await openConnected(page);
  await subscribe(tab, 'news');
  const wrong = { '': /Write a JSON value/, '{bad': /not JSON/, '"\\ud800"': /surrogate/ };
  wrong['['.repeat(63) + ']'.repeat(63)] = /deeper than 62/;
  wrong['['.repeat(100_000)] = /not JSON|too deep/;
  for (const [text, said] of Object.entries(wrong)) {
    await tab.fill('#data', text);
    await tab.click('#publish');
    await tab.waitForText('#data-wrong', said);
  }
  assert.deepEqual(publishesOf(tab), []);
  await tab.fill('#data', '['.repeat(62) + ']'.repeat(62));
  await tab.click('#publish');
  await tab.waitForText('#log', /news \[{62}\]{62}/);
  await tab.fill('#data', '{"id":\n 12345678901234567890}');
  await tab.click('#publish');
  await waitFor(() => publishesOf(tab).length === 2, 'the publish command');
  assert.match(publishesOf(tab)[1].text, /"data":\{"id": +12345678901234567890\}/);
  await tab.fill('#channel', '');
  await tab.click('#subscribe');
  await tab.waitForText('#channel-wrong', /needs a name/);
  await tab.fill('#channel', 'a.b:c');
  await tab.click('#subscribe');
  await tab.waitForText('#log', /error 107, bad request\. A name has no/);
  assert.equal(await tab.text('#state'), 'connected');
  await tab.close();
  await server.stop();
});

test('names and payloads are shown as text, whatever is in them', async () => {
  const { server, page } = await startWithPage();
  const tab = await openConnected(page);
  const markup = '<img src=x onerror="document[`title`]=1">';
  await subscribe(tab, markup);
  await server.publish(markup, { html: markup, long: 'x'.repeat(10_000) });
  await tab.waitForText('#log', /html.*onerror/);
  assert.equal(await tab.evaluate(`document.querySelectorAll('img').length`), 0);
  assert.equal(await tab.evaluate('document.title'), 'millrace');
  for (let i = 0; i < 300; ++i) await server.publish(markup, i);
  await waitFor(async () => / 299$/m.test(await tab.text('#log')), 'the last message');
  assert.ok((await tab.evaluate(`document.querySelectorAll('#log li').length`)) <= 200);
  await tab.close();
  await server.stop();
});

test('a refused origin is told, with what to allow', async () => {
  const server = await Millrace.start();
  const tab = await browser.open(`http://${server.admin}/`);
  await tab.waitForText('#ready', /^ready$/);
  await tab.click('#connect');
  const allow = `--allowed-origin http://${server.admin}, or .*server.allowed_origins`;
  await tab.waitForText('#connect-wrong', new RegExp(allow));
  await tab.waitForText('#rejected-why', /origin 1/);
  await tab.evaluate(`address.value = 'nonsense:'`);
  await tab.click('#connect');
  await tab.waitForText('#connect-wrong', /An address looks like ws:/);
  await tab.evaluate(`address.value = 'ws://127.0.0.1:${await freePort()}/'`);
  await tab.click('#connect');
  await tab.waitForText('#connect-wrong', /Nothing answered as a WebSocket server there/);
  await tab.close();
  await server.stop();
});

test('without --insecure the page says why nobody is let in, before and after', async () => {
  const { server, page } = await startWithPage({ insecure: false });
  const tab = await browser.open(page);
  await tab.waitForText('#connect-wrong', /^This server runs without --insecure/);
  await tab.click('#connect');
  await tab.waitForText('#connect-wrong', /closed with 350[01], .*without --insecure/);
  await tab.waitForText('#log', /closed with 350[01]/);
  await tab.waitForText('#state', /^disconnected$/);
  await tab.close();
  await server.stop();
});

test('a broker that is away is shown with its causes, and when it is back', async () => {
  const nats = await NatsServer.start();
  const { server, page } = await startWithPage({ args: ['--nats', nats.url] });
  await server.ready();
  const tab = await openConnected(page);
  await tab.waitForText('#broker', /^NATS$/);
  assert.equal(await tab.text('#causes'), '');
  await nats.kill();
  await tab.waitForText('#ready', /^not ready$/, 10_000);
  await tab.waitForText('#causes-list', /shard 0: \S+/);
  await tab.waitForText('#broker-state', /^away$/);
  await tab.waitForText(total('broker_outages_total'), /^1$/);
  assert.equal(await tab.text('#state'), 'connected');
  await nats.launch();
  await tab.waitForText('#ready', /^ready$/, 20_000);
  await tab.waitForText('#broker-state', /^ready$/);
  await tab.close();
  await server.stop();
  await nats.stop();
});

test('a server that ends and starts again is seen, and no counter goes below zero', async () => {
  const { server, page } = await startWithPage();
  const tab = await openConnected(page);
  await subscribe(tab, 'news');
  await server.stop();
  await tab.waitForText('#state', /^disconnected$/);
  await tab.waitForText('#log', /closed with 3001, shutdown/);
  await tab.waitForText('#ready', /^no answer$/);
  await tab.click('#connect');
  await tab.waitForText('#connect-wrong', /Nothing answers; has the server ended/);
  const next = await startWithPage({ admin: server.admin, listen: server.host });
  await tab.waitForText('#ready', /^ready$/);
  await tab.waitForText('.tiles [data-rate="sends_total"]', /^0$/);
  assert.ok(!/-\d/.test(await tab.text('.counters')), 'a number below zero');
  await tab.click('#connect');
  await tab.waitForText('#state', /^connected$/);
  assert.deepEqual(await chips(tab), []);
  await tab.close();
  await next.server.stop();
});

test('it fits 360 px and follows the colour scheme', async () => {
  const { server, page } = await startWithPage({ shards: 2 });
  const tab = await openConnected(page);
  await subscribe(tab, `game:${'long'.repeat(50)}`);
  await server.publish(`game:${'long'.repeat(50)}`, 'y'.repeat(3000));
  const grounds = new Set();
  for (const dark of [false, true]) {
    await tab.view({ width: 360, height: 740, dark });
    const width = await tab.evaluate('document.documentElement.scrollWidth');
    assert.ok(width <= 360, `${width} px`);
    grounds.add(await tab.evaluate('getComputedStyle(document.body).backgroundColor'));
  }
  assert.equal(grounds.size, 2);
  await tab.close();
  await server.stop();
});
