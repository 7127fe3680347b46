// What this kernel makes of the settings of sysctl/ and of limits that only root can move. What can
// be changed in a namespace is changed in one; what is the whole machine's is put back.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { binary, Millrace, runMillrace } from './support/millrace.mjs';
import { hasNamespaces, inNetwork, rowOf, runIn } from './support/machine.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { slowness } from './support/wait.mjs';

after(endAll);

const folder = new URL('../../sysctl/', import.meta.url).pathname;
const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const scratch = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const pathOf = (setting) => `/proc/sys/${setting.replaceAll('.', '/')}`;
const plain = (value) => value.trim().split(/\s+/).join(' ');
const valueOf = (setting) => plain(readFileSync(pathOf(setting), 'utf8'));

function folderSettings() {
  const settings = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.conf'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
      const [, name, value] = /^-?([a-z0-9_.-]+) = (\S.*)$/.exec(line) ?? assert.fail(line);
      assert.ok(!settings.has(name), name);
      settings.set(name, value);
    }
  }
  return settings;
}

async function has(t, command, args = ['--version']) {
  const { code } = await runIn(command, args).catch(() => ({ code: null }));
  if (code !== 0) t.skip(`${command} is not here`);
  return code === 0;
}

// --- The folder ----------------------------------------------------------------------------------

// Outside the network nothing is a namespace's, so nothing outside it is written.
test('the folder applies in a namespace, as far as its settings are namespaced', async (t) => {
  if (!(await hasNamespaces(t))) return;
  const settings = folderSettings();
  const before = new Map([...settings.keys()].filter((name) => existsSync(pathOf(name)))
    .map((name) => [name, valueOf(name)]));
  const script = `while read -r name value; do
      file=/proc/sys/$(echo "$name" | tr . /)
      [ -w "$file" ] || { echo "skipped $name"; continue; }
      echo "$name = $value" > ${scratch}/one.conf
      sysctl -q -p ${scratch}/one.conf >&2 || echo "failed $name"
      echo "set $name $(cat "$file")"
    done < ${scratch}/list`;
  const network = [...settings].filter(([name]) => name.startsWith('net.'));
  writeFileSync(join(scratch, 'list'), network.map((one) => `${one.join(' ')}\n`).join(''));
  const { code, out, err } = await runIn('unshare', ['-n', 'sh', '-c', script]);
  assert.equal(code, 0, err);
  const lines = out.trim().split('\n').map((line) => line.split(/\s+/));
  const named = (what) => lines.filter(([verb]) => verb === what).map(([, name]) => name);
  assert.deepEqual(named('failed'), [], err);
  for (const [verb, name, ...value] of lines) {
    if (verb === 'set') assert.equal(value.join(' '), settings.get(name), name);
  }
  const here = [...settings.keys()].filter((name) => !name.startsWith('net.'));
  t.diagnostic(`set and read back: ${named('set').join(', ')}`);
  t.diagnostic(`not namespaced, left alone: ${[...named('skipped'), ...here].join(', ')}`);
  for (const name of ['net.core.somaxconn', 'net.ipv4.ip_local_port_range',
    'net.ipv4.tcp_max_syn_backlog', 'net.ipv4.tcp_syncookies', 'net.ipv4.tcp_rmem',
    'net.ipv4.tcp_migrate_req']) {
    assert.ok(named('set').includes(name), `${name} was not set: ${out}`);
  }
  for (const [name, value] of before) assert.equal(valueOf(name), value, `${name} of the machine`);
});

test('a namespace that is set so has nothing left to warn of there', async (t) => {
  const settings = Object.fromEntries(
    [...folderSettings()].filter(([name]) =>
      ['net.core.somaxconn', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_migrate_req',
        'net.ipv4.tcp_rmem', 'net.ipv4.tcp_max_tw_buckets'].includes(name)),
  );
  const args = ['check', '--json', '--max-connections', '1000000', '--shards', '64'];
  const run = await inNetwork(t, settings, args);
  if (run === null) return;
  const report = JSON.parse(run.out);
  for (const name of Object.keys(settings)) {
    // How much one connection may take depends on this machine's memory.
    if (name !== 'net.ipv4.tcp_rmem') assert.equal(rowOf(report, name).verdict, 'ok', name);
  }
});

test('systemd takes the unit', async (t) => {
  if (!(await has(t, 'systemd-analyze'))) return;
  const unit = readFileSync(join(folder, 'millrace.service'), 'utf8')
    .replaceAll('/usr/local/bin/millrace', binary)
    .replaceAll(/^(User|Group)=millrace$/gm, '$1=root');
  const copy = join(scratch, 'millrace.service');
  writeFileSync(copy, unit);
  const { code, err } = await runIn('systemd-analyze', ['verify', copy]);
  assert.equal(code, 0, err);
  assert.ok(!err.includes('Unknown key'), err);
});

// The filter is systemd's to apply; that every call of the server is in it can be seen without.
test('the filter of the unit names every system call that the server makes', async (t) => {
  if (!(await has(t, 'systemd-analyze')) || !(await has(t, 'strace', ['-V']))) return;
  if (slowness > 1) return t.skip('the sanitizers make calls of their own');
  const { out: sets } = await runIn('systemd-analyze', ['syscall-filter']);
  const allowed = new Set(['io_uring_setup', 'io_uring_enter', 'io_uring_register']);
  const members = new Map();
  let set = '';
  for (const line of sets.split('\n')) {
    if (line.startsWith('@')) members.set((set = line.trim()), []);
    else if (/^ {4}[^ #]/.test(line)) members.get(set)?.push(line.trim());
  }
  const add = (name) =>
    name.startsWith('@') ? members.get(name).forEach(add) : allowed.add(name);
  add('@system-service');
  assert.ok(allowed.size > 200);

  const nats = await NatsServer.start();
  const trace = join(scratch, 'trace');
  const wrapper = ['strace', '-f', '-qq', '-e', 'signal=none', '-o', trace];
  const server = await Millrace.start({ shards: 2, wrapper, args: ['--nats', nats.url] });
  const client = await RawClient.open(server);
  await client.subscribe('news');
  assert.equal((await server.get('/metrics')).status, 200);
  await client.leave();
  // strace passes no signal on: the server is its child.
  const child = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim();
  process.kill(Number(child), 'SIGTERM');
  await server.run.ended;
  const calls = readFileSync(trace, 'utf8').matchAll(/^\d+ +([a-z_0-9]+)\(/gm);
  const made = new Set([...calls].map(([, name]) => name));
  assert.ok(made.has('io_uring_enter') && made.has('listen'), [...made].join(' '));
  assert.deepEqual([...made].filter((name) => !allowed.has(name)), []);
});

// --- Who may lock little memory ------------------------------------------------------------------

// The kernel counts what a user has locked and gives it back late, so each try is another user's.
let user = 200_000 + (process.pid % 100_000) * 10;
const unprivileged = (bytes) => {
  const id = String(++user);
  return ['prlimit', `--memlock=${bytes}:${bytes}`, 'setpriv', '--no-new-privs', '--reuid', id,
    '--regid', id, '--clear-groups', '--bounding-set', '-all', '--inh-caps', '-all', 'env',
    ...['MILLRACE_SERVER_PIN=false', binary]];
};

test('check and serve agree on locked memory, without any capability', async (t) => {
  if (process.getuid() !== 0) return t.skip('only root can be another user');
  const other = ['--reuid', '65534', '--clear-groups', binary, 'version'];
  const reachable = await runIn('setpriv', other);
  if (reachable.code !== 0) return t.skip(`another user can't run ${binary}`);
  const check = ['check', '--json', '--shards', '2', '--max-connections', '100'];
  const try_ = async (bytes, args) => {
    const [command, ...rest] = unprivileged(bytes);
    return runIn(command, [...rest, ...args]);
  };
  const first = JSON.parse((await try_(0, check)).out);
  const { needed, verdict } = rowOf(first, 'RLIMIT_MEMLOCK');
  assert.ok(needed > 1_000_000, String(needed));
  if (verdict === 'ok') return t.diagnostic('this kernel counts no ring as locked memory');
  const enough = await try_(needed, check);
  assert.equal(enough.code, 0, enough.out);
  const little = await try_(needed - 1, check);
  assert.equal(little.code, 71);
  assert.equal(JSON.parse(little.out).decided_by, 'RLIMIT_MEMLOCK');
  const refused = await try_(needed - 1, ['serve', '--shards', '2', '--insecure', ...addresses]);
  assert.equal(refused.code, 71);
  assert.match(refused.err, /^millrace: RLIMIT_MEMLOCK forbids the start: [^\n]*ulimit -l \d+/);
  const server = await Millrace.start({ shards: 2, wrapper: unprivileged(needed).slice(0, -2) });
  await (await RawClient.open(server)).leave();
  await server.stop();
});

// --- Connection tracking -------------------------------------------------------------------------

const conntrackMax = '/proc/sys/net/netfilter/nf_conntrack_max';

// The maximum is the whole machine's. Nothing is tracked outside the namespaces of this test, or
// this test would stand in the way: then it is skipped.
async function withConntrackMax(t, value, run) {
  if (!(await hasNamespaces(t)) || !(await has(t, 'nft'))) return;
  if (!existsSync(conntrackMax)) return t.skip('this kernel tracks no connections');
  if (valueOf('net.netfilter.nf_conntrack_count') !== '0') {
    return t.skip('this machine tracks connections');
  }
  const before = readFileSync(conntrackMax, 'utf8');
  const restore = () => writeFileSync(conntrackMax, before);
  process.on('exit', restore);
  try {
    writeFileSync(conntrackMax, value);
  } catch (error) {
    return t.skip(`nf_conntrack_max can't be set here: ${error.message}`);
  }
  try {
    await run();
  } finally {
    restore();
    process.off('exit', restore);
  }
  assert.equal(readFileSync(conntrackMax, 'utf8'), before);
}

// Rules that need tracking, and one datagram that is tracked.
const tracking = `nft -f - <<'END' || exit 97
table inet tracking {
  chain input { type filter hook input priority 0; ct state new accept
  }
  chain output { type filter hook output priority 0; ct state new accept
  }
}
END
bash -c 'echo > /dev/udp/127.0.0.1/9'`;

test('a lowered conntrack maximum bounds the cap where connections are tracked', async (t) => {
  await withConntrackMax(t, '1000', async () => {
    const args = ['check', '--json', '--shards', '2', '--max-connections', '5000'];
    const run = await inNetwork(t, {}, args, { before: tracking });
    assert.equal(run.code, 71, run.err);
    const report = JSON.parse(run.out);
    const row = rowOf(report, 'nf_conntrack_max');
    assert.equal(report.decided_by, 'nf_conntrack_max');
    assert.deepEqual([row.verdict, row.found], ['too low', 1000]);
    const used = row.needed - 6250;
    assert.ok(used >= 1 && used < 10, String(used));
    assert.equal(report.cap, Math.floor(((1000 - used) * 4) / 5));
    assert.match(row.fix, /^sysctl -w net\.netfilter\.nf_conntrack_max=625\d, or NOTRACK/);

    // Without rules nothing is tracked, and nothing bound.
    const idle = JSON.parse((await inNetwork(t, {}, args)).out);
    assert.equal(rowOf(idle, 'nf_conntrack_max').found_text, 'not active');
    assert.equal(idle.cap, 5000);

    const serve = ['serve', '--insecure', '--shards', '2', ...addresses, '--max-connections'];
    const refused = await inNetwork(t, {}, [...serve, '5000'], { before: tracking });
    assert.equal(refused.code, 71);
    const what = /^millrace: max_connections 5000 does not fit: nf_conntrack_max holds 79\d /;
    assert.match(refused.err, what);
    assert.match(refused.err, /sysctl -w net\.netfilter\.nf_conntrack_max=625\d/);
    const lower = `${tracking}\nexport MILLRACE_SERVER_ON_LOW_LIMITS=lower`;
    const lowered = await inNetwork(t, {}, [...serve, '5000'], { before: lower, until: /too low/ });
    assert.match(lowered.out, / max_connections=79\d /);
    assert.match(lowered.err, /warning cap 79\d instead of 5,000: nf_conntrack_max decides/);
  });
});

test('NOTRACK as in the folder keeps clients out of the table', async (t) => {
  await withConntrackMax(t, '262144', async () => {
    const rules = `${tracking.split('\n').slice(0, -1).join('\n')}`;
    // The line of the run before must not pass for this one's.
    const connect = `rm -f ${scratch}/ready
      ${binary} serve --insecure --shards 1 --listen 127.0.0.1:8000 \
          --admin 127.0.0.1:8001 > ${scratch}/ready & server=$!
      for try in $(seq 200); do grep -q ready ${scratch}/ready && break; sleep 0.05; done
      bash -c 'exec 3<>/dev/tcp/127.0.0.1/8000 && cat /proc/sys/net/netfilter/nf_conntrack_count'
      kill $server; wait $server`;
    const counts = [];
    for (const more of ['', `nft -f ${folder}notrack.nft || exit 96`]) {
      const script = `ip link set lo up\n${rules}\n${more}\n${connect}`;
      const { code, out, err } = await runIn('unshare', ['-n', 'sh', '-c', script]);
      assert.equal(code, 0, err);
      counts.push(Number(out.trim()));
    }
    assert.ok(counts[0] > 0, String(counts));
    assert.equal(counts[1], 0);
    const args = ['check', '--json', '--max-connections', '300000', '--shards', '32'];
    const exempt = { before: `${tracking}\nexport MILLRACE_SERVER_CONNTRACK_EXEMPT=true` };
    assert.equal(JSON.parse((await inNetwork(t, {}, args, exempt)).out).fits, true);
    const bound = JSON.parse((await inNetwork(t, {}, args, { before: tracking })).out);
    assert.equal(bound.decided_by, 'nf_conntrack_max');
  });
});

test('check reads, and applies nothing', async () => {
  const names = [...folderSettings().keys()].filter((name) => existsSync(pathOf(name)));
  const before = names.map(valueOf);
  await runMillrace(['check', '--max-connections', '1000000']);
  await runMillrace(['check', '--max-connections', '1000000', '--emit', 'sysctl']);
  assert.deepEqual(names.map(valueOf), before);
});
