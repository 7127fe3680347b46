// Row R-3: all three NATS nodes are down for a minute.
//
//   node bench/nats/all_down.mjs [--seconds 60] [--clients 1000] [--rate 1000] [--json FILE]
//
// Clients of both nodes are in recoverable channels and publish to plain ones all the while, which
// is refused: no client may be disconnected, `/readyz` says 503 (patience is five seconds), memory
// stays bounded, and afterwards all that was acknowledged is with everybody. Exits with 1 if not.
import { parseArgs } from 'node:util';

import { endAll } from '../../tests/e2e/support/processes.mjs';
import { RawClient } from '../../tests/e2e/support/raw_client.mjs';
import { sleep, waitFor } from '../../tests/e2e/support/wait.mjs';
import { keep, load, machine, residentMiB } from './measured.mjs';
import { application, Listener, Publishers, startCluster, startNodes } from './stream_rig.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    clients: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const [seconds, count, rate] = [values.seconds, values.clients, values.rate].map(Number);
const allowedGrowth = 16; // MiB a node, above what it had before

const about = machine();
const cluster = await startCluster();
const nodes = await startNodes(cluster, 2000);
const client = await application(cluster);
const channels = Array.from({ length: 100 }, (_, i) => `game:${i}`);
const listeners = [];
for (const node of nodes) listeners.push(await Listener.open(node, channels));
const crowd = [];
for (let i = 0; i < count; ++i) {
  const one = await RawClient.open(nodes[i % 2]);
  await one.subscribe('plain:all');
  crowd.push(one);
}
const publishers = new Publishers(client, channels, rate);
const resident = () => nodes.map(({ pid }) => residentMiB(pid));
const status = (code) => Promise.all(nodes.map((node) =>
  waitFor(async () => (await node.get('/readyz')).status === code, `${code}`, 60_000)));

publishers.start();
await sleep(5000);
const before = resident();
const down = Date.now();
await Promise.all(cluster.nodes.map((node) => node.kill()));
await status(503);
const noticed = Date.now() - down;
const most = [...before];
const answers = {};
for (let i = 0; Date.now() - down < seconds * 1000; ++i) {
  const data = 'x'.repeat(500);
  const speaker = crowd[i % count];
  const { error } = await speaker.call({ publish: { channel: 'plain:all', data } });
  const said = error ? `error ${error.code}` : 'accepted';
  answers[said] = (answers[said] ?? 0) + 1;
  resident().forEach((mib, at) => (most[at] = Math.max(most[at], mib)));
  await sleep(5);
}
const during = load();
const up = Date.now();
await Promise.all(cluster.nodes.map((node) => node.launch()));
await waitFor(() => publishers.acks.at(-1) > up, 'an acknowledgement', 60_000);
const first = publishers.acks.find((at) => at > up);
await status(200);
const ready = Date.now();
await sleep(10_000);
await publishers.stop();
const heard = [];
for (const listener of listeners) heard.push(await listener.complete(publishers.lanes));
const closed = crowd.filter(({ close, gone }) => close !== null || gone).length;
const bad = closed > 0 || most.some((mib, i) => mib - before[i] > allowedGrowth) ||
  heard.some((one) => one.lost + one.reordered + one.repeated + one.disconnects > 0);
keep({
  ...about, down_seconds: seconds, clients: count + listeners.length, closed,
  not_ready_after_ms: noticed, answers_while_down: answers,
  resident_mib: { before, most_while_down: most, after: resident() },
  after_launch_ms: { first_acknowledgement: first - up, ready: ready - up },
  acknowledged: publishers.acknowledged, sent_again: publishers.tries, listeners: heard,
  load_while_down: during, verdict: bad ? 'MISSED' : 'ok',
}, values.json);
client.close();
await endAll();
process.exit(bad ? 1 : 0);
