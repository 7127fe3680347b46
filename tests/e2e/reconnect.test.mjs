// A mass reconnect asks nobody (004-28, 004-32): tokens say who each client is, and what it missed
// is in memory. So the server makes no connection and opens no file while a crowd comes back.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { recoverable } from './support/configs.mjs';
import { runLoad } from './support/load.mjs';
import { Millrace, apiKey, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { secret } from './support/tokens.mjs';
import { scaled, slowness, waitFor } from './support/wait.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
after(async () => {
  await endAll();
  rmSync(scratch, { recursive: true });
});

const config = configFile(`${recoverable}presence = true
`);

for (const protocol of ['json', 'flatbuffers']) {
  test(`${protocol}: a crowd comes back, recovered, and the server asks nobody`, async (t) => {
    if (slowness > 1) return t.skip('the sanitizers open files of their own');
    const connections = scaled(1_000);
    const trace = join(scratch, protocol);
    const calls = 'trace=connect,socket,open,openat,openat2';
    const wrapper = ['strace', '-f', '-qq', '-e', 'signal=none', '-e', calls, '-o', trace];
    const args = ['--config', config];
    const server = await Millrace.start({ insecure: false, shards: 2, wrapper, args });
    assert.match(readFileSync(trace, 'utf8'), /socket\(/, 'strace sees the start');
    const before = readFileSync(trace, 'utf8').length;
    const words = `reconnect --connections ${connections} --protocol ${protocol} --backoff 2s`;
    const away = `--token-secret ${secret} --recover --cut-publish 20 --rate 20`;
    const run = await runLoad(`${words} ${away}`, { target: server.host, key: apiKey });
    assert.equal(run.code, 0, run.text);
    const cut = run.phase('cut');
    assert.deepEqual([cut.recovered, cut.unrecovered, cut.up], [connections, 0, connections]);
    assert.deepEqual([cut.holes, cut.duplicates, cut.out_of_order], [0, 0, 0]);
    assert.ok((await server.metric('millrace_recoveries_total')) >= connections);
    // What watches the machine's memory reads /proc and /sys/fs/cgroup.
    const lines = readFileSync(trace, 'utf8').slice(before).split('\n');
    const asked = lines.filter((line) => line !== '' && !/"\/(proc|sys)\//.test(line));
    assert.deepEqual(asked, []);
    // strace passes no signal on: the server is its child.
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
    process.kill(Number(children.trim()), 'SIGTERM');
    await waitFor(() => server.run.result, 'the end of the server', 10_000);
    assert.equal(server.run.result.code, 0, server.run.err);
  });
}
