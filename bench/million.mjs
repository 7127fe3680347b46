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
const spare = 64; // connections beside those that are held: who publishes
const hashEntries = 4_194_304; // twice the sockets of both ends
// A room's channel has its own budget: 200 bytes and its name on each shard where it has a client,
// which with so many shards is one shard a client.
const budgets = { cores: 0.7, stretch: 0.5, half: 4_480, channel: 211, minutes: 12 };

const help = `usage: ./dev million [--connections N] [--hold 5m] [--drain 150s] [--save FILE]

Opens N connections (default 1,000,000, or what fits into this machine) through the whole handshake,
connect, and two subscriptions each: news, shared by all, and a room shared by ten. Holds them under
pings each 25 s, publishes once to all, and stops the server gracefully. Prints a table and a
verdict; exits with 1 if a budget was missed. --save also writes both to FILE, with a description of
the machine.

As root it runs in a network namespace of its own, with a TCP hash table for so many sockets, and
sets what \`millrace check\` asks for: in the namespace, and for the machine what has no namespace
(net.ipv4.tcp_mem and others), which is put back in the end.
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
    drain: { type: 'string', default: '150s' },
    save: { type: 'string' },
    // How this program starts itself.
    inside: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
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
  const flags = ['check', '--json', '--insecure', '--max-connections', connections + spare];
  try {
    const args = [...flags, '--shards', shards].map(String);
    return JSON.parse(execFileSync(join(build, 'millrace'), args));
  } catch (error) {
    if (error.stdout?.length) return JSON.parse(error.stdout);
    return fail(71, `millrace check failed: ${error.message}`);
  }
}

const hardFiles = () =>
  Number(readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+\d+\s+(\d+)/m)?.[1]);

// A ring's table is bounded by RLIMIT_NOFILE, so a low limit takes more shards.
function shardsFor(connections) {
  const files = Math.min(hardFiles() || 2 ** 20, 2 ** 20);
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
    connections = checked.cap - spare;
    shards = shardsFor(connections);
    why.push(`${checked.decided_by} holds ${n(connections)} (see millrace check)`);
  }
  if (why.length > 0) say(`fewer than ${n(wanted)} here: ${why.join('; ')}`);
  return { wanted, connections, shards, why };
}

// Both ends are here, and so is their memory.
const doubled = (value) => value.replace(/\d+/g, (pages) => `${Number(pages) * 2}`);
const settings = [];

// The machine's, not a namespace's.
const shared = ['net.ipv4.tcp_mem', 'net.ipv4.tcp_max_orphans', 'vm.max_map_count'];

// Sets what check asks for, until this process ends: what all share, or what a namespace has.
function prepare({ connections, shards }, ofTheMachine) {
  for (const { fix } of check(connections, shards).limits) {
    const [, name, wanted] = fix.match(/^sysctl -w ([\w.]+)='?([\d ]+)'?$/) ?? [];
    if (!name || shared.includes(name) !== ofTheMachine) continue;
    const value = name.endsWith('tcp_mem') ? doubled(wanted) : wanted;
    const file = join('/proc/sys', name.replaceAll('.', '/'));
    try {
      const old = readFileSync(file, 'utf8');
      writeFileSync(file, value);
      process.on('exit', () => writeFileSync(file, old));
      if (ofTheMachine) say(`sets ${name} = ${value} until it ends`);
      settings.push(`${name} = ${value}`);
    } catch {
      say(`${name} can't be set here; wanted: ${value}`);
    }
  }
}

// Starts this program again where it has a network for itself. The size of a namespace's hash table
// is set in the one around it, so there are two.
function enter() {
  const set = settings.flatMap((one) => ['--set', one]);
  const again = [...process.argv, '--inside', ...set];
  const inner = 'ip link set lo up && exec "$@"';
  const size = `net.ipv4.tcp_child_ehash_entries=${hashEntries}`;
  const outer = `sysctl -qw ${size} && exec unshare -n "$@"`;
  const args = ['-n', 'sh', '-c', outer, 'sh', 'sh', '-c', inner, 'sh', ...again];
  const child = spawn('unshare', args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('error', () => fail(69, 'unshare(1) is missing: apt-get install util-linux'));
  child.on('exit', (code) => process.exit(code ?? 1));
}

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
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

async function startServer({ connections, shards }, drain, work) {
  const env = {
    MILLRACE_LIMITS_DRAIN_TIMEOUT: drain,
    MILLRACE_LIMITS_RECV_BUFFERS: shards > 8 ? '256' : '1024',
  };
  const where = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const size = ['--shards', `${shards}`, '--max-connections', `${connections + spare}`];
  const config = join(work, 'plain.toml'); // the built-in channels have presence and history
  writeFileSync(config, '[namespaces.default]\n');
  const flags = ['serve', '--insecure', '--config', config, ...where, ...size];
  const server = start('millrace', flags, env, ['ignore', 'pipe', 'pipe']);
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

const resident = (pid) => inKiB(`/proc/${pid}/smaps_rollup`, 'Anonymous');
const tcpBytes = () =>
  Number(readFileSync('/proc/net/sockstat', 'utf8').match(/^TCP:.* mem (\d+)$/m)[1]) * 4096;
const sample = (server, load, connections) => ({
  connections,
  server: resident(server.pid),
  client: resident(load.pid),
  slab: inKiB('/proc/meminfo', 'Slab'),
  queues: tcpBytes(),
});

// What memory was at a tenth of the way, for the cost of each connection beyond it.
async function sampleOnTheWay(server, load, admin, tenth) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (server.exitCode !== null || load.exitCode !== null) return null;
    const answer = await fetch(`http://${admin}/stats`).then((reply) => reply.json(), () => null);
    if (answer?.total?.clients >= tenth) return sample(server, load, answer.total.clients);
  }
}

async function run(planned, flags, work) {
  const server = await startServer(planned, flags.drain, work);
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
  const tenth = sampleOnTheWay(server, load, admin, planned.connections / 10);
  let held = null;
  lines(load.stdout, (line) => {
    const event = JSON.parse(line);
    if (event.event === 'end' && event.name === 'hold') held = sample(server, load, event.up);
    if (event.event === 'begin' && event.name === 'drain') server.kill('SIGTERM');
  });
  const { code } = await load.ended;
  if (code === 64 || code === 71) fail(code, 'millrace-load could not run; its message is above');
  server.kill('SIGTERM');
  const ended = await server.ended;
  const report = JSON.parse(readFileSync(json, 'utf8'));
  return { ended, loadCode: code, load: report, tenth: await tenth, held };
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
  const buckets = readFileSync('/proc/sys/net/ipv4/tcp_ehash_entries', 'utf8').trim();
  return [
    `machine      ${cpus().length} cores (${model}), ${mib(totalmem())}, Linux ${release()}`,
    `             RLIMIT_NOFILE ${n(hardFiles())}; server and clients on it, over loopback`,
    `network      ${inside ? 'a namespace of its own, ' : ''}tcp_ehash_entries ${buckets}`,
    ...settings.map((one) => `set          ${one}`),
    `commit       ${commit}${changed}, ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function figures({ load, tenth, held }, planned) {
  const phase = (name) => load.phases.find((one) => one.name === name) ?? {};
  const [open, hold, broadcast, drain] = ['open', 'hold', 'broadcast', 'drain'].map(phase);
  const count = open.came_up || 1;
  const connections = tenth && held ? held.connections - tenth.connections : NaN;
  const part = (key) => ({
    all: held?.[key] ?? NaN,
    each: connections > 0 ? (held[key] - tenth[key]) / connections : NaN,
  });
  const [user, client, slab, queues] = ['server', 'client', 'slab', 'queues'].map(part);
  const half = user.each + (slab.each + queues.each) / 2;
  return { planned, open, hold, broadcast, drain, count, user, client, slab, queues, half };
}

// "For one more" is the slope from a tenth of the connections to all, so that nothing is counted
// which a server has in any case. One half of a connection on loopback is the server's. The
// client's kernel memory is no smaller, since it also holds the port: half of both is no less than
// the server's.
function table(f) {
  const row = (name, value, note = '') =>
    `${name.padEnd(36)}${value.padStart(12)}  ${note}`.trimEnd();
  const memory = (name, part) =>
    row(`memory: ${name}`, mib(part.all), `${n(part.each)} B for one more`);
  const cpu = f.hold.cpu ?? {};
  const span = (ms) => (ms === undefined ? '-' : `${(ms / 1000).toFixed(2)} s`);
  const closes = Object.entries(f.drain.drain_closes ?? {}).map(
    ([code, many]) => `${code}: ${n(many)}`,
  );
  const connect = f.open.connect_ms ?? {};
  const held = `${n(f.hold.pings ?? 0)} pings answered, ${n(f.hold.up ?? 0)} up at the end`;
  const machine = `machine ${cpu.machine?.toFixed(2)} of ${cpu.cores}`;
  const others = `clients ${cpu.client?.toFixed(2)}, ${machine}`;
  const last = span(f.broadcast.broadcast_ms?.[0]);
  return [
    row('connections up', n(f.count), `of ${n(f.planned.connections)}, ${f.planned.shards} shards`),
    row('time to open', `${f.open.seconds?.toFixed(1)} s`, `${n(f.count / f.open.seconds)}/s`),
    row('  connect, subscribe: median', span(connect.p50), `p99 ${span(connect.p99)}`),
    row('held', `${f.hold.seconds?.toFixed(0)} s`, held),
    row('  server CPU', `${cpu.server?.toFixed(2)} cores`, others),
    memory('server, user', f.user),
    memory('kernel, slab', f.slab),
    memory('kernel, TCP queues', f.queues),
    row('  server, and half the kernel', '', `${n(f.half)} B for one more`),
    memory('clients, user', f.client),
    row('broadcast: until the last had it', last, `${n(f.broadcast.deliveries ?? 0)} delivered`),
    row('drained', `${f.drain.seconds?.toFixed(1)} s`, `close codes ${closes.join(', ') || '-'}`),
  ];
}

function verdict(f, { ended, loadCode, load }, minutes) {
  const results = [];
  const judge = (ok, text) => results.push({ ok, text: `${ok ? 'ok    ' : 'MISSED'} ${text}` });
  const closes = Object.values(load.total.closes ?? {}).reduce((sum, many) => sum + many, 0);
  const missing = f.broadcast.missing ?? f.count;
  const cores = f.hold.cpu?.server ?? Infinity;
  const { connections } = f.planned;
  judge(f.count === connections, `${n(f.count)} of ${n(connections)} connections`);
  judge(closes === 0, `${n(closes)} unexpected closes`);
  const share = f.count / 1_000_000;
  const [bound, stretch] = [budgets.cores, budgets.stretch].map((one) => one * share);
  const used = `${cores.toFixed(2)} of ${bound.toFixed(2)} cores (stretch: ${stretch.toFixed(2)})`;
  judge(cores <= bound, `server CPU while held: ${used}`);
  const allowed = budgets.half + budgets.channel;
  const half = `${n(f.half)} of ${n(allowed)} B for one more`;
  judge(f.half <= allowed, `memory of the server's half, user and kernel: ${half}`);
  judge(missing === 0, `${n(missing)} deliveries of the broadcast missing`);
  judge(ended.code === 0, `the server ended with ${ended.code ?? ended.signal}`);
  const unexpected = load.failures?.join('; ');
  judge(loadCode === 0, `clients: ${loadCode === 0 ? 'nothing unexpected' : unexpected}`);
  judge(minutes <= budgets.minutes, `${minutes.toFixed(1)} of ${budgets.minutes} minutes`);
  return results;
}

async function main(flags) {
  const planned = plan(flags.connections && Number(flags.connections));
  settings.push(...flags.set);
  if (flags.inside) prepare(planned, false);
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
  return judged.every(({ ok }) => ok) ? 0 : 1;
}

const flags = options();
const { inside } = flags;
if (!inside && process.getuid() === 0) {
  prepare(plan(flags.connections && Number(flags.connections)), true);
  enter();
} else {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.on(signal, () => process.exit(code));
  }
  process.exit(await main(flags));
}
