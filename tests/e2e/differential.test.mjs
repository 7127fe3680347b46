// Our frame decoder against python3-wsproto, on random streams: differential/compare_frames.py.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from './support/millrace.mjs';
import { endAll, start } from './support/processes.mjs';
import { scaled, within } from './support/wait.mjs';

after(endAll);
const script = fileURLToPath(new URL('./differential/compare_frames.py', import.meta.url));

// Resolves to {code, out}. Debian's wsproto is Debian's python's, whatever `python3` is here.
async function compare(streams, seed, ...more) {
  const program = join(build, 'frame_outcomes');
  const args = [script, program, '--streams', String(streams), '--seed', String(seed), ...more];
  const run = start('/usr/bin/python3', args);
  const { code } = await within(run.ended, 'the end of the comparison', 60_000);
  assert.equal(run.err, '');
  return { code, out: run.out };
}

function number(out, pattern) {
  return Number(pattern.exec(out)?.[1] ?? 0);
}

test('wsproto and our decoder see the same in random streams', async () => {
  const { code, out } = await compare(scaled(10_000), 1);
  assert.equal(code, 0, out);
  assert.match(out, /, 0 differences$/m);
  // The streams are worth the while: most of them say much, and each way to end comes up.
  for (const [kind, least] of Object.entries({
    text: 10_000,
    binary: 10_000,
    ping: 10_000,
    pong: 10_000,
    close: 1_000,
    'violation 1002': 2_000,
    'violation 1007': 500,
    'violation 1008': 50,
    'violation 1009': 10,
  })) {
    const seen = number(out, new RegExp(`(\\d+) ${kind}\\b`));
    assert.ok(seen >= scaled(least), `${seen} ${kind}: ${out}`);
  }
});

// The comparison can fail: each of these, done to the outcome of every stream that it fits, is
// found in every one of them.
for (const how of [
  'a byte of a payload',
  'a lost outcome',
  'one that never came',
  'two in the wrong order',
  'text as binary',
  'another code',
  'a refusal (1002) of what is lawful',
  'a refusal (1007) of what is text',
  'a refusal (1008) below the limit',
  'a refusal (1009) below the limit',
]) {
  test(`it finds ${how}`, async () => {
    const { code, out } = await compare(scaled(600), 2, '--spoil', how);
    const spoiled = number(out, /^spoiled: (\d+)$/m);
    assert.ok(spoiled >= scaled(60), out);
    assert.equal(number(out, /, (\d+) differences$/m), spoiled, out);
    assert.equal(code, 1);
  });
}
