// A millrace server as a child process, and what its admin port tells.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { freePort } from './ports.mjs';
import { start } from './processes.mjs';
import { slowness, waitFor, within } from './wait.mjs';

export const binary = process.env.MILLRACE_BIN;
if (!binary) throw new Error('MILLRACE_BIN must name the server, such as build/release/millrace');

export const build = process.env.MILLRACE_BUILD ?? dirname(binary);
export const apiKey = 'a-key-of-the-end-to-end-tests';

// The machine's own MILLRACE_* variables must not reach a server under test.
function environment(extra) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
  return { ...Object.fromEntries(inherited), ...extra };
}

// Runs millrace to its end, with that many descriptors at most: {code, out, err, ms}.
export async function runMillrace(args, env = {}, descriptors = null) {
  const began = performance.now();
  const limited = ['prlimit', [`--nofile=${descriptors}`, '--', binary, ...args]];
  const command = descriptors === null ? [binary, args] : limited;
  const run = start(...command, { env: environment(env) });
  const { code } = await within(run.ended, `the end of millrace ${args.join(' ')}`, 15_000);
  return { code, out: run.out, err: run.err, ms: performance.now() - began };
}

// A configuration file that is removed when the test file ends.
export function configFile(text) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'millrace.toml');
  writeFileSync(path, text);
  return path;
}

export class Millrace {
  // `descriptors`: RLIMIT_NOFILE as prlimit(1) takes it: "soft:hard".
  // `wrapper`: a command that stands in front.
  // `limits`: {write_timeout: '2s'} is MILLRACE_LIMITS_WRITE_TIMEOUT=2s.
  static async start(options = {}) {
    const { args = [], insecure = true, shards = 1, limits = {}, env = {} } = options;
    const listen = options.listen ?? `127.0.0.1:${await freePort()}`;
    const admin = options.admin ?? `127.0.0.1:${await freePort()}`;
    const variables = {
      MILLRACE_API_KEY: apiKey,
      MILLRACE_SERVER_PIN: 'false',
      MILLRACE_LIMITS_DRAIN_TIMEOUT: '1s', // who stops it waits for that
    };
    for (const [name, value] of Object.entries(limits)) {
      variables[`MILLRACE_LIMITS_${name.toUpperCase()}`] = value;
    }
    const all = ['serve', '--listen', listen, '--admin', admin];
    all.push('--shards', String(shards), ...(insecure ? ['--insecure'] : []), ...args);
    const { descriptors, wrapper = [] } = options;
    const limited = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}`, '--'];
    const [command, ...rest] = [...limited, ...wrapper, binary, ...all];
    const run = start(command, rest, { env: environment({ ...variables, ...env }) });
    const server = new Millrace(run);
    const line = await waitFor(() => server.#readyLine(), 'the line "millrace ready"', 15_000);
    server.host = /listen=(\S+)/.exec(line)[1];
    server.admin = /admin=(\S+)/.exec(line)[1];
    server.shards = Number(/shards=(\d+)/.exec(line)[1]);
    server.port = Number(server.host.split(':').at(-1));
    server.url = `ws://${server.host}/connection/websocket`;
    return server;
  }

  constructor(run) {
    this.run = run;
    this.pid = run.pid;
  }

  #readyLine() {
    const line = /^millrace ready.*$/m.exec(this.run.out);
    if (line) return line[0];
    if (this.run.result) {
      throw new Error(`millrace ended at once: ${JSON.stringify(this.run.result)} ${this.run.err}`);
    }
    return null;
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  // Ends it and fails if that is not clean: what a sanitizer found shows here.
  async stop({ signal = 'SIGTERM', code = 0, timeoutMs = 10_000 } = {}) {
    if (!this.run.result) this.signal(signal);
    const result = await within(this.run.ended, 'the end of millrace', timeoutMs);
    if (result.code !== code) {
      throw new Error(`millrace ended with ${JSON.stringify(result)}:\n${this.run.err}`);
    }
  }

  async get(path, timeoutMs = 5000) {
    const signal = AbortSignal.timeout(timeoutMs * slowness);
    const response = await fetch(`http://${this.admin}${path}`, { signal });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  // {millrace_connections: 3, 'millrace_disconnects_total{code="3001"}': 1, ...}
  async metrics() {
    const { text } = await this.get('/metrics');
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => {
        const blank = line.lastIndexOf(' ');
        return [line.slice(0, blank), Number(line.slice(blank + 1))];
      }),
    );
  }

  // All shards have NATS again; /readyz is patient for some seconds.
  async brokerReady() {
    const all = async () => (await this.metric('millrace_broker_ready')) === this.shards;
    await waitFor(all, 'every shard to have its broker', 15_000);
  }

  async metric(name) {
    return (await this.metrics())[name] ?? 0;
  }

  async stats() {
    return JSON.parse((await this.get('/stats')).text);
  }

  async ready() {
    await waitFor(
      async () => (await this.get('/readyz')).status === 200,
      '/readyz to be 200',
      15_000,
    );
  }

  // Resident memory in bytes.
  rss() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024;
  }

  // POST /api/publish: {status, body}. `data` is JSON text, or a value to be made such.
  async publish(channel, data, { key = apiKey, timeoutMs = 10_000 } = {}) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    const response = await fetch(`http://${this.host}/api/publish`, {
      method: 'POST',
      headers: key === null ? {} : { 'X-API-Key': key },
      body: `{"channel":${JSON.stringify(channel)},"data":${text}}`,
      signal: AbortSignal.timeout(timeoutMs * slowness),
    });
    const answer = await response.text();
    return { status: response.status, body: response.status === 200 ? JSON.parse(answer) : answer };
  }
}
