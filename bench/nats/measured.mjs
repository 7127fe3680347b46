// What the benchmarks of NATS share: processor time, the machine, and results that are kept.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

// Seconds of processor that a process has used.
export function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

// Resident memory of a process in MiB.
export function residentMiB(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) / 102.4) / 10;
}

// The three load averages: what else the machine was doing.
export const load = () => readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');

export function machine() {
  const broker = execFileSync('nats-server', ['--version'], { encoding: 'utf8' }).trim();
  return {
    at: new Date().toISOString(),
    machine: `${cpus().length} cores, ${cpus()[0].model}, Linux ${release()}`,
    broker,
    load_before: load(),
  };
}

// Prints a result, and writes it where `path` says.
export function keep(result, path) {
  const text = `${JSON.stringify({ ...result, load_after: load() }, null, 2)}\n`;
  process.stdout.write(text);
  if (path !== undefined) writeFileSync(path, text);
}
