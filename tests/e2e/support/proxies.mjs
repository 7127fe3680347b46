// Debian's nginx and haproxy as child processes, set up for WebSockets as their manuals say.
// `./dev test` unpacks them in build/proxies; installed ones will do.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort } from './ports.mjs';
import { start } from './processes.mjs';
import { waitFor } from './wait.mjs';

const folders = mkdtempSync(join(tmpdir(), 'millrace-proxies-'));
process.on('exit', () => rmSync(folders, { recursive: true, force: true }));

const unpacked = fileURLToPath(new URL('../../../build/proxies/usr/sbin', import.meta.url));
const places = [unpacked, '/usr/sbin', '/usr/local/sbin', '/usr/bin'];

// A lane is a port with connections to the server of its own, which are reused: what one client
// leaves in them is found by the next client of the same lane.
//
// Whose target says `inner` the proxy itself answers, with 403.
const nginxLane = (lane, i, server) => `
  upstream lane${i} { server 127.0.0.1:${server}; keepalive 8; }
  server {
    listen 127.0.0.1:${lane};
    location / {
      if ($request_uri ~ inner) { return 403; }
      proxy_pass http://lane${i};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }`;

const nginxConfig = (lanes, server, lenient, folder) => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((what) => `${what}_temp_path ${folder}/${what};`)
    .join('\n  ')}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  ${lenient ? 'ignore_invalid_headers off; proxy_request_buffering off; merge_slashes off;' : ''}
  ${lanes.map((lane, i) => nginxLane(lane, i, server)).join('')}
}
`;

const haproxyLane = (lane, i, server) => `
frontend front${i}
  bind 127.0.0.1:${lane}
  http-request deny deny_status 403 if { url_sub inner }
  default_backend back${i}
backend back${i}
  server millrace 127.0.0.1:${server}
`;

const haproxyConfig = (lanes, server, lenient) => `
global
  maxconn 1000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  option forwardfor
  http-reuse always
  ${lenient ? 'option accept-invalid-http-request' : ''}
${lanes.map((lane, i) => haproxyLane(lane, i, server)).join('')}`;

const kinds = {
  nginx: { config: nginxConfig, args: ['-e', 'stderr', '-c'] },
  haproxy: { config: haproxyConfig, args: ['-db', '-f'] },
};

export const proxies = Object.keys(kinds);

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

// Starts one before the server on that port; resolves to the ports of its lanes. `lenient`: it also
// passes on what it would drop or refuse, as far as it can be told to.
export async function startProxy(name, server, { lanes = 1, lenient = false } = {}) {
  const program = places.map((place) => join(place, name)).find((path) => existsSync(path));
  if (!program) throw new Error(`no ${name} in ${places.join(', ')}; ./dev test unpacks one`);
  const { config, args } = kinds[name];
  const folder = mkdtempSync(join(folders, name));
  const ports = [];
  while (ports.length < lanes) ports.push(await freePort());
  const path = join(folder, 'config');
  writeFileSync(path, config(ports, server, lenient, folder));
  const run = start(program, [...args, path]);
  await waitFor(
    async () => {
      if (run.result) throw new Error(`${name} ended: ${run.out}${run.err}`);
      return answers(ports.at(-1));
    },
    `${name} to listen`,
    15_000,
  );
  return ports;
}
