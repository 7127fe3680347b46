// How the server starts, refuses to start, and ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, test } from 'node:test';

import { configFile, Millrace, runMillrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { closePayload, opcodes, RawClient } from './support/raw_client.mjs';
import { sleep, slowness, waitFor, within } from './support/wait.mjs';

after(endAll);

// Runs a start that must fail: one line with cause and fix, the right exit code, soon.
async function refused(args, { code, says, env, descriptors }) {
  const { code: ended, out, err, ms } = await runMillrace(['serve', ...args], env, descriptors);
  const what = `${args.join(' ')}: ${err}`;
  assert.equal(ended, code, what);
  assert.match(err, /^millrace: [^\n]+\n$/, what);
  for (const one of [says].flat()) assert.match(err, one, what);
  assert.equal(out, '', what);
  assert.ok(ms < 2000 * slowness, `took ${ms} ms`);
}

const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} tells clients 3001 and ends with 0`, async () => {
    const server = await Millrace.start({ shards: 2 });
    const clients = [];
    for (let i = 0; i < 20; ++i) clients.push(await RawClient.open(server));
    await clients[0].subscribe('last-words');
    server.signal(signal);
    for (const client of clients) {
      const { code, reason } = await client.closed();
      assert.equal(code, 3001);
      assert.notEqual(reason, '');
      client.send({ opcode: opcodes.close, payload: closePayload(3001) });
    }
    const { code } = await within(server.run.ended, 'the end', 3000);
    assert.equal(code, 0, server.run.err);
    for (const client of clients) await within(client.ended, 'the end of the connection');
  });
}

test('while it drains, /readyz says so and nobody new gets in', async () => {
  const server = await Millrace.start({ limits: { drain_timeout: '3s' } });
  const mute = await RawClient.open(server); // does not answer the close frame
  server.signal('SIGTERM');
  assert.equal((await mute.closed()).code, 3001);
  const { status, text } = await server.get('/readyz');
  assert.equal(status, 503);
  assert.match(text, /drain/);
  assert.equal((await server.get('/healthz')).status, 200);
  await assert.rejects(RawClient.open(server));
  await mute.leave();
  const { code } = await within(server.run.ended, 'the end');
  assert.equal(code, 0, server.run.err);
});

test('a client that does not answer holds the end up for drain_timeout at most', async () => {
  const server = await Millrace.start({ limits: { drain_timeout: '700ms' } });
  const clients = [];
  for (let i = 0; i < 3; ++i) clients.push(await RawClient.open(server));
  const idle = new RawClient(server); // no handshake at all
  await sleep(100);
  const start = performance.now();
  await server.stop();
  const ms = performance.now() - start;
  assert.ok(ms > 600 && ms < 2000 * slowness, `took ${ms} ms`);
  for (const client of [...clients, idle]) await within(client.ended, 'the end of the connection');
});

test('a server without clients ends at once, and its ports are free again', async () => {
  const server = await Millrace.start();
  const start = performance.now();
  await server.stop();
  assert.ok(performance.now() - start < 1000 * slowness);
  const again = await Millrace.start({ listen: server.host, admin: server.admin });
  await (await RawClient.open(again)).leave();
  await again.stop();
});

test('a port in use is exit code 74, the admin port too', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const taken = `127.0.0.1:${holder.address().port}`;
  const says = [new RegExp(taken.replaceAll('.', '\\.')), /in use/];
  await refused(['--listen', taken, '--admin', '127.0.0.1:0'], { code: 74, says });
  await refused(['--listen', '127.0.0.1:0', '--admin', taken], { code: 74, says });
  holder.close();
});

test('the port of a running millrace is in use too', async () => {
  const server = await Millrace.start();
  await refused(['--listen', server.host, '--admin', '127.0.0.1:0'], { code: 74, says: /in use/ });
  await refused(['--listen', '127.0.0.1:0', '--admin', server.admin], { code: 74, says: /in use/ });
  await (await RawClient.open(server)).leave();
  await server.stop();
});

test('an address that is not of this machine is exit code 74', async () => {
  const args = ['--listen', '192.0.2.1:8000', '--admin', '127.0.0.1:0'];
  await refused(args, { code: 74, says: /192\.0\.2\.1:8000/ });
});

test('a bad flag or value is exit code 64 and names the nearest', async () => {
  await refused(['--lisen', '127.0.0.1:1'], { code: 64, says: [/--lisen/, /--listen/] });
  await refused(['--insecur'], { code: 64, says: /--insecure/ });
  await refused(['--shards', 'many'], { code: 64, says: [/shards/, /many/] });
  await refused(['--shards'], { code: 64, says: /--shards/ });
  await refused(['--broker', 'kafka'], { code: 64, says: [/kafka/, /memory/, /nats/] });
  await refused(['--listen', 'localhost:8000'], { code: 64, says: /numeric/ });
  await refused(['surprise'], { code: 64, says: /surprise/ });
});

test('a command that there is not is exit code 64', async () => {
  const { code, err } = await runMillrace(['server']);
  assert.equal(code, 64);
  assert.match(err, /^millrace: [^\n]*serve[^\n]*\n$/);
  assert.equal((await runMillrace([])).code, 64);
});

test('a bad configuration file is exit code 78 and names file and line', async () => {
  const cases = [
    ['[server]\nshard = 2\n', /:2\b/, /shards/],
    ['[servr]\nshards = 2\n', /:1\b/, /server/],
    ['[server]\n\nshards = "two"\n', /:3\b/, /shards/],
    ['[limits]\nwrite_timeout = "10"\n', /:2\b/, /write_timeout/],
    ['[server\n', /:1\b/],
    ['[namespaces.game]\ninterest = "all"\n', /:2\b/, /channel/, /prefix/],
    ['[namespaces.millrace]\ninterest = "channel"\n', /:1\b/, /millrace/],
  ];
  for (const [text, ...says] of cases) {
    const file = configFile(text);
    const named = new RegExp(file.replaceAll('.', '\\.'));
    await refused(['--config', file, ...addresses], { code: 78, says: [named, ...says] });
  }
});

test('a missing file and a bad variable are exit code 78', async () => {
  const missing = ['--config', '/nonexistent/millrace.toml'];
  await refused([...missing, ...addresses], { code: 78, says: /nonexistent/ });
  const bad = (env, says) => refused(addresses, { code: 78, says, env });
  await bad({ MILLRACE_SERVER_SHARDS: 'two' }, /MILLRACE_SERVER_SHARDS/);
  await bad({ MILLRACE_SERVER_SHARD: '2' }, /MILLRACE_SERVER_SHARDS/);
  await bad({ MILLRACE_API_KEY: 'short' }, /MILLRACE_API_KEY/);
  const secret = 'a-secret-with-a-line\nbreak';
  const { err } = await runMillrace(['serve', ...addresses], { MILLRACE_API_KEY: secret });
  assert.ok(!err.includes('a-secret'), err);
});

test('more connections than the machine allows is exit code 71', async () => {
  const args = ['--max-connections', '100000000', '--shards', '1', ...addresses];
  await refused(args, { code: 71, says: [/100000000/, /ulimit -n/, /lower the cap/] });
});

// Which of the two texts comes is the kernel's matter: where client sockets live depends on it.
test('too few descriptors is exit code 71 and names a fix that is one', async () => {
  const few = ['--shards', '4', ...addresses];
  const start = { code: 71, descriptors: 80 };
  await refused(few, { ...start, says: [/admin port|4 shards hold 0/, /ulimit -n/] });
  await refused(few, { ...start, says: /^(?!.*(more shards|lower the cap|320 client))/ });
  // Not even the trial of what the kernel can do. The sanitizers need descriptors themselves, to
  // look at memory, and without one they see errors that are none.
  if (slowness > 1) return;
  await refused(few, { code: 71, descriptors: 5, says: [/descriptor/i, /ulimit -n/] });
});

test('NATS that is required and away is exit code 69', async () => {
  // Port 1 of the loopback: nobody listens there.
  const env = { MILLRACE_BROKER_REQUIRE: 'true' };
  const args = ['--nats', 'nats://user:hush@127.0.0.1:1', '--shards', '2', ...addresses];
  const { code, err, ms } = await runMillrace(['serve', ...args], env);
  assert.equal(code, 69, err);
  assert.match(err, /^millrace: [^\n]*127\.0\.0\.1:1[^\n]*require[^\n]*\n$/);
  assert.ok(!err.includes('hush'), err);
  assert.ok(ms < 4000 * slowness, `took ${ms} ms`);
});

test('the help and the version', async () => {
  for (const args of [['--help'], ['-h'], ['serve', '--help'], ['token', '--help']]) {
    const { code, out, err } = await runMillrace(args);
    assert.deepEqual([code, err], [0, ''], args.join(' '));
    assert.match(out, /Usage: millrace/);
    assert.ok(out.split('\n').every((line) => line.length <= 100));
  }
  const { out: commands } = await runMillrace(['--help']);
  for (const name of ['serve', 'check', 'token', 'version']) {
    assert.match(commands, new RegExp(`^ {4}${name} `, 'm'));
  }
  const { out } = await runMillrace(['serve', '--help']);
  for (const flag of ['--config', '--listen', '--admin', '--shards', '--nats', '--insecure']) {
    assert.ok(out.includes(flag), flag);
  }
  for (const args of [['version'], ['--version']]) {
    const version = await runMillrace(args);
    assert.deepEqual([version.code, version.err], [0, '']);
    assert.match(version.out, /^millrace \d+\.\d+\.\d+\n$/);
  }
});

test('--check-config judges without starting', async () => {
  const right = await runMillrace(['serve', '--check-config', ...addresses]);
  assert.equal(right.code, 0);
  await refused(['--check-config', '--config', configFile('[x]\n')], { code: 78, says: /:1\b/ });
});

test('flags win over variables, which win over the file', async () => {
  const file = configFile('[server]\nshards = 1\nmax_connections = 100\n');
  const env = { MILLRACE_SERVER_MAX_CONNECTIONS: '200' };
  const server = await Millrace.start({ shards: 3, args: ['--config', file], env });
  assert.equal(server.shards, 3);
  assert.equal((await server.stats()).max_connections, 200);
  await server.stop();
});

test('it listens on IPv4 and IPv6, and warns of --insecure', async () => {
  // Some containers have no IPv6.
  const has6 =
    existsSync('/proc/net/if_inet6') && /^0{31}1 /m.test(readFileSync('/proc/net/if_inet6'));
  const server = await Millrace.start({ args: has6 ? ['--listen', '[::1]:0'] : [] });
  const open = [...server.run.out.matchAll(/listen=(\S+)/g)].map(([, address]) => address);
  assert.equal(open.length, has6 ? 2 : 1);
  for (const address of open) assert.equal((await fetch(`http://${address}/`)).status, 200);
  await waitFor(() => /insecure/.test(server.run.err), 'the warning');
  await server.stop();
});
