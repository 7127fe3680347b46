// Each system call of a small scenario fails, the Nth time that a thread makes it, with the errors
// that its manual page names. The server must serve all the same, or end with one of its exit codes
// and a line that says why; never by a signal, in silence, or not at all.
//
// Ends with 77 where strace can't attach: ctest then says that this was skipped.
//
//   MILLRACE_BIN=build/release/millrace node tests/faults/syscalls.mjs
//   MILLRACE_FAULTS=all                  every N with every error
//   MILLRACE_FAULTS_AT=mmap:ENOMEM:3     one alone
import { endAll } from '../e2e/support/processes.mjs';
import { CannotTrace, TracedServer } from './traced_server.mjs';

const skipped = 77;
const documentedExits = [69, 71, 74, 78]; // millrace serve --help
const sampledPerCall = 5;
const workers = 2;

// Errors that the call's manual page names and that a machine can bring about.
const errors = {
  bind: ['EADDRINUSE', 'EACCES'],
  brk: ['ENOMEM'],
  capget: ['EPERM'],
  clone3: ['EAGAIN', 'ENOMEM'],
  close: ['EINTR', 'EIO'],
  eventfd2: ['EMFILE', 'ENOMEM'],
  fcntl: ['EACCES'],
  fstat: ['ENOMEM'],
  getrandom: ['EINTR', 'EPERM'],
  getsockname: ['ENOBUFS'],
  io_uring_enter: ['EINTR', 'EAGAIN', 'EBUSY', 'ENOMEM'],
  io_uring_register: ['ENOMEM', 'EPERM', 'EINTR'],
  io_uring_setup: ['ENOMEM', 'EMFILE', 'EPERM', 'ENOSYS'],
  listen: ['EADDRINUSE'],
  lseek: ['EINVAL'],
  madvise: ['EAGAIN', 'ENOMEM'],
  mmap: ['ENOMEM', 'EAGAIN'],
  mprotect: ['ENOMEM'],
  newfstatat: ['EACCES', 'ENOMEM'],
  open: ['EMFILE', 'ENFILE'],
  openat: ['EMFILE', 'EACCES'],
  poll: ['EINTR', 'ENOMEM'],
  prctl: ['EPERM'],
  prlimit64: ['EPERM'],
  read: ['EINTR', 'EIO'],
  readlink: ['EACCES'],
  rt_sigtimedwait: ['EINTR', 'EAGAIN'],
  sched_getaffinity: ['EINVAL'],
  sched_setaffinity: ['EINVAL', 'EPERM'],
  setsockopt: ['ENOMEM', 'ENOPROTOOPT'],
  socket: ['EMFILE', 'ENOMEM', 'EACCES'],
  socketpair: ['EMFILE', 'ENOMEM'],
  uname: ['EFAULT'],
  write: ['EINTR'], // of an eventfd or a terminal; no other error of a whole machine fits both
};
// Of other calls: what a seccomp profile says to those that it does not know.
const forbidden = ['EPERM'];
// What does not fail, or not by any machine's fault; futex and rseq are libc's own.
const without = new Set([
  'arch_prctl', 'exit', 'exit_group', 'futex', 'getpid', 'gettid', 'munmap', 'rseq',
  'restart_syscall', 'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sched_yield',
  'set_robust_list', 'set_tid_address', 'tgkill',
]);

// How many times the thread that makes a call most often makes it: {mmap: 12, ...}.
async function countCalls() {
  const server = await TracedServer.start([]);
  try {
    if (!(await server.ready())) throw new Error(`no start without a fault: ${server.run.err}`);
    await server.serve();
    await server.end();
    const byThread = new Map();
    for (const line of (await server.log()).split('\n')) {
      const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
      if (!call) continue;
      const key = `${thread} ${call}`;
      byThread.set(key, (byThread.get(key) ?? 0) + 1);
    }
    const counts = {};
    for (const [key, count] of byThread) {
      const call = key.split(' ')[1];
      counts[call] = Math.max(counts[call] ?? 0, count);
    }
    return counts;
  } finally {
    await server.remove();
  }
}

// {outcome: 'served' | 'ended with 71' | 'missed' | null, finding}
async function tryOne({ call, error, n }) {
  const fault = `inject=${call}:error=${error}:when=${n}`;
  const server = await TracedServer.start(['-e', `trace=${call}`, '-e', fault]);
  try {
    const ready = await server.ready();
    if (ready) await server.serve();
    const { code, signal } = await server.end();
    const struck = (await server.log()).includes('(INJECTED)');
    const said = /^millrace: .{20,}$/m.test(server.run.err);
    if (ready && code === 0) return { outcome: struck ? 'served' : 'missed' };
    if (!ready && documentedExits.includes(code) && said) return { outcome: `ended with ${code}` };
    const why = signal ?? `exit code ${code}`;
    const calls = (await server.log()).split('\n').filter((line) => line.includes('INJECTED'));
    const told = `stderr:\n${server.run.err || '(nothing)'}\n${calls.join('\n')}`;
    return { outcome: null, finding: `${why}, ${told}` };
  } catch (caught) {
    return { outcome: null, finding: `${caught.message}\nstderr:\n${server.run.err}` };
  } finally {
    await server.remove();
  }
}

function plan(counts) {
  const one = process.env.MILLRACE_FAULTS_AT?.split(':');
  if (one) return [{ call: one[0], error: one[1], n: Number(one[2]) }];
  const all = process.env.MILLRACE_FAULTS === 'all';
  const faults = [];
  for (const call of Object.keys(counts).filter((name) => !without.has(name)).sort()) {
    const possible = errors[call] ?? forbidden;
    const wanted = Math.min(Math.max(counts[call], possible.length), sampledPerCall);
    const tries = all ? counts[call] : wanted;
    for (let i = 0; i < tries; ++i) {
      const n = 1 + Math.floor((i * counts[call]) / tries);
      const chosen = all ? possible : [possible[i % possible.length]];
      for (const error of chosen) faults.push({ call, error, n });
    }
  }
  return faults;
}

async function runAll(faults) {
  const table = new Map();
  const findings = [];
  const left = [...faults];
  const work = async () => {
    for (let fault = left.shift(); fault; fault = left.shift()) {
      const { outcome, finding } = await tryOne(fault);
      const key = `${fault.call} ${outcome ?? 'FOUND'}`;
      table.set(key, (table.get(key) ?? 0) + 1);
      if (!outcome) findings.push(`${fault.call}:${fault.error}:${fault.n}: ${finding}`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return { table, findings };
}

async function main() {
  let counts;
  try {
    counts = await countCalls();
  } catch (error) {
    if (!(error instanceof CannotTrace)) throw error;
    console.log(`NOT CHECKED: strace can't watch the server here (${error.message})`);
    return skipped;
  }
  const began = performance.now();
  const faults = plan(counts);
  const { table, findings } = await runAll(faults);
  for (const key of [...table.keys()].sort()) console.log(`${key}: ${table.get(key)}`);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${faults.length} failing calls, ${findings.length} findings, ${seconds} s`);
  for (const finding of findings) console.log(`\nFOUND ${finding}`);
  return findings.length === 0 ? 0 : 1;
}

main()
  .then((code) => (process.exitCode = code))
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(endAll);
