// The site's web server: the page, whatever path is asked for, and the login, which gives a token.
//
//   node page.mjs PORT NODE_URL...        with TOKEN_SECRET in the environment
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { makeToken } from './identity.mjs';
import { isUserId } from './places.mjs';

const [port, ...nodes] = process.argv.slice(2);
const sdk = dirname(createRequire(import.meta.url).resolve('centrifuge'));
const files = {
  page: await readFile(new URL('page.html', import.meta.url)),
  '/client.mjs': await readFile(join(sdk, 'index.mjs')),
};
const longestName = 100;

function send(response, status, type, body) {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
}

function sendJson(response, status, value) {
  send(response, status, 'application/json', JSON.stringify(value));
}

// Whoever says a name is let in by it: a real site would ask for a password here.
async function logIn(request, response) {
  let name = '';
  for await (const part of request) {
    name += part;
    if (name.length > longestName) break;
  }
  if (!isUserId(name)) {
    return sendJson(response, 400, { error: 'a name is 1 to 16 of a-z and 0-9, a letter first' });
  }
  return sendJson(response, 200, { token: makeToken(name, process.env.TOKEN_SECRET) });
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (request.method === 'POST' && path === '/login') return logIn(request, response);
  if (request.method !== 'GET') return sendJson(response, 405, { error: 'GET, or POST /login' });
  if (path === '/nodes') return sendJson(response, 200, nodes);
  if (path === '/client.mjs') return send(response, 200, 'text/javascript', files[path]);
  return send(response, 200, 'text/html; charset=utf-8', files.page);
});
server.listen(Number(port), '127.0.0.1', () => console.log('page ready'));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
