// Our deltas in the hands of the SDK's own decoder.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { Centrifuge } from 'centrifuge';

import { build } from './support/millrace.mjs';
import { scaled } from './support/wait.mjs';

// What the SDK's subscriptions call for each publication.
const codec = new Centrifuge('ws://127.0.0.1:1')._codec;

function chains(count, seed) {
  const args = ['--chains', String(count), '--seed', String(seed)];
  const out = execFileSync(join(build, 'delta_pushes'), args, { maxBuffer: 1 << 30 });
  const lines = out.toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

test('npm centrifuge applies every patch to the publication before', () => {
  const lines = chains(scaled(500), 1);
  let previous;
  let patches = 0;
  let saved = 0;
  for (let i = 0; i < lines.length; i += 2) {
    const { pub } = lines[i].push;
    const text = lines[i + 1];
    assert.equal(typeof pub.data, 'string');
    if (pub.offset === 1) assert.equal(pub.delta, undefined);
    const result = codec.applyDeltaIfNeeded(pub, previous);
    assert.equal(new TextDecoder().decode(result.newPrevValue), text);
    assert.deepEqual(result.newData, JSON.parse(text));
    assert.equal(result.isDelta, pub.delta === true);
    patches += result.isDelta ? 1 : 0;
    saved += result.fullBytes - result.wireBytes;
    previous = result.newPrevValue;
  }
  const publications = lines.length / 2;
  assert.ok(patches > publications / 2, `${patches} patches in ${publications} publications`);
  assert.ok(saved > 0);
});

test('a patch with one byte changed is noticed', () => {
  const lines = chains(50, 2);
  let previous;
  let damaged = 0;
  for (let i = 0; i < lines.length; i += 2) {
    const { pub } = lines[i].push;
    if (pub.delta) {
      const at = pub.data.indexOf('@');
      const digit = pub.data[at - 1] === '1' ? '2' : '1';
      const data = pub.data.slice(0, at - 1) + digit + pub.data.slice(at);
      assert.throws(() => codec.applyDeltaIfNeeded({ ...pub, data }, previous));
      ++damaged;
    }
    previous = codec.applyDeltaIfNeeded(pub, previous).newPrevValue;
  }
  assert.ok(damaged > 100, `${damaged} patches`);
});
