// The example of realms as people see it: two players and an observer, each in a tab of Chromium.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Chromium } from './support/chromium.mjs';
import { Example } from './support/example.mjs';
import { endAll } from './support/processes.mjs';
import { waitFor } from './support/wait.mjs';

const example = await Example.start('realms');
const browser = await Chromium.launch();
after(async () => {
  await browser.close();
  await endAll();
});

async function open(user, path = '/') {
  const tab = await browser.open(example.site + path);
  await tab.waitForText('#login', /Who are you/);
  await tab.fill('#login input', user);
  await tab.click('#login button');
  await tab.waitForText('#state', /^connected$/);
  return tab;
}

// Clicks on what leads to another page.
async function follow(tab, selector) {
  const { loads } = tab;
  await tab.click(selector);
  await waitFor(() => tab.loads > loads, `${selector} to lead somewhere`);
}

const cards = (tab, seat) =>
  tab.evaluate(`[...document.querySelectorAll('#seats .seat:nth-child(${seat}) button')]
    .map((card) => Number(card.textContent))`);

const hears = (tab) =>
  tab.evaluate(`[...document.querySelectorAll('#hears code')].map((one) => one.textContent)`);

test('two players play, an observer sees both hands, and the lobby hears no move', async () => {
  const [ann, ben, lou] = [await open('ann'), await open('ben'), await open('lou')];
  await lou.waitForText('#here', /^ann, ben, lou$/);
  await follow(ann, '#new');
  await ann.waitForText('#status', /has not come yet/);
  await ben.waitForText('#games', /ann, waits for a second/);
  await follow(ben, '#games button');
  for (const player of [ann, ben]) await player.waitForText('#status', /Round 1: ann and ben/);
  await lou.waitForText('#games', /ann against ben, playing/);
  const path = await ann.evaluate('location.pathname');
  const id = path.split('/')[2];
  const eve = await open('eve', path);
  await eve.waitForText('#role', /^You watch$/);

  assert.deepEqual(await hears(ann), [
    'user:ann', `game:${id}`, `rack:${id}.ann`, `chat:game.${id}`,
  ]);
  assert.deepEqual(await hears(eve), ['user:eve', `gametv:${id}`, `chat:gametv.${id}`]);
  assert.deepEqual(await hears(lou), ['user:lou', 'lobby:main', 'chat:lobby']);
  assert.equal((await cards(ann, 1)).length, 5);
  assert.deepEqual(await cards(ann, 2), []);
  assert.deepEqual(await cards(eve, 1), await cards(ann, 1));
  assert.deepEqual(await cards(eve, 2), await cards(ben, 2));

  for (let round = 1; round <= 5; ++round) {
    const [[first], [second]] = [await cards(ann, 1), await cards(ben, 2)];
    await ann.click('#seats .seat:nth-child(1) button');
    const bensTurn = new RegExp(`^Round ${round}: ben to put`);
    for (const tab of [ben, eve]) await tab.waitForText('#status', bensTurn);
    assert.equal(await ben.text('#seats .seat:nth-child(1) .on-table'), ''); // its back
    assert.equal(await eve.text('#seats .seat:nth-child(1) .on-table'), String(first));
    await ben.waitForText('#notice', /ann has put a card/);
    await ben.click('#seats .seat:nth-child(2) button');
    const turned = new RegExp(`${round}\\. ${first} : ${second}`);
    for (const tab of [ann, ben, eve]) await tab.waitForText('#rounds', turned);
  }
  for (const tab of [ann, ben, eve]) await tab.waitForText('#status', /has won|draw/);
  await lou.waitForText('#games', /ann against ben, over/);

  await ann.fill('#say input', 'well played');
  await ann.click('#say button');
  await ben.waitForText('#log', /ann: well played/);
  for (const tab of [eve, lou]) {
    const told = tab.frames.filter(({ sent, text }) => !sent && text.includes('well played'));
    assert.deepEqual(told, []);
  }
  await follow(ben, 'header a');
  await ben.waitForText('#games', /over/);
  await ann.waitForText('#log', /a tab of ben has closed/);
  for (const tab of [ann, ben, eve, lou]) assert.deepEqual(tab.errors, []);
  for (const tab of [ann, ben, eve, lou]) await tab.close();
});

test('what is no name, and what is no place, is said in words', async () => {
  const tab = await browser.open(`${example.site}/game/none`);
  await tab.fill('#login input', 'No Name');
  await tab.click('#login button');
  await tab.waitForText('#refused', /1 to 16 of a-z/);
  await tab.fill('#login input', 'ann');
  await tab.click('#login button');
  await tab.waitForText('#gone', /there is no such place/);
  await follow(tab, '#gone a');
  await tab.waitForText('#state', /^connected$/);
  await tab.close();
});

test('when a node dies its tabs come back on another one, and the game goes on', async () => {
  const ann = await open('ann');
  await follow(ann, '#new');
  await ann.waitForText('#status', /has not come yet/);
  const port = new URL(ann.requests.filter((url) => url.startsWith('ws:')).at(-1)).port;
  const name = Number(port) === example.node(0).port ? 'node-1' : 'node-2';
  const connected = ann.handshakes.length;
  await example.restart(name, 'SIGKILL');
  await waitFor(() => ann.handshakes.length > connected, 'the tab to connect again', 20_000);
  await ann.waitForText('#state', /^connected$/, 20_000);
  const id = (await ann.evaluate('location.pathname')).split('/')[2];
  const ben = await open('ben');
  await ben.waitForText('#games', /ann/);
  await follow(ben, `#games li:has(a[href="/game/${id}"]) button`);
  for (const tab of [ann, ben]) await tab.waitForText('#status', /Round 1/, 15_000);
  for (const tab of [ann, ben]) await tab.close();
});
