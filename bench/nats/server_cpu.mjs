// What nats-server takes of a processor while very many clients each have a channel of their own.
//
//   node bench/nats/server_cpu.mjs [--connections 100000] [--rate 10000] [--each 3] [--json FILE]
//
// One nats-server, one millrace and millrace-load, on loopback. RLIMIT_NOFILE bounds a shard's
// connections, so there are as many shards as they take. This program publishes to one personal
// channel after the other, `rate` a second altogether, `each` times to each; every client must get
// all of its own, in order. Counted is the utime and stime of nats-server, and of the others.
// Exits with 1 if anything is missing or more than 0.3 of a core was taken.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { Load } from '../../tests/e2e/support/load.mjs';
import { configFile, Millrace } from '../../tests/e2e/support/millrace.mjs';
import { NatsServer } from '../../tests/e2e/support/nats_server.mjs';
import { endAll } from '../../tests/e2e/support/processes.mjs';
import { sleep, waitFor } from '../../tests/e2e/support/wait.mjs';
import { keep, machine, residentMiB, used } from './measured.mjs';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '10000' },
    each: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const [connections, rate, each] = [values.connections, values.rate, values.each].map(Number);
const allowed = 0.3; // of a core

const files = Number(
  readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+\d+\s+(\d+)/m)[1],
);
const shards = Math.max(2, Math.ceil((connections / (Math.min(files, 2 ** 20) * 0.93)) * 1.02));

const config = configFile(`
[namespaces.user]
allow_subscribe = ["client", "anonymous"]
`);

// All publications, on a fixed schedule; returns the seconds they took.
async function publishAll(client) {
  const total = connections * each;
  const began = performance.now();
  for (let done = 0; done < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * rate));
    for (; done < due; ++done) {
      const seq = Math.floor(done / connections) + 1;
      client.publish(`user.${done % connections}`, `{"seq":${seq}}`);
    }
    await sleep(5);
  }
  await client.flush();
  return (performance.now() - began) / 1000;
}

const about = machine();
const nats = await NatsServer.start();
const node = await Millrace.start({
  shards,
  args: ['--nats', nats.url, '--config', config, '--max-connections', String(connections + 64)],
});
await node.ready();
const pids = { nats_server: nats.run.pid, millrace: node.pid, publisher: process.pid };
const load = Load.start(
  `listen --connections ${connections} --subscribe user:{i} --phases open,expect=${each},close` +
    ' --patience 120s --quiet',
  { target: node.host },
);
await load.begun('expect', 300_000);
const publisher = await nats.client();
await waitFor(async () => {
  const held = await node.metric('millrace_nats_subscriptions');
  return held >= connections;
}, 'all subjects to be subscribed', 60_000);
const quiet = used(nats.run.pid);
await sleep(5000);
const idle = (used(nats.run.pid) - quiet) / 5;
const before = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, used(pid)]));
const seconds = await publishAll(publisher);
const cores = Object.fromEntries(
  Object.entries(pids).map(([name, pid]) =>
    [name, Math.round(((used(pid) - before[name]) / seconds) * 1000) / 1000]),
);
const resident = { nats_server: residentMiB(nats.run.pid), millrace: residentMiB(node.pid) };
const { code, text } = await load.end(200_000);
const heard = load.phase('expect');
keep({
  ...about, connections, shards, seconds: Math.round(seconds * 10) / 10,
  published_per_second: Math.round((connections * each) / seconds),
  cores, nats_server_idle_cores: Math.round(idle * 1000) / 1000, allowed_nats_server_cores: allowed,
  resident_mib: resident, deliveries: heard?.deliveries, missing: heard?.missing, load_exit: code,
  verdict: code === 0 && cores.nats_server <= allowed ? 'ok' : 'MISSED',
}, values.json);
if (code !== 0) process.stderr.write(text);
await node.stop({ timeoutMs: 60_000 });
await endAll();
process.exit(code === 0 && cores.nats_server <= allowed ? 0 : 1);
