// A NATS cluster of three with R3 file streams, two nodes of millrace on it, an application that
// publishes on a schedule until each is acknowledged, and a client on each node that checks all.
//
// In a channel one publication is under way at a time, under a message id, and is sent again under
// the same one until it is acknowledged. One of a hundred is sent once more after that: it must be
// taken as a duplicate. Times are milliseconds of this process's clock.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { configFile, Millrace } from '../../tests/e2e/support/millrace.mjs';
import { NatsCluster } from '../../tests/e2e/support/nats_nodes.mjs';
import { sdkClient } from '../../tests/e2e/support/sdk_client.mjs';
import { sleep, waitFor } from '../../tests/e2e/support/wait.mjs';

const stream = 'MILLRACE_game';
const tick = 5; // ms

export async function startCluster() {
  const store = mkdtempSync(join(tmpdir(), 'millrace-bench-js-'));
  process.on('exit', () => rmSync(store, { recursive: true, force: true }));
  return NatsCluster.start(
    3,
    (number) => `jetstream { store_dir: "${store}/${number}", max_mem: 16MB, max_file: 1GB }`,
  );
}

export async function startNodes(cluster, kept) {
  const config = configFile(`
[broker]
stream_replicas = 3
[limits]
channels_per_connection = 1024
recovery_page = 10000
[namespaces.game]
history_size = ${kept}
history_ttl = "5m"
stream_bytes = "256MiB"
delivery = "recoverable"
allow_subscribe = ["client", "anonymous"]
[namespaces.plain]
allow_subscribe = ["client", "anonymous"]
allow_publish = ["client", "anonymous"]
`);
  const options = { shards: 2, args: ['--nats', cluster.urls.join(','), '--config', config] };
  const nodes = [await Millrace.start(options), await Millrace.start(options)];
  for (const node of nodes) {
    await waitFor(async () => (await node.get('/readyz')).status === 200, 'the streams', 60_000);
  }
  return nodes;
}

export const application = (cluster) => cluster.nodes[0].client({ servers: cluster.urls });

// Publishes `rate` a second altogether, or what the cluster takes.
export class Publishers {
  constructor(client, channels, rate) {
    this.js = client.jetstream();
    this.rate = rate;
    this.acknowledged = 0;
    this.tries = 0; // again, because no acknowledgement came
    this.intended = 0; // duplicates
    this.removed = 0; // duplicates, of those two
    this.lanes = channels.map((channel) => ({ channel, last: 0, busy: false }));
    this.acks = []; // when, of each
  }

  async #one(lane) {
    lane.busy = true;
    const next = lane.last + 1;
    const subject = lane.channel.replace(':', '.');
    const data = Buffer.from(JSON.stringify([next, Date.now()]));
    const options = { msgID: `${lane.channel}-${next}`, timeout: 1000 };
    for (;;) {
      try {
        if ((await this.js.publish(subject, data, options)).duplicate) ++this.removed;
        break;
      } catch {
        ++this.tries;
        await sleep(100);
      }
    }
    lane.last = next;
    ++this.acknowledged;
    this.acks.push(Date.now());
    if (next % 100 === 0) {
      ++this.intended;
      await this.js.publish(subject, data, options).then(
        ({ duplicate }) => (this.removed += duplicate ? 1 : 0), () => {});
    }
    lane.busy = false;
  }

  start() {
    let owed = 0;
    let last = performance.now();
    let at = 0;
    this.timer = setInterval(() => {
      const now = performance.now();
      // What could not be sent in a tenth of a second is not made up for.
      owed = Math.min(owed + ((now - last) / 1000) * this.rate, this.rate / 10);
      last = now;
      for (let tried = 0; tried < this.lanes.length && owed >= 1; ++tried) {
        const lane = this.lanes[at++ % this.lanes.length];
        if (lane.busy) continue;
        --owed;
        this.#one(lane);
      }
    }, tick);
  }

  // No new ones; those under way go on until they are acknowledged.
  async stop() {
    clearInterval(this.timer);
    const done = () => this.lanes.every(({ busy }) => !busy);
    await waitFor(done, 'what is under way to be acknowledged', 60_000);
  }

  // Acknowledged a second between two moments.
  rateBetween(from, to) {
    const acks = this.acks.filter((at) => at >= from && at < to);
    return Math.round(acks.length / ((to - from) / 1000));
  }
}

// In all channels of a node; every number must be the next one.
export class Listener {
  static async open(node, channels) {
    const listener = new Listener();
    const client = sdkClient(node, { minReconnectDelay: 50, maxReconnectDelay: 500 });
    client.on('connecting', ({ code }) => (listener.disconnects += code === 0 ? 0 : 1));
    client.connect();
    for (const channel of channels) {
      const sub = client.newSubscription(channel, {
        minResubscribeDelay: 50, maxResubscribeDelay: 500,
      });
      listener.last.set(channel, 0);
      sub.on('publication', ({ data }) => listener.#take(channel, data));
      sub.on('subscribed', (event) => {
        if (event.wasRecovering && !event.recovered) ++listener.unrecovered;
      });
      sub.subscribe();
      await sub.ready(20_000);
    }
    return listener;
  }

  constructor() {
    this.last = new Map();
    Object.assign(this, { disconnects: 0, unrecovered: 0, got: 0 });
    Object.assign(this, { lost: 0, reordered: 0, repeated: 0 });
    this.delays = []; // [when it was published, how long it took]
  }

  #take(channel, [number, at]) {
    const last = this.last.get(channel);
    ++this.got;
    this.delays.push([at, Date.now() - at]);
    if (number === last) ++this.repeated;
    else if (number < last) ++this.reordered;
    else this.lost += number - last - 1;
    this.last.set(channel, Math.max(number, last));
  }

  // All that was acknowledged is here; what never comes is counted as lost.
  async complete(lanes, timeoutMs = 60_000) {
    const behind = () =>
      lanes.reduce((sum, { channel, last }) => sum + Math.max(0, last - this.last.get(channel)), 0);
    await waitFor(() => behind() === 0, 'the last publications', timeoutMs).catch(() => {});
    this.lost += behind();
    const { got, lost, reordered, repeated, disconnects, unrecovered } = this;
    return { got, lost, reordered, repeated, disconnects, unrecovered };
  }

  // Of what was published between two moments, in ms.
  delayBetween(from, to) {
    const some = this.delays.filter(([at]) => at >= from && at < to).map(([, ms]) => ms);
    some.sort((a, b) => a - b);
    const at = (share) => some[Math.min(some.length - 1, Math.floor(some.length * share))];
    return { p50: at(0.5), p99: at(0.99), max: some.at(-1) };
  }
}

// What a node says of the stream: {leader, current}, or null if it does not answer.
export async function streamAt(node) {
  const page = await node.monitored('/jsz?accounts=1&streams=1').catch(() => null);
  const streams = (page?.account_details ?? []).flatMap(({ stream_detail: all }) => all ?? []);
  const found = streams.find(({ name }) => name === stream);
  if (!found?.cluster) return null;
  const { leader, replicas = [] } = found.cluster;
  return { leader, current: replicas.length === 2 && replicas.every((one) => one.current) };
}

const nameOf = (node) => /server_name: (\S+)/.exec(node.config)[1];

// The node that leads the stream by its own word.
export async function leaderOf(cluster) {
  for (const node of cluster.nodes) {
    if (node.run.result) continue;
    if ((await streamAt(node))?.leader === nameOf(node)) return node;
  }
  return null;
}

export const allCurrent = (cluster) =>
  waitFor(async () => {
    const leader = await leaderOf(cluster);
    return leader !== null && (await streamAt(leader))?.current;
  }, 'three current replicas', 120_000);
