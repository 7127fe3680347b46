// Strangers that begin a frame and stop: as many as the shard has decoders, again and again. Honest
// clients keep their connections, and are read before long.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient, frame } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);
const decoders = 4;
const siegeMs = 12_000;
const firstByte = frame({ payload: '{}' }).subarray(0, 1);

// Keeps that many connections inside a frame, or waiting for their turn to be, until it is lifted.
class Siege {
  closes = {}; // how many strangers were closed, by code
  #lifted = false;

  constructor(server, strangers) {
    this.ended = Promise.all(Array.from({ length: strangers }, () => this.#besiege(server)));
  }

  async #besiege(server) {
    while (!this.#lifted) {
      const stranger = await RawClient.open(server, { session: false });
      stranger.write(firstByte);
      while (!stranger.close && !stranger.gone && !this.#lifted) await sleep(10);
      const { code } = stranger.close ?? { code: 1006 };
      if (!this.#lifted) this.closes[code] = (this.closes[code] ?? 0) + 1;
      stranger.destroy();
      await stranger.ended;
    }
  }

  async lift() {
    this.#lifted = true;
    await this.ended;
  }
}

async function honest(server) {
  const sdk = sdkClient(server, { timeout: 10_000 * slowness });
  const client = { sdk, ends: [], got: [] };
  sdk.on('connecting', ({ code }) => code !== 0 && client.ends.push(code));
  sdk.on('disconnected', ({ code }) => client.ends.push(code));
  sdk.on('error', ({ error }) => client.ends.push(error));
  const sub = sdk.newSubscription('news');
  sub.on('publication', ({ data }) => client.got.push(data));
  sub.subscribe();
  sdk.connect();
  await sub.ready(10_000 * slowness);
  return client;
}

test('strangers that hold all decoders end no honest connection', async () => {
  const limits = { decoders, ping_interval: '2s', pong_timeout: '1s', stale_timeout: '3s' };
  const server = await Millrace.start({ limits });
  const disconnects = (code) => server.metric(`millrace_disconnects_total{code="${code}"}`);
  const clients = [await honest(server), await honest(server), await honest(server)];
  const silent = await RawClient.open(server, { pongs: false });
  const siege = new Siege(server, decoders + 2);
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) === decoders, 'them');
  const end = performance.now() + siegeMs;
  clients.push(await honest(server));
  assert.equal((await silent.closed()).code, 3012); // nothing of it waits to be read
  for (let i = 0; performance.now() < end; ++i) {
    // Both directions: what is said must be read for it.
    await clients[i % clients.length].sdk.publish('news', i);
  }
  await waitFor(() => clients.every(({ got }) => got.length > 0), 'publications');
  await siege.lift();
  for (const { ends } of clients) assert.deepEqual(ends, []);
  assert.equal(await disconnects(3012), 1);
  assert.ok((siege.closes[1008] ?? 0) >= 2 * decoders, JSON.stringify(siege.closes));
  // All is as before.
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) === 0, 'all decoders');
  await clients[0].sdk.publish('news', 'after');
  await waitFor(() => clients.every(({ got }) => got.at(-1) === 'after'), 'the last publication');
  for (const { sdk } of clients) sdk.disconnect();
  await server.stop();
});

// None of them answers the close frame.
test('a stop tells everybody and ends in its time while strangers hold all decoders', async () => {
  const server = await Millrace.start({ limits: { decoders, drain_timeout: '4s' } });
  const client = await honest(server);
  const strangers = [];
  for (let i = 0; i < 2 * decoders; ++i) {
    strangers.push(await RawClient.open(server, { session: false }));
    strangers.at(-1).write(firstByte);
  }
  await waitFor(async () => (await server.metric('millrace_decoders_lent')) === decoders, 'them');
  client.sdk.on('connecting', () => client.sdk.disconnect());
  await server.stop({ timeoutMs: 5_500 });
  assert.equal(client.ends[0], 3001);
  const codes = strangers.map((stranger) => stranger.close?.code);
  for (const code of codes) assert.ok([1008, 3001].includes(code), codes.join());
});
