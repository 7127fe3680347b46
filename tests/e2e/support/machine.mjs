// Machines to check: trees of files, and namespaces of the network with settings of their own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { binary, runMillrace } from './millrace.mjs';
import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

// {path: text} as files below a folder that is removed when the test file ends.
export function fakeTree(files) {
  const root = mkdtempSync(join(tmpdir(), 'millrace-tree-'));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, 'latin1');
  }
  return root;
}

// {code, report} of `millrace check --json`.
export async function checkJson(args, env = {}, descriptors = null) {
  const { code, out, err } = await runMillrace(['check', '--json', ...args], env, descriptors);
  if (err !== '') throw new Error(err);
  return { code, report: JSON.parse(out) };
}

export function rowOf(report, name) {
  const row = report.limits.find((one) => one.name === name);
  if (!row) throw new Error(`no row ${name}`);
  return row;
}

// Runs a command to its end: {code, out, err}.
export async function runIn(command, args, options = {}) {
  const run = start(command, args, options);
  const { code } = await within(run.ended, `the end of ${command} ${args.join(' ')}`, 20_000);
  return { code, out: run.out, err: run.err };
}

// Whether a namespace of the network can be made here; skips the test if not.
export async function hasNamespaces(t) {
  const { code, err } = await runIn('unshare', ['-n', 'true']);
  if (code !== 0) t.skip(`no network namespace can be made here: ${err.trim()}`);
  return code === 0;
}

// A shell text that writes settings, each with its own failure.
export function applying(settings) {
  const lines = Object.entries(settings).map(
    ([name, value]) => `echo '${value}' > /proc/sys/${name.replaceAll('.', '/')} || exit 99`,
  );
  return ['ip link set lo up || exit 98', ...lines].join('\n');
}

// Runs millrace in a namespace of its own with these settings: to its end, or until its log says
// `until`. Null if there are no namespaces here.
export async function inNetwork(t, settings, args, { until = null, before = '' } = {}) {
  if (!(await hasNamespaces(t))) return null;
  const script = `${applying(settings)}\n${before}\nexec "$0" "$@"`;
  const command = ['-n', 'sh', '-c', script, binary, ...args];
  if (until === null) return runIn('unshare', command);
  const run = start('unshare', command);
  await waitFor(() => until.test(run.err) && run.out !== '', `${until}, in ${run.err}`, 15_000);
  process.kill(run.pid, 'SIGTERM');
  const { code } = await within(run.ended, 'the end of millrace', 10_000);
  return { code, out: run.out, err: run.err };
}
