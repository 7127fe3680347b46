// What both examples stand on: nats-server and a few millrace nodes, on ports of 127.0.0.1.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { answers, listens, Processes } from './processes.mjs';

const examples = fileURLToPath(new URL('..', import.meta.url));
const built = join(examples, '../../build/release/millrace');
const millrace = resolve(process.env.MILLRACE_BIN ?? built);

function fail(code, message) {
  console.error(message);
  process.exit(code);
}

// Numbers from the command line, over the usual ones: {ports: 3100} is `--ports 3100`, the first
// of ten ports.
export function numbers(usual) {
  const names = Object.keys(usual);
  const asText = names.map((name) => [name, { type: 'string', default: String(usual[name]) }]);
  try {
    const { values } = parseArgs({ options: Object.fromEntries(asText) });
    const found = Object.fromEntries(names.map((name) => [name, Number(values[name])]));
    if (names.every((name) => Number.isInteger(found[name]) && found[name] >= 0)) return found;
  } catch {
    // Said below.
  }
  const flags = names.map((name) => `[--${name} ${usual[name]}]`);
  return fail(64, `usage: ./run ${flags.join(' ')}`);
}

async function checkTools(ports) {
  for (const [command, hint] of [
    [millrace, './dev build makes it; MILLRACE_BIN names another one'],
    ['nats-server', 'apt-get install nats-server'],
  ]) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' });
    } catch {
      fail(69, `${command} can't be run: ${hint}`);
    }
  }
  for (const port of ports) {
    if (await listens(port)) fail(74, `port ${port} is taken; --ports FIRST names others`);
  }
  try {
    createRequire(import.meta.url).resolve('nats');
  } catch {
    execFileSync('npm', ['ci', '--prefer-offline'], { cwd: examples, stdio: 'inherit' });
  }
}

// Variables that are meant for another server must not reach these.
function withoutMillrace() {
  const all = Object.keys(process.env).filter((name) => name.startsWith('MILLRACE_'));
  return Object.fromEntries(all.map((name) => [name, undefined]));
}

// NATS on the port `first + 1`, and nodes from `first + 2` on, each with one for clients and one
// for its counters. `first` is for the example itself.
export async function startCluster(title, first, { nodes, config, env }) {
  await checkTools(Array.from({ length: 2 + 2 * nodes }, (_, i) => first + i));
  const processes = new Processes(title);
  const nats = `nats://127.0.0.1:${first + 1}`;
  const store = ['-js', '-sd', join(processes.folder, 'nats')];
  await processes.start('nats', 'nats-server', ['-a', '127.0.0.1', '-p', first + 1, ...store], {
    ready: () => listens(first + 1),
  });
  const urls = [];
  for (let i = 0; i < nodes; ++i) {
    const [clients, admin] = [first + 2 + 2 * i, first + 3 + 2 * i];
    const where = ['--listen', `127.0.0.1:${clients}`, '--admin', `127.0.0.1:${admin}`];
    await processes.start(`node-${i + 1}`, millrace, [
      ...['serve', '--config', config, '--nats', nats, '--shards', '1', ...where],
      ...['--allowed-origin', `http://127.0.0.1:${first}`],
      ...['--allowed-origin', `http://localhost:${first}`],
    ], {
      env: { ...withoutMillrace(), MILLRACE_SERVER_PIN: 'false', ...env },
      ready: () => answers(`http://127.0.0.1:${admin}/readyz`),
    });
    urls.push(`ws://127.0.0.1:${clients}/connection/websocket`);
  }
  return { processes, nats, urls };
}
