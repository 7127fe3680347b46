// Row R-1: kill -9 of the node that leads a stream of three replicas, under acknowledged load.
//
//   node bench/nats/leader_kill.mjs [--rate 10000] [--kills 3] [--channels 200] [--json FILE]
//
// What must hold: nothing acknowledged is lost, out of order or delivered twice, at either of two
// nodes; nobody is disconnected. `election_ms`: from the kill until another node says that it
// leads. From there count: `first_ack_ms`, `shards_back_ms` (each shard of both nodes has NATS;
// at most 3 s) and how long deliveries took. Exits with 1 if anything was lost, repeated or
// turned around.
import { parseArgs } from 'node:util';

import { endAll } from '../../tests/e2e/support/processes.mjs';
import { sleep, waitFor } from '../../tests/e2e/support/wait.mjs';
import { keep, load, machine, residentMiB, used } from './measured.mjs';
import {
  allCurrent, application, leaderOf, Listener, Publishers, startCluster, startNodes,
} from './stream_rig.mjs';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '3' },
    channels: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
});
const [rate, kills, seconds] = [values.rate, values.kills, values.seconds].map(Number);
const span = seconds * 1000;

const about = machine();
const cluster = await startCluster();
// What a channel gets in half a minute: who is behind for so long recovers.
const kept = Math.max(1000, Math.ceil((rate / Number(values.channels)) * 30));
const nodes = await startNodes(cluster, kept);
const client = await application(cluster);
const channels = Array.from({ length: Number(values.channels) }, (_, i) => `game:${i}`);
const listeners = [];
for (const node of nodes) listeners.push(await Listener.open(node, channels));
const publishers = new Publishers(client, channels, rate);

// The CPU of each kind of process over a span without a failure, in cores.
async function steady() {
  const pids = {
    nats_servers: cluster.nodes.map(({ run }) => run.pid),
    millrace: nodes.map(({ pid }) => pid),
    clients: [process.pid],
  };
  const now = () => Object.entries(pids).map(([name, all]) =>
    [name, all.reduce((sum, pid) => sum + used(pid), 0)]);
  const [before, from] = [Object.fromEntries(now()), Date.now()];
  await sleep(span);
  const to = Date.now();
  const cores = Object.fromEntries(now().map(([name, cpu]) =>
    [name, Math.round(((cpu - before[name]) / (to - from)) * 100_000) / 100]));
  return {
    acknowledged_per_second: publishers.rateBetween(from, to),
    delivery_ms: listeners.map((one) => one.delayBetween(from, to)), cores,
  };
}

async function kill() {
  const victim = await waitFor(() => leaderOf(cluster), 'a leader', 30_000);
  const killed = Date.now();
  await victim.kill();
  await waitFor(() => leaderOf(cluster), 'another leader', 60_000);
  const elected = Date.now();
  const shardsBack = (async () => {
    for (const node of nodes) await node.brokerReady();
    return Date.now();
  })();
  await waitFor(() => publishers.acks.at(-1) > elected, 'an acknowledgement', 60_000);
  const first = publishers.acks.find((at) => at > elected);
  const back = await shardsBack;
  await sleep(span);
  const during = load();
  await victim.launch();
  await allCurrent(cluster);
  return {
    election_ms: elected - killed, first_ack_ms: first - elected,
    shards_back_ms: Math.max(0, back - elected),
    acknowledged_per_second: publishers.rateBetween(first, first + span),
    delivery_ms: listeners.map((one) => one.delayBetween(elected, elected + span)), load: during,
  };
}

publishers.start();
await sleep(3000); // until all is warm
const before = await steady();
const each = [];
for (let i = 0; i < kills; ++i) each.push(await kill());
await publishers.stop();
const heard = [];
for (const listener of listeners) heard.push(await listener.complete(publishers.lanes));
const bad = heard.some((one) =>
  one.lost + one.reordered + one.repeated + one.disconnects + one.unrecovered > 0);
const sums = {};
for (const name of ['holes', 'filled', 'lost']) {
  const counts = await Promise.all(
    nodes.map((node) => node.metric(`millrace_stream_${name}_total`)));
  sums[name] = counts.reduce((a, b) => a + b);
}
keep({
  ...about, asked_per_second: rate, channels: channels.length, steady: before, kills: each,
  acknowledged: publishers.acknowledged, sent_again: publishers.tries,
  sent_twice_on_purpose: publishers.intended, duplicates_removed: publishers.removed,
  listeners: heard, streams: sums, millrace_resident_mib: nodes.map(({ pid }) => residentMiB(pid)),
  verdict: bad ? 'MISSED' : 'ok',
}, values.json);
client.close();
await endAll();
process.exit(bad ? 1 : 0);
