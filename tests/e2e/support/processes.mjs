// Child processes that never outlive the test file: not after a failure, nor if it is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

// A child whose output is collected in .out and .err, with a promise .ended of {code, signal}.
export function start(command, args, options = {}) {
  // setpriv executes the command in its own place, so the process id is the command's.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  running.add(child);
  const collected = { child, pid: child.pid, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (collected.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (collected.err += text));
  // 'close' comes after the last of the output, 'exit' may come before it.
  collected.ended = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    collected.result = { code, signal };
    return collected.result;
  });
  return collected;
}

const ends = [];

// What would keep the test file from ending if a test fails before it ends it itself.
export function atEnd(end) {
  ends.push(end);
}

// Ends all that this file started and that still runs.
export async function endAll() {
  for (const end of ends) await end();
  const ended = [...running].map((child) => once(child, 'close'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ended);
}
