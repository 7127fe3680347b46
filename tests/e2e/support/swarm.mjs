// millrace-load as a child process: many clients that check exactly once, in order.
import { join } from 'node:path';

import { build } from './millrace.mjs';
import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

// Resolves once all are subscribed, to an object whose result() is what the swarm saw in the end.
export async function startSwarm(servers, { channel, connections, expect, timeout = 60 }) {
  const args = ['listen', '--quiet', '--events', '-', '--patience', `${timeout}s`];
  for (const server of servers) args.push('--target', server.host);
  args.push('--subscribe', channel, '--connections', String(connections));
  // Without a goodbye, which the server would answer, and somebody may count what it sends.
  args.push('--phases', `open,expect=${expect}`);
  const run = start(join(build, 'millrace-load'), args);
  const events = () => run.out.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  const find = (event, name) => events().find((one) => one.event === event && one.name === name);
  const connected = () => {
    if (run.result) throw new Error(`the swarm ended: ${run.err}`);
    return find('begin', 'expect');
  };
  await waitFor(connected, 'the swarm to be subscribed', 60_000);
  return {
    async result() {
      const { code } = await within(run.ended, 'the end of the swarm', 10 * timeout * 1000);
      const seen = find('end', 'expect');
      if (!seen) throw new Error(`the swarm said nothing: ${run.err}`);
      const disconnects = Object.values(seen.closes).reduce((sum, count) => sum + count, 0);
      const { deliveries: received, duplicates, holes } = seen;
      return { exact: code === 0, received, duplicates, holes, disconnects };
    },
  };
}
