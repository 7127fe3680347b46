// Starts the processes of an example, keeps them running, and ends all of them: what systemd would
// do, in one file. One that ends by itself is started again after a second.
import { spawn } from 'node:child_process';
import { fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const startMs = 20_000;
const restartMs = 1000;
const endMs = 10_000;

// Whether somebody listens on a port of 127.0.0.1.
export function listens(port) {
  return new Promise((resolve) => {
    const probe = connect({ port, host: '127.0.0.1' });
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
}

export async function answers(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

export class Processes {
  #all = new Map(); // by name, in the order of their start
  #ending = false;
  #front = null;

  constructor(title) {
    this.title = title;
    this.folder = mkdtempSync(join(tmpdir(), `millrace-${title}-`)); // logs, and what NATS keeps
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => this.end(0));
  }

  say(text) {
    console.log(`${this.title}: ${text}`);
  }

  // `ready` says, as often as it is asked, whether the process can be used yet; it is given what
  // makes the text that the process has said so far.
  async start(name, command, args, { env = {}, ready }) {
    const one = { name, command, args, ready, log: join(this.folder, `${name}.log`) };
    one.env = { ...process.env, ...env };
    this.#all.set(name, one);
    await this.#launch(one);
  }

  // One that says what it has to say in this terminal, and with whose end all ends.
  async inFront(command, args, env) {
    const child = spawn(command, args.map(String), {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#front = child;
    const code = await new Promise((resolve) => child.once('exit', resolve));
    this.#front = null;
    await this.end(code ?? 1);
  }

  pid(name) {
    return this.#all.get(name).child.pid;
  }

  async #launch(one) {
    const log = openSync(one.log, 'a');
    const { size } = fstatSync(log); // what it said the time before does not count
    const said = () => readFileSync(one.log).subarray(size).toString();
    // Should this process be killed, the kernel ends its children.
    const command = ['--pdeathsig', 'TERM', '--', one.command, ...one.args.map(String)];
    // Ctrl-C is a signal to all of the terminal's processes: of these, when their turn has come.
    const options = { env: one.env, stdio: ['ignore', log, log], detached: true };
    one.child = spawn('setpriv', command, options);
    const { child } = one;
    one.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    one.running = true;
    one.ended.then((how) => {
      one.running = false;
      one.how = how;
    });
    const deadline = performance.now() + startMs;
    while (!(await one.ready(said))) {
      if (this.#ending) return;
      if (!one.running || performance.now() > deadline) await this.#fail(one);
      await sleep(50);
    }
    one.ended.then((how) => this.#restart(one, how));
  }

  async #restart(one, how) {
    if (this.#ending) return;
    this.say(`${one.name} has ended (${how}); it starts again`);
    await sleep(restartMs);
    if (this.#ending) return;
    await this.#launch(one);
    if (!this.#ending) this.say(`${one.name} is back: pid ${one.child.pid}`);
  }

  async #fail(one) {
    if (this.#ending) return;
    const tail = readFileSync(one.log, 'utf8').split('\n').slice(-15).join('\n');
    console.error(`${this.title}: ${one.name} did not start (${one.how ?? 'too slow'}):\n${tail}`);
    await this.end(1);
  }

  // What is in front first, which may want to say how it went.
  async end(code) {
    if (this.#front) return this.#front.kill('SIGTERM');
    if (this.#ending) return;
    this.#ending = true;
    for (const one of [...this.#all.values()].reverse()) {
      if (one.running) one.child.kill('SIGTERM');
    }
    const late = setTimeout(() => {
      for (const { running, child } of this.#all.values()) if (running) child.kill('SIGKILL');
    }, endMs);
    await Promise.all([...this.#all.values()].map(({ ended }) => ended));
    clearTimeout(late);
    rmSync(this.folder, { recursive: true, force: true });
    process.exit(code);
  }
}
