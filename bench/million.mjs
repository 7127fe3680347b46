// A million connections on one machine, both ends: ./dev million. `--help` tells more.
//
// Starts a server and millrace-load, holds, broadcasts and drains, and prints what it cost with a
// verdict on each budget. Nothing else should run on the machine meanwhile.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(dirname(new URL(import.meta.url).pathname), '..');
const build = process.env.MILLRACE_BUILD ?? join(root, 'build/release');

// What a pair of ends may take of the machine's memory before the run is made smaller: measured
// about 9.6 KB, and an eighth for the rest.
const bytesAPair = 11_000;
const kept = 1.5 * 2 ** 30; // for the system and what else runs
const roomOf = 10; // clients
const budgets = { cores: 0.7, stretch: 0.5, bothHalves: 4_480, minutes: 12 };

const help = `usage: ./dev million [--connections N] [--hold 5m] [--drain 40s] [--save FILE]

Opens N connections (default 1,000,000, or what fits into this machine) through the whole handshake,
connect, and two subscriptions each: news, shared by all, and a room shared by ten. Holds them under
pings each 25 s, publishes once to all, and stops the server gracefully. Prints a table and a verdict;
exits with 1 if a budget was missed. --save also writes both to FILE, with a description of the machine.
`;

const n = (value) => Math.round(value).toLocaleString('en-US');
const mib = (bytes) => `${n(bytes / 2 ** 20)} MiB`;
const say = (text) => process.stderr.write(`million: ${text}\n`);

function fail(code, text) {
  say(text);
  process.exit(code);
}

function options() {
  const known = {
    connections: { type: 'string' },
    hold: { type: 'string', default: '5m' },
    drain: { type: 'string', default: '40s' },
    save: { type: 'string' },
    help: { type: 'boolean', default: false },
  };
  let values;
  try {
    ({ values } = parseArgs({ options: known }));
  } catch (error) {
    fail(64, `${error.message.split('\n')[0]}; see ./dev million --help`);
  }
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  for (const name of ['hold', 'drain']) {
    if (!/^\d{1,6}(ms|s|m|h)$/.test(values[name])) fail(64, `--${name} is a duration, such as 5m`);
  }
  if (values.connections !== undefined && !/^[1-9]\d{0,7}$/.test(values.connections)) {
    fail(64, '--connections is a number, such as 100000');
  }
  return values;
}

const inKiB = (file, name) =>
  Number(readFileSync(file, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]) * 1024;

function check(connections, shards) {
  const flags = ['check', '--json', '--insecure', '--max-connections', connections];
  try {
    return JSON.parse(execFileSync(join(build, 'millrace'), [...flags, '--shards', shards].map(String)));
  } catch (error) {
    if (error.stdout?.length) return JSON.parse(error.stdout);
    return fail(71, `millrace check failed: ${error.message}`);
  }
}

// A ring's table is bounded by RLIMIT_NOFILE, so a low limit takes more shards.
function shardsFor(connections) {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const files = Math.min(Number(limits.match(/^Max open files\s+\d+\s+(\d+)/m)?.[1] ?? 1024), 2 ** 20);
  const most = files - 64 - 6 * Math.sqrt(files);
  return Math.max(cpus().length, Math.ceil((connections / most) * 1.02));
}

// How many fit, and why not more.
function plan(asked) {
  const wanted = asked ?? 1_000_000;
  const memory = inKiB('/proc/meminfo', 'MemAvailable') - kept;
  let connections = Math.min(wanted, Math.floor(memory / bytesAPair / 1000) * 1000);
  const why = [];
  if (connections < wanted) {
    why.push(`${mib(memory)} of memory hold ${n(connections)} with both ends on this machine`);
  }
  if (connections < 1000) fail(71, `there is not enough memory for a run: ${why.join('; ')}`);
  let shards = shardsFor(connections);
  const checked = check(connections, shards);
  if (!checked.fits) {
    connections = checked.cap;
    shards = shardsFor(connections);
    why.push(`${checked.decided_by} holds ${n(connections)} (see millrace check)`);
  }
  if (why.length > 0) say(`fewer than ${n(wanted)} here: ${why.join('; ')}`);
  return { wanted, connections, shards, why };
}

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
}

function start(program, args, env, stdio) {
  const child = spawn(join(build, program), args, { env: { ...process.env, ...env }, stdio });
  children.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => fail(69, `${program} did not start: ${error.message}`));
    child.on('exit', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  return child;
}

// Calls `take` with each line; returns what was said so far.
function lines(stream, take) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    parts.forEach(take);
  });
}

async function startServer({ connections, shards }, drain) {
  const env = {
    MILLRACE_LIMITS_DRAIN_TIMEOUT: drain,
    MILLRACE_LIMITS_RECV_BUFFERS: shards > 8 ? '256' : '1024',
  };
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const size = ['--shards', `${shards}`, '--max-connections', `${connections}`];
  const server = start('millrace', ['serve', '--insecure', ...where, ...size], env, [
    'ignore',
    'pipe',
    'pipe',
  ]);
  server.log = [];
  lines(server.stderr, (line) => server.log.push(line));
  const ready = new Promise((resolve) => {
    lines(server.stdout, (line) => line.startsWith('millrace ready') && resolve(line));
    server.ended.then(() => resolve(null));
  });
  server.ready = await ready;
  if (server.ready === null) fail(71, `the server did not start:\n${server.log.join('\n')}`);
  return server;
}

async function run(planned, flags, work) {
  const server = await startServer(planned, flags.drain);
  const [, listen, admin] = server.ready.match(/listen=(\S+) admin=(\S+)/);
  const json = join(work, 'load.json');
  const load = start(
    'millrace-load',
    [
      ...['idle', '--target', listen, '--admin', admin, '--server-pid', `${server.pid}`],
      ...['--connections', `${planned.connections}`, '--connecting', '1024'],
      ...['--subscribe', 'news', '--subscribe', `room:{i/${roomOf}}`],
      ...['--phases', `open,hold=${flags.hold},broadcast,drain=5m`],
      ...['--events', '-', '--json', json],
    ],
    {},
    ['ignore', 'pipe', 'inherit'],
  );
  lines(load.stdout, (line) => {
    const event = JSON.parse(line);
    if (event.event === 'begin' && event.name === 'drain') server.kill('SIGTERM');
  });
  const { code } = await load.ended;
  if (code === 64 || code === 71) fail(code, 'millrace-load could not run; its message is above');
  server.kill('SIGTERM');
  const ended = await server.ended;
  return { server, ended, loadCode: code, load: JSON.parse(readFileSync(json, 'utf8')) };
}

function describeMachine() {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const git = (...args) => {
    try {
      return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  };
  const commit = git('rev-parse', '--short', 'HEAD') || 'unknown';
  const changed = git('status', '--porcelain', '--untracked-files=no') ? ', with changes' : '';
  const limit = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+\d+\s+(\d+)/m)?.[1];
  return [
    `machine      ${cpus().length} cores (${model}), ${mib(totalmem())}, Linux ${release()}`,
    `limits       RLIMIT_NOFILE ${n(Number(limit))}; server and clients on this machine, over loopback`,
    `commit       ${commit}${changed}, ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function figures({ load }, planned) {
  const phase = (name) => load.phases.find((one) => one.name === name) ?? {};
  const [open, hold, broadcast, drain] = ['open', 'hold', 'broadcast', 'drain'].map(phase);
  const count = open.came_up || 1;
  const before = load.before;
  const up = hold.after ?? open.after;
  const grown = (side, key) => (up[side]?.[key] ?? 0) - (before[side]?.[key] ?? 0);
  const user = grown('server', 'anonymous_bytes');
  const client = grown('client', 'anonymous_bytes');
  const slab = grown('kernel', 'slab_bytes');
  const queues = grown('kernel', 'tcp_bytes');
  return { planned, open, hold, broadcast, drain, count, user, client, slab, queues };
}

// One half of a connection on loopback is the server's; the client's kernel memory is no smaller (it
// also holds the port), so half of both is no less than the server's.
function table(f) {
  const each = (bytes) => `${n(bytes / f.count)} B each`;
  const row = (name, value, note = '') => `${name.padEnd(34)}${value.padStart(14)}  ${note}`.trimEnd();
  const cpu = f.hold.cpu ?? {};
  const span = (ms) => (ms === undefined ? '-' : `${(ms / 1000).toFixed(2)} s`);
  const closes = Object.entries(f.drain.drain_closes ?? {}).map(([code, many]) => `${code}: ${n(many)}`);
  return [
    row('connections up', n(f.count), `of ${n(f.planned.connections)}, ${f.planned.shards} shards`),
    row('time to open', `${f.open.seconds?.toFixed(1)} s`, `${n(f.count / f.open.seconds)}/s`),
    row('  connect, subscribe: median', span(f.open.connect_ms?.p50), `p99 ${span(f.open.connect_ms?.['p99'])}`),
    row('held', `${f.hold.seconds?.toFixed(0)} s`, `${n(f.hold.pings ?? 0)} pings answered, ${n(f.hold.up ?? 0)} up at the end`),
    row('  server CPU', `${cpu.server?.toFixed(2)} cores`, `clients ${cpu.client?.toFixed(2)}, machine ${cpu.machine?.toFixed(2)} of ${cpu.cores}`),
    row('memory: server, user', mib(f.user), each(f.user)),
    row('memory: kernel, both ends, slab', mib(f.slab), each(f.slab)),
    row('memory: kernel, both ends, queues', mib(f.queues), each(f.queues)),
    row('  server, user and half the kernel', mib(f.user + (f.slab + f.queues) / 2), each(f.user + (f.slab + f.queues) / 2)),
    row('memory: clients, user', mib(f.client), each(f.client)),
    row('broadcast: until the last had it', span(f.broadcast.broadcast_ms?.max), `${n(f.broadcast.deliveries ?? 0)} delivered`),
    row('drained', `${f.drain.seconds?.toFixed(1)} s`, `close codes ${closes.join(', ') || '-'}`),
  ];
}

function verdict(f, { ended, loadCode, load }, minutes) {
  const results = [];
  const judge = (ok, text) => results.push({ ok, text: `${ok ? 'ok    ' : 'MISSED'} ${text}` });
  const closes = Object.values(load.total.closes ?? {}).reduce((sum, many) => sum + many, 0);
  const missing = f.broadcast.missing ?? f.count;
  const cores = f.hold.cpu?.server ?? Infinity;
  const bytes = (f.user + (f.slab + f.queues) / 2) / f.count;
  judge(f.count === f.planned.connections, `${n(f.count)} of ${n(f.planned.connections)} connections`);
  judge(closes === 0, `${n(closes)} unexpected closes`);
  const share = f.count / 1_000_000;
  const bound = budgets.cores * Math.min(1, share);
  judge(cores <= bound, `server CPU while held: ${cores.toFixed(2)} of ${bound.toFixed(2)} cores (stretch ${(budgets.stretch * Math.min(1, share)).toFixed(2)})`);
  judge(bytes <= budgets.bothHalves, `user and kernel memory of the server's half: ${n(bytes)} of ${n(budgets.bothHalves)} B (rooms included)`);
  judge(missing === 0, `${n(missing)} deliveries of the broadcast missing`);
  judge(ended.code === 0, `the server ended with ${ended.code ?? ended.signal}`);
  judge(loadCode === 0, loadCode === 0 ? 'clients: nothing unexpected' : `clients: ${load.failures?.join('; ')}`);
  judge(minutes <= budgets.minutes, `${minutes.toFixed(1)} of ${budgets.minutes} minutes`);
  return results;
}

const flags = options();
const planned = plan(flags.connections && Number(flags.connections));
const work = mkdtempSync(join(tmpdir(), 'millrace-million-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const began = Date.now();
const outcome = await run(planned, flags, work);
const minutes = (Date.now() - began) / 60_000;
const seen = figures(outcome, planned);
const judged = verdict(seen, outcome, minutes);
const smaller = planned.why.map((why) => `smaller      ${why}`);
const report = [
  ...describeMachine(),
  ...smaller,
  '',
  ...table(seen),
  '',
  ...judged.map(({ text }) => text),
  '',
].join('\n');
process.stdout.write(`\n${report}`);
if (flags.save) {
  mkdirSync(dirname(flags.save), { recursive: true });
  writeFileSync(flags.save, report);
}
process.exit(judged.every(({ ok }) => ok) ? 0 : 1);
