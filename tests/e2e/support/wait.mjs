// Waiting, always with an end.
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

// Sanitizers make everything a few times slower; limits of time stretch with it.
const scale = Number(process.env.MILLRACE_TEST_SCALE ?? 1);
export const slowness = scale < 1 ? 4 : 1;

// A count of connections or messages, made smaller where MILLRACE_TEST_SCALE says so.
export function scaled(count) {
  return Math.max(1, Math.round(count * scale));
}

// Resolves to what `condition` (which may be async) returns, once that is truthy.
export async function waitFor(condition, what, timeoutMs = 5000) {
  const end = performance.now() + timeoutMs * slowness;
  for (let pause = 1; ; pause = Math.min(2 * pause, 20)) {
    const found = await condition();
    if (found) return found;
    if (performance.now() > end) throw new Error(`timed out waiting for ${what}`);
    await sleep(pause);
  }
}

// `promise`, or a failure that says what did not come.
export async function within(promise, what, timeoutMs = 5000) {
  const abort = new AbortController();
  const late = sleep(timeoutMs * slowness, null, { signal: abort.signal }).then(() => {
    throw new Error(`timed out waiting for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}

export async function timed(promise) {
  const start = performance.now();
  const value = await promise;
  return { value, ms: performance.now() - start };
}
