// tests/e2e/crowd.cc as a child process: many newcomers in the ways that trouble a server.
import { join } from 'node:path';

import { build } from './millrace.mjs';
import { start } from './processes.mjs';
import { slowness, waitFor, within } from './wait.mjs';

// Resolves once all have begun. `ready` resolves once all have an answer, or were let in or not.
// result() ends those who stay, and tells
// {status: {503: 10}, retry_after: {4: 1}, closed, cut, resets, ms_p50, ms_p99, ms_max, ...}.
export async function startCrowd(server, act, count, { seconds = 30, rate = 0 } = {}) {
  const args = ['--to', server.host, '--act', act, '--count', String(count)];
  args.push('--seconds', String(seconds * slowness), '--rate', String(rate));
  const run = start(join(build, 'crowd'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const settled = () => {
    if (run.result && run.result.code !== 0) throw new Error(`the crowd ended: ${run.err}`);
    return run.out.includes('crowd ready');
  };
  const ready = waitFor(settled, 'the crowd to settle', (seconds + 10) * 1000);
  ready.catch(() => {});
  return {
    ready,
    async result() {
      await ready;
      run.child.stdin.end();
      await within(run.ended, 'the end of the crowd', 30_000);
      const line = run.out.split('\n').find((text) => text.startsWith('{'));
      if (!line) throw new Error(`the crowd said nothing: ${run.err}`);
      return JSON.parse(line);
    },
  };
}

// A crowd from its beginning to its end.
export async function crowd(server, act, count, options) {
  return (await startCrowd(server, act, count, options)).result();
}
