// millrace-load as a child process, its events as they come and its report at the end.
import { join } from 'node:path';

import { build } from './millrace.mjs';
import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

const binary = join(build, 'millrace-load');

export class Load {
  // `words` is a command line; `target` is put behind it.
  static start(words, { target = null, key = null, input = 'ignore' } = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'));
    const env = Object.fromEntries(inherited);
    if (key !== null) env.MILLRACE_API_KEY = key;
    const args = [...words.split(' '), '--events', '-'];
    if (target !== null) args.push('--target', target);
    return new Load(start(binary, args, { env, stdio: [input, 'pipe', 'pipe'] }));
  }

  constructor(run) {
    this.run = run;
  }

  events() {
    const lines = this.run.out.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  // The phase's result, once it has ended.
  phase(name) {
    return this.events().find((event) => event.event === 'end' && event.name === name);
  }

  // Resolves once a phase begins.
  async begun(name, timeoutMs = 30_000) {
    const found = () => {
      const is = (event) => event.event === 'begin' && event.name === name;
      if (this.events().some(is)) return true;
      if (this.run.result) throw new Error(`millrace-load ended: ${this.run.err}`);
      return false;
    };
    await waitFor(found, `the phase ${name}`, timeoutMs);
  }

  // {code, text}: the summary stands on the standard error when events go to the other.
  async end(timeoutMs = 60_000) {
    const { code, signal } = await within(this.run.ended, 'the end of millrace-load', timeoutMs);
    if (signal) throw new Error(`millrace-load was ended by ${signal}: ${this.run.err}`);
    return { code, text: this.run.err };
  }
}

// Runs it to its end: {code, text, phase(name)}.
export async function runLoad(words, options = {}) {
  const load = Load.start(words, options);
  const { code, text } = await load.end();
  return { code, text, phase: (name) => load.phase(name), events: () => load.events() };
}
