// Ports for the servers that tests start, and start again on the same port.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Below the ports that the kernel hands out: there, any connection of another test, and any server
// that listens on port 0, could take a port between a server's end and its next start.
const first = 20_000;
const count = 12_000;

// Resolves to whether the port is this process's from now on: who has it for UDP has it, whatever
// process it is; tests/support/nats_server.cc agrees.
function keep(port) {
  return new Promise((resolve) => {
    const kept = createSocket('udp4').unref();
    kept.once('error', () => resolve(false));
    kept.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

// A port of 127.0.0.1 that nobody listens on, and that this process has until it ends.
export async function freePort() {
  for (let attempts = 0; attempts < 100; ++attempts) {
    const port = first + Math.floor(Math.random() * count);
    if ((await keep(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no free port from ${first} to ${first + count - 1}`);
}

// The first of `count` such ports in a row.
export async function freePorts(count) {
  for (let attempts = 0; attempts < 100; ++attempts) {
    const port = await freePort();
    let more = 1;
    while (more < count && (await keep(port + more)) && (await isFree(port + more))) ++more;
    if (more === count) return port;
  }
  throw new Error(`no ${count} free ports in a row`);
}
