// `millrace check`, the cap that `serve` takes from it, and the settings of sysctl/, on the running
// kernel: limits of the process by prlimit, limits of the network in namespaces of their own.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { Millrace, runMillrace } from './support/millrace.mjs';
import { checkJson, fakeTree, inNetwork, rowOf } from './support/machine.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { waitFor } from './support/wait.mjs';

after(endAll);

const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const sysctlFolder = new URL('../../sysctl/', import.meta.url).pathname;

// --- Descriptors ---------------------------------------------------------------------------------

test('too few descriptors for the admin port: check and serve both say 71', async () => {
  for (const limit of ['300', '300:300']) {
    const check = await runMillrace(['check', '--shards', '2'], {}, limit);
    assert.equal(check.code, 71, check.err);
    assert.match(check.out, /^cap 0: RLIMIT_NOFILE forbids the start \(300\)\n/);
    assert.match(check.out, /^too low \* RLIMIT_NOFILE +300 /m);
    assert.match(check.out, /fix: ulimit -n \d+ \(systemd: LimitNOFILE=\d+\)/);
    const serve = await runMillrace(['serve', '--shards', '2', ...addresses], {}, limit);
    assert.equal(serve.code, 71, serve.err);
    assert.match(serve.err, /^millrace: [^\n]*RLIMIT_NOFILE[^\n]*ulimit -n[^\n]*\n$/);
  }
});

// The soft limit is raised to the hard one, in the check as in the server.
for (const limit of ['1000', '5000', '300:5000', '1024:20000']) {
  test(`the cap of check under ${limit} descriptors is the cap of serve`, async () => {
    const hard = Number(limit.split(':').at(-1));
    const { code, report } = await checkJson(['--shards', '2'], {}, limit);
    assert.equal(code, 0);
    assert.equal(report.asked, 'auto');
    assert.equal(report.decided_by, 'RLIMIT_NOFILE');
    assert.equal(rowOf(report, 'RLIMIT_NOFILE').found, hard);
    assert.equal(rowOf(report, 'RLIMIT_NOFILE').holds, report.cap);
    assert.ok(report.cap > hard / 4 && report.cap < 2 * hard, String(report.cap));
    const server = await Millrace.start({ shards: 2, descriptors: limit });
    assert.match(server.run.out, new RegExp(`max_connections=${report.cap} `));
    const log = `info cap ${report.cap.toLocaleString('en')}: RLIMIT_NOFILE decides`;
    await waitFor(() => server.run.err.includes(log), log);
    await server.stop();
  });
}

test('a cap that does not fit is refused, with 71, cause and fix', async () => {
  const args = ['--shards', '1', '--max-connections', '6000'];
  const check = await runMillrace(['check', ...args], {}, 5000);
  assert.equal(check.code, 71);
  assert.match(check.out, /^cap \d,\d{3} instead of 6,000: RLIMIT_NOFILE decides \(5,000, needed/);
  const serve = await runMillrace(['serve', ...args, ...addresses], {}, 5000);
  assert.equal(serve.code, 71);
  assert.match(serve.err, /^millrace: max_connections 6000 does not fit: [^\n]*ulimit -n[^\n]*\n$/);
  // What the check says mends it.
  const needed = /fix: ulimit -n (\d+)/.exec(check.out)[1];
  assert.equal((await runMillrace(['check', ...args], {}, needed)).code, 0);
  assert.equal((await runMillrace(['check', ...args], {}, Number(needed) - 1)).code, 71);
});

test('or lowered, with a warning, by configuration', async () => {
  const env = { MILLRACE_SERVER_ON_LOW_LIMITS: 'lower' };
  const args = ['--max-connections', '6000'];
  const server = await Millrace.start({ args, env, descriptors: 5000 });
  const { max_connections: cap, max_connections_decided_by: limit } = await server.stats();
  assert.ok(cap > 4000 && cap < 5000, String(cap));
  assert.equal(limit, 'RLIMIT_NOFILE');
  const warning = /warning cap \d,\d{3} instead of 6,000: RLIMIT_NOFILE decides .*; ulimit -n \d+/;
  await waitFor(() => warning.test(server.run.err), 'the warning');
  await (await RawClient.open(server)).leave();
  await server.stop();
});

test('the gauges of descriptors and files are what the kernel says', async () => {
  const server = await Millrace.start({ shards: 2, descriptors: 5000 });
  const clients = [];
  for (let i = 0; i < 20; ++i) clients.push(await RawClient.open(server));
  const { text } = await server.get('/metrics');
  const value = (name) => Number(new RegExp(`^millrace_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  assert.equal(value('max_fds'), 5000);
  const open = readdirSync(`/proc/${server.pid}/fd`).length;
  assert.ok(Math.abs(value('open_fds') - open) <= 2, `${value('open_fds')} and ${open}`);
  assert.equal(value('max_connections'), (await server.stats()).max_connections);
  assert.match(text, /^millrace_max_connections_limit_info\{limit="RLIMIT_NOFILE"\} 1$/m);
  const [files, , most] = readFileSync('/proc/sys/fs/file-nr', 'utf8').split(/\s+/).map(Number);
  assert.equal(value('system_files_max'), most);
  assert.ok(Math.abs(value('system_files_open') - files) < 10_000);
  // Where client sockets are descriptors of the process there are no slots.
  if (text.includes('millrace_direct_slots ')) {
    assert.equal(value('direct_slots_used'), 20);
    assert.equal(value('direct_slots'), 10_000);
  } else {
    assert.ok(open > 20);
  }
  for (const client of clients) await client.leave();
  await server.stop();
});

// --- The network, in a namespace of its own ------------------------------------------------------

test('a small accept queue and few ports are warned of', async (t) => {
  const settings = {
    'net.core.somaxconn': '16',
    'net.ipv4.ip_local_port_range': '10000 10100',
    'net.ipv4.tcp_migrate_req': '0',
  };
  const args = ['check', '--json', '--max-connections', '1000', '--shards', '64'];
  const nats = ['--nats', 'nats://127.0.0.1:4222'];
  const run = await inNetwork(t, settings, [...args, ...nats]);
  if (run === null) return;
  assert.equal(run.code, 0, run.err);
  const report = JSON.parse(run.out);
  const queue = rowOf(report, 'net.core.somaxconn');
  assert.deepEqual([queue.verdict, queue.found, queue.needed], ['warning', 16, 128]);
  assert.equal(queue.fix, 'sysctl -w net.core.somaxconn=128');
  const ports = rowOf(report, 'net.ipv4.ip_local_port_range');
  assert.deepEqual([ports.verdict, ports.found, ports.needed], ['warning', 101, 256]);
  assert.equal(rowOf(report, 'net.ipv4.tcp_migrate_req').verdict, 'warning');
  assert.equal(rowOf(report, 'addresses of a proxy').needed, 20);
  // What it says mends it.
  settings['net.core.somaxconn'] = '128';
  const mended = JSON.parse((await inNetwork(t, settings, args)).out);
  assert.equal(rowOf(mended, 'net.core.somaxconn').verdict, 'ok');
  assert.equal(rowOf(mended, 'net.ipv4.ip_local_port_range').verdict, 'ok');
});

test('serve starts with a small accept queue, and says so', async (t) => {
  const args = ['serve', '--insecure', '--shards', '1', ...addresses];
  const run = await inNetwork(t, { 'net.core.somaxconn': '16' }, args, { until: /too low/ });
  if (run === null) return;
  assert.match(run.err, /info limits that are too low for so many: net\.core\.somaxconn/);
  assert.match(run.out, /^millrace ready/);
});

// --- What only a fixture can show ----------------------------------------------------------------

test('a machine without io_uring is judged from a copy of its files', async () => {
  const root = fakeTree({
    'proc/sys/kernel/io_uring_disabled': '2\n',
    'proc/sys/kernel/osrelease': '6.12.0\n',
    'proc/self/limits': `Max open files     20000     20000     files\n`,
  });
  const args = ['check', '--root', root, '--shards', '2', '--max-connections', '1000'];
  const { code, out } = await runMillrace(args);
  assert.equal(code, 71);
  assert.match(out, /^cap 0: kernel\.io_uring_disabled forbids the start \(2\)\n/);
  assert.match(out, /fix: sysctl -w kernel\.io_uring_disabled=0\n/);
  assert.match(out, /^unknown +net\.core\.somaxconn +not there /m);
});

test('a tree of garbage is no crash', async () => {
  const garbage = '\xff\x00]['.repeat(1000);
  const names = ['proc/self/limits', 'proc/self/cgroup', 'proc/meminfo', 'proc/sys/fs/file-max'];
  const root = fakeTree(Object.fromEntries(names.map((name) => [name, garbage])));
  for (const more of [[], ['--json'], ['--emit', 'sysctl']]) {
    const { code, err } = await runMillrace(['check', '--root', root, ...more]);
    assert.equal(code, more[0] === '--emit' ? 0 : 71);
    assert.equal(err, '');
  }
});

// --- For scripts ---------------------------------------------------------------------------------

test('wrong usage is 64, wrong configuration 78, and neither prints a table', async () => {
  for (const [args, code] of [
    [['check', '--emit', 'all'], 64],
    [['check', '--max-connections', 'many'], 64],
    [['check', '--config', '/nonexistent/millrace.toml'], 78],
  ]) {
    const run = await runMillrace(args);
    assert.equal(run.code, code, run.err);
    assert.equal(run.out, '');
    assert.match(run.err, /^millrace: [^\n]+\n$/);
  }
});

test('the table fits 100 columns and names every limit that JSON has', async () => {
  const args = ['--max-connections', '1000000', '--shards', '64'];
  const { report } = await checkJson(args);
  const { out } = await runMillrace(['check', ...args]);
  assert.ok(report.limits.length >= 25);
  for (const { name } of report.limits) assert.ok(out.includes(` ${name} `), name);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
});

test('the settings that are emitted for a million are those of the folder, or higher', async () => {
  const args = ['check', '--emit', 'sysctl', '--max-connections', '1000000'];
  const { code, out, err } = await runMillrace(args);
  assert.deepEqual([code, err], [0, '']);
  const settings = (text) => [...text.matchAll(/^-?([a-z0-9_.-]+) = (.+)$/gm)];
  const emitted = new Map(settings(out).map(([, name, value]) => [name, value]));
  let count = 0;
  for (const file of readdirSync(sysctlFolder).filter((name) => name.endsWith('.conf'))) {
    for (const [, name, value] of settings(readFileSync(join(sysctlFolder, file), 'utf8'))) {
      ++count;
      assert.ok(emitted.has(name), name);
      // Those of TCP's memory follow from the machine's.
      if (!/tcp_[rw]?mem$/.test(name) && !value.includes(' ')) {
        assert.ok(Number(emitted.get(name)) >= Number(value), name);
      }
    }
  }
  assert.equal(emitted.size, count);
});
