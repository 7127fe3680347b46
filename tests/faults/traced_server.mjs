// A server under strace, which makes one of its system calls fail.
//
// The server reads its configuration from a pipe and waits there while strace attaches, so that the
// calls of the dynamic loader are over and the first that counts is main()'s. strace counts by
// thread: the Nth call of each thread that makes so many.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { start } from '../e2e/support/processes.mjs';
import { RawClient } from '../e2e/support/raw_client.mjs';
import { sleep, waitFor, within } from '../e2e/support/wait.mjs';

const apiKey = 'a-key-of-the-fault-tests';
const config = `
[server]
listen = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
shards = 1
pin = true
[api]
key = "${apiKey}"
[broker]
kind = "memory"
`;
const limitMs = 10_000;

// Opens the pipe for writing once the server has it open for reading.
async function writerOf(fifo, server) {
  return waitFor(() => {
    if (server.result) throw new Error(`ended before its configuration: ${server.err}`);
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (error.code === 'ENXIO') return null;
      throw error;
    }
  }, 'the server to open its configuration');
}

// A server whose read has failed may be gone already.
function writeConfig(writer) {
  try {
    writeSync(writer, config);
  } catch (error) {
    if (error.code !== 'EPIPE') throw error;
  } finally {
    closeSync(writer);
  }
}

export class CannotTrace extends Error {}

export class TracedServer {
  // `trace`: strace's own arguments. Throws CannotTrace if it is missing or can't attach.
  static async start(trace) {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
    const fifo = join(folder, 'millrace.toml');
    execFileSync('mkfifo', [fifo]);
    const env = { PATH: process.env.PATH };
    const run = start(process.env.MILLRACE_BIN, ['serve', '--insecure', '--config', fifo], { env });
    const server = new TracedServer(run, folder);
    const writer = await writerOf(fifo, run);
    const log = join(folder, 'strace.log');
    server.strace = start('strace', ['-f', '-o', log, ...trace, '-p', String(run.pid)]);
    try {
      await waitFor(() => server.#attached(), 'strace to attach');
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    } finally {
      writeConfig(writer);
    }
  }

  constructor(run, folder) {
    this.run = run;
    this.folder = folder;
  }

  #attached() {
    if (/ attached/.test(this.strace.err)) return true;
    if (this.strace.result) throw new CannotTrace(this.strace.err.trim());
    return false;
  }

  // True once it is ready, false if it ended before.
  async ready() {
    const line = await waitFor(
      () => /^millrace ready.*$/m.exec(this.run.out)?.[0] ?? (this.run.result ? 'ended' : null),
      'the line "millrace ready", or the end',
      limitMs,
    );
    if (line === 'ended') return false;
    this.host = /listen=(\S+)/.exec(line)[1];
    this.admin = /admin=(\S+)/.exec(line)[1];
    this.port = Number(this.host.split(':').at(-1));
    return true;
  }

  async #serveOnce() {
    const signal = AbortSignal.timeout(limitMs);
    const ready = await fetch(`http://${this.admin}/readyz`, { signal });
    if (ready.status !== 200) throw new Error(`/readyz: ${ready.status}`);
    const client = await RawClient.open(this);
    await client.subscribe('news');
    const answer = await fetch(`http://${this.host}/api/publish`, {
      method: 'POST',
      headers: { 'X-API-Key': apiKey },
      body: '{"channel":"news","data":{"n":1}}',
      signal,
    });
    if (answer.status !== 200) throw new Error(`/api/publish: ${answer.status}`);
    await waitFor(() => client.messages.some((one) => one.push?.pub), 'the publication', 2000);
    await client.leave();
  }

  // A client may meet the fault, and comes back then.
  async serve() {
    for (let left = 3; ; --left) {
      try {
        await this.#serveOnce();
        return;
      } catch (error) {
        if (left === 0 || this.run.result) throw error;
        await sleep(100);
      }
    }
  }

  async end() {
    if (!this.run.result) process.kill(this.run.pid, 'SIGTERM');
    return within(this.run.ended, 'the end', limitMs);
  }

  // What strace wrote; the server must have ended.
  async log() {
    await within(this.strace.ended, 'the end of strace', limitMs);
    return readFileSync(join(this.folder, 'strace.log'), 'utf8');
  }

  async remove() {
    if (!this.run.result) this.run.child.kill('SIGKILL');
    await within(this.run.ended, 'the end after SIGKILL', limitMs);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
