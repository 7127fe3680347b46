// bench/load/swarm.cc as a child process: many clients that check exactly once, in order.
import { join } from 'node:path';

import { build } from './millrace.mjs';
import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

// Resolves once all are subscribed, to an object whose result() is what the swarm saw in the end.
export async function startSwarm(servers, { channel, connections, expect, timeout = 60 }) {
  const args = servers.flatMap((server) => ['--to', server.host]);
  args.push('--channel', channel, '--connections', String(connections));
  args.push('--expect', String(expect), '--timeout', String(timeout));
  const run = start(join(build, 'swarm'), args);
  const connected = () => {
    if (run.result) throw new Error(`the swarm ended: ${run.err}`);
    return run.out.includes('swarm ready');
  };
  await waitFor(connected, 'the swarm to be subscribed', 60_000);
  return {
    async result() {
      await within(run.ended, 'the end of the swarm', (timeout + 10) * 1000);
      const line = run.out.split('\n').find((text) => text.startsWith('{'));
      if (!line) throw new Error(`the swarm said nothing: ${run.err}`);
      return JSON.parse(line);
    },
  };
}
