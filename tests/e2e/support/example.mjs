// An example of docs/examples, started by its one command, `./run`, as a person would.
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePorts } from './ports.mjs';
import { atEnd, start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

const ports = 10;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// A copy beside the packages of the tests, so that nothing is installed into the examples' folder.
function copyExamples() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-examples-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(here('../../../docs/examples'), folder, { recursive: true });
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
  symlinkSync(here('../../node_modules'), join(folder, 'node_modules'));
  return folder;
}

export class Example {
  // `args` are the command's own.
  static async start(name, { env = {}, args: own = [] } = {}) {
    const example = new Example();
    example.name = name;
    example.port = await freePorts(ports);
    example.folder = join(copyExamples(), name);
    const args = ['--ports', String(example.port), ...own];
    example.run = start(join(example.folder, 'run'), args, { env: { ...process.env, ...env } });
    atEnd(() => example.stop());
    await waitFor(() => {
      const { result, out, err } = example.run;
      if (result) throw new Error(`${name} ended: ${out}${err}`);
      return out.includes('Ctrl-C ends everything');
    }, `${name} to be ready`, 60_000);
    example.site = `http://127.0.0.1:${example.port}`;
    example.natsUrl = `nats://127.0.0.1:${example.port + 1}`;
    example.logs = /logs: (\S+)/.exec(example.run.out)[1];
    return example;
  }

  // Node `i`, as the clients of these tests take one: {host, port, url, admin}.
  node(i) {
    const port = this.port + 2 + 2 * i;
    const host = `127.0.0.1:${port}`;
    return { host, port, url: `ws://${host}/connection/websocket`, admin: `127.0.0.1:${port + 1}` };
  }

  // Of the process that has that name now.
  pid(name) {
    const said = new RegExp(`kill -9 (\\d+) +${name}\\b|${name} is back: pid (\\d+)`, 'g');
    const [, first, again] = [...this.run.out.matchAll(said)].at(-1);
    return Number(again ?? first);
  }

  // Ends a process, and resolves when the example has started it again.
  async restart(name, signal = 'SIGKILL') {
    const old = this.pid(name);
    process.kill(old, signal);
    await waitFor(() => this.pid(name) !== old, `${name} to be back`, 30_000);
  }

  async metric(i, name) {
    const text = await (await fetch(`http://${this.node(i).admin}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line ? Number(line.slice(name.length)) : 0;
  }

  // By Ctrl-C, or as systemd would.
  async stop(signal = 'SIGTERM') {
    if (!this.run.result) process.kill(this.run.pid, signal);
    return within(this.run.ended, `the end of ${this.name}`, 20_000);
  }
}
