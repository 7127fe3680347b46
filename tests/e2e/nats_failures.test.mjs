// What recoverable channels promise while NATS servers die: nothing that was acknowledged is lost,
// repeated or out of order (rows ).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { connect, JSONCodec } from 'nats';

import { configFile, Millrace } from './support/millrace.mjs';
import { NatsCluster } from './support/nats_nodes.mjs';
import { atEnd, endAll } from './support/processes.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';

after(endAll);

const store = mkdtempSync(join(tmpdir(), 'millrace-e2e-js-'));
process.on('exit', () => rmSync(store, { recursive: true, force: true }));
const cluster = await NatsCluster.start(
  3,
  (number) => `jetstream { store_dir: "${store}/${number}", max_mem: 16MB, max_file: 256MB }`,
);
const config = configFile(`
[broker]
stream_replicas = 3
[namespaces.game]
history_size = 2000
history_ttl = "5m"
stream_bytes = "64MiB"
delivery = "recoverable"
allow_subscribe = ["client", "anonymous"]
`);
const args = ['--nats', cluster.urls.join(','), '--config', config];
const shards = { shards: 2, args };
const nodes = [await Millrace.start(shards), await Millrace.start(shards)];
for (const node of nodes) {
  await waitFor(async () => (await node.get('/readyz')).status === 200, 'the streams', 40_000);
}
const application = await connect({
  servers: cluster.urls,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
});
atEnd(() => application.close());
const js = application.jetstream();
const json = JSONCodec();

const channels = Array.from({ length: 20 }, (_, i) => `game:${i}`);

// One at a time in a channel, each until it is acknowledged.
class Publisher {
  constructor(channel) {
    this.channel = channel;
    this.subject = channel.replace(':', '.');
    this.acknowledged = 0;
    this.repeated = 0;
  }

  async run(goesOn) {
    while (goesOn()) {
      const next = this.acknowledged + 1;
      const msgID = `${this.channel}-${next}`;
      try {
        const options = { msgID, timeout: 1000 };
        const ack = await js.publish(this.subject, json.encode(next), options);
        if (ack.duplicate) ++this.repeated;
        this.acknowledged = next;
      } catch {
        await sleep(100);
      }
    }
  }
}

// A client on each node that is in all channels.
async function listen(node) {
  const client = sdkClient(node, { minReconnectDelay: 50, maxReconnectDelay: 500 });
  const got = new Map(channels.map((channel) => [channel, []]));
  const listener = { client, got, disconnects: 0, unrecovered: 0 };
  client.on('connecting', ({ code }) => (listener.disconnects += code === 0 ? 0 : 1));
  client.connect();
  for (const channel of channels) {
    const options = { minResubscribeDelay: 50, maxResubscribeDelay: 500 };
    const sub = client.newSubscription(channel, options);
    sub.on('publication', ({ data }) => got.get(channel).push(data));
    sub.on('subscribed', (event) => {
      if (event.wasRecovering && !event.recovered) ++listener.unrecovered;
    });
    sub.subscribe();
    await sub.ready(10_000);
  }
  return listener;
}

const listeners = await Promise.all(nodes.map(listen));
const publishers = channels.map((channel) => new Publisher(channel));
const total = () => publishers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);

async function publishWhile(deed) {
  let goesOn = true;
  const runs = publishers.map((publisher) => publisher.run(() => goesOn));
  await deed();
  goesOn = false;
  await Promise.all(runs);
}

async function moved(by) {
  const before = total();
  await waitFor(() => total() >= before + by, `${by} acknowledged publications`, 60_000);
}

async function allAreThere() {
  for (const listener of listeners) {
    for (const { channel, acknowledged } of publishers) {
      const got = listener.got.get(channel);
      const whole = () => got.length >= acknowledged;
      await waitFor(whole, `${acknowledged} of ${channel}, not ${got.length}`, 60_000);
      const wrong = got.findIndex((data, i) => data !== i + 1);
      assert.equal(wrong, -1, `${channel}: ${got.slice(Math.max(0, wrong - 3), wrong + 3)}`);
    }
    assert.equal(listener.unrecovered, 0);
    assert.equal(listener.disconnects, 0);
  }
}

async function leader() {
  const manager = await application.jetstreamManager();
  const info = await manager.streams.info('MILLRACE_game');
  const name = info.cluster.leader;
  return cluster.nodes.find(({ config: lines }) => lines.includes(`server_name: ${name}`));
}

test("R-1: the stream's leader is killed, and nothing acknowledged is lost", async () => {
  await publishWhile(async () => {
    await moved(scaled(2_000));
    const victim = await leader();
    await victim.kill();
    await moved(scaled(2_000));
    await victim.launch();
    await moved(scaled(1_000));
  });
  await allAreThere();
});

test('R-3: all three are down for a while: nobody is disconnected', async () => {
  await publishWhile(async () => {
    await moved(scaled(200));
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    for (const node of nodes) {
      await waitFor(async () => (await node.get('/readyz')).status === 503, 'not ready');
    }
    await sleep(5_000);
    await Promise.all(cluster.nodes.map((node) => node.launch()));
    await moved(scaled(500));
  });
  await allAreThere();
  for (const node of nodes) {
    await waitFor(async () => (await node.get('/readyz')).status === 200, 'ready again', 30_000);
  }
});
