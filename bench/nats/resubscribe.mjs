// How long a shard takes to have its subjects again after NATS was killed and is back.
//
//   node bench/nats/resubscribe.mjs [--subjects 100000] [--runs 3]
//
// Starts a nats-server and a millrace with one shard, both on loopback. `back`: from the moment
// that nats-server listens to `/readyz` (all subscribed, and a PING answered behind it); the wait
// before the library tries again, 250 to 500 ms, is in it. `subscribing`: from the start of the
// connection, as nats-server saw it, to the same moment. Then a publication to each subject: all
// must arrive.
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';

import { Millrace } from '../../tests/e2e/support/millrace.mjs';
import { heardOn, limits, openMany, subjectOf } from '../../tests/e2e/support/many_channels.mjs';
import { NatsServer } from '../../tests/e2e/support/nats_server.mjs';
import { endAll } from '../../tests/e2e/support/processes.mjs';
import { waitFor } from '../../tests/e2e/support/wait.mjs';

const { values } = parseArgs({
  options: {
    subjects: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' },
  },
});
const count = Number(values.subjects);

// Seconds of processor that a process has used.
function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(nats, node, clients) {
  await nats.kill();
  await waitFor(async () => (await node.get('/readyz')).status === 503, 'the outage');
  await nats.launch();
  const listening = Date.now();
  const before = [used(node.pid), used(nats.run.pid)];
  await waitFor(async () => (await node.get('/readyz')).status === 200, 'NATS', 60_000);
  const ready = Date.now();
  const [server, broker] = [used(node.pid) - before[0], used(nats.run.pid) - before[1]];
  const [connection] = await nats.connections();
  const from = Date.parse(connection.start);
  console.log(`back ${ready - listening} ms, subscribing ${ready - from} ms, ` +
    `cpu: millrace ${server.toFixed(2)} s, nats-server ${broker.toFixed(2)} s`);

  const publisher = await nats.client();
  for (let i = 0; i < count; ++i) publisher.publish(subjectOf(i), '1');
  await publisher.flush();
  await waitFor(() => heardOn(clients).size === count, 'all publications', 60_000);
  console.log(`${count} publications, one to each: all arrived`);
  for (const client of clients) client.messages.length = client.texts.length = 0;
  await publisher.close();
}

const machine = `${cpus().length} cores, ${cpus()[0].model}, Linux ${release()}`;
console.log(`machine    ${machine}\nsubjects   ${count}, of one shard`);
const nats = await NatsServer.start();
const node = await Millrace.start({ args: ['--nats', nats.url], limits });
await node.ready();
const began = Date.now();
const clients = await openMany(node, count);
console.log(`subscribed for the first time, by ${clients.length} clients, in ${
  Date.now() - began} ms`);
for (let run = 0; run < Number(values.runs); ++run) await measure(nats, node, clients);
for (const client of clients) await client.leave();
await node.stop();
await endAll();
process.exit(0);
