// A new server takes the place of an old one while newcomers come at a steady rate. Also a program,
// for a network namespace of its own, where tcp_migrate_req can be set: prints what it saw.
//
//   node hand_over.mjs PER_SECOND MIGRATE
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { Millrace } from './millrace.mjs';
import { Newcomers } from './newcomers.mjs';
import { endAll, start } from './processes.mjs';
import { sleep, within } from './wait.mjs';

const drain = { drain_timeout: '3s' };

export async function handOver(perSecond) {
  const old = await Millrace.start({ shards: 2, limits: drain });
  const newcomers = new Newcomers(old.port, perSecond);
  await sleep(1000);
  const next = await Millrace.start({
    shards: 2,
    limits: drain,
    listen: old.host,
    args: ['--join'],
  });
  await next.ready();
  await sleep(500);
  old.signal('SIGTERM');
  const { code } = await within(old.run.ended, 'the end of the old one', 10_000);
  await sleep(1500);
  const seen = await newcomers.stop();
  const accepted = await next.metric('millrace_accepts_total');
  await next.stop();
  return { ...seen, code, accepted };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [perSecond, migrate] = process.argv.slice(2).map(Number);
  await start('ip', ['link', 'set', 'lo', 'up']).ended;
  writeFileSync('/proc/sys/net/ipv4/tcp_migrate_req', String(migrate));
  console.log(JSON.stringify(await handOver(perSecond)));
  await endAll();
}
