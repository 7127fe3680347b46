// The application's side of the example: `POST /ping` publishes the time, GET / is the page.
//
//   node api-server.mjs --http http://127.0.0.1:8000 --key KEY   publishes through one node
//   node api-server.mjs --nats nats://127.0.0.1:4222             publishes to NATS
//
// It knows nothing of clients or connections, and with --nats nothing of nodes: the node addresses
// are only for the page.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const channel = 'com:scaling-ws.updates';
const subject = 'com.scaling-ws.updates'; // the same one, as NATS writes it
const confirmMs = 5000;

const usage = `usage: node api-server.mjs (--http URL [--key KEY] | --nats URL)
         [--port 3000] [--nodes ws://127.0.0.1:8000,ws://127.0.0.1:8002]
The key may come as MILLRACE_API_KEY, where other users of the machine can't read it.`;

function fail(message) {
  console.error(`api-server: ${message}\n${usage}`);
  process.exit(64);
}

function readOptions() {
  const options = {
    http: { type: 'string' },
    key: { type: 'string', default: process.env.MILLRACE_API_KEY },
    nats: { type: 'string' },
    port: { type: 'string', default: '3000' },
    nodes: { type: 'string', default: 'ws://127.0.0.1:8000,ws://127.0.0.1:8002' },
  };
  try {
    const { values } = parseArgs({ options });
    if (!values.http === !values.nats) fail('give one of --http and --nats');
    if (values.http && !values.key) fail('--http needs --key, the api.key of the node');
    return values;
  } catch (error) {
    return fail(error.message);
  }
}

// As ctime of ANSI C writes it: Mon Nov 23 01:46:50 2026.
function ctime(date) {
  const [weekday, month, day, year] = date.toDateString().split(' ');
  const time = date.toTimeString().slice(0, 8);
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

// Both publishers resolve when the other side has the message, and reject if it is not sure.
function httpPublisher(node, key) {
  return async (data) => {
    const response = await fetch(new URL('/api/publish', node), {
      method: 'POST',
      headers: { 'X-API-Key': key },
      body: JSON.stringify({ channel, data }),
      signal: AbortSignal.timeout(confirmMs),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`the node answered ${response.status}: ${text}`);
    const { error } = JSON.parse(text);
    if (error) throw new Error(`the node answered error ${error.code}, ${error.message}`);
  };
}

async function natsPublisher(servers) {
  const { connect, JSONCodec } = await import('nats');
  const connection = await connect({ servers, name: 'api-server', maxReconnectAttempts: -1 });
  const codec = JSONCodec();
  return async (data) => {
    connection.publish(subject, codec.encode(data));
    let timer;
    const late = new Promise((_, reject) => {
      const error = new Error('NATS did not confirm in time; the message may still arrive');
      timer = setTimeout(reject, confirmMs, error);
    });
    await Promise.race([connection.flush(), late]).finally(() => clearTimeout(timer));
  };
}

function answer(response, status, type, body) {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
}

function answerJson(response, status, value) {
  answer(response, status, 'application/json', JSON.stringify(value));
}

async function ping(publish, response) {
  try {
    await publish({ sendTime: ctime(new Date()) });
    answerJson(response, 200, { message: 'pong' });
  } catch (error) {
    console.error(`api-server: could not publish: ${error.cause?.message ?? error.message}`);
    answerJson(response, 502, { error: `could not publish: ${error.message}` });
  }
}

const options = readOptions();
const how = options.http ? `node ${options.http}` : 'NATS';
const publish = options.http
  ? httpPublisher(options.http, options.key)
  : await natsPublisher(options.nats).catch((error) => {
      console.error(`api-server: can't connect to ${options.nats}: ${error.message}`);
      process.exit(69);
    });
const page = await readFile(new URL('page.html', import.meta.url));

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  const route = `${request.method} ${path}`;
  request.resume();
  if (route === 'POST /ping') return ping(publish, response);
  if (route === 'GET /') return answer(response, 200, 'text/html; charset=utf-8', page);
  if (route === 'GET /about') {
    return answerJson(response, 200, { channel, how, nodes: options.nodes.split(',') });
  }
  return answerJson(response, 404, { error: 'there are GET / and POST /ping' });
});

server.on('error', (error) => {
  const taken = error.code === 'EADDRINUSE';
  console.error(
    `api-server: can't listen on port ${options.port}: ${taken ? 'it is taken' : error.message}`,
  );
  process.exit(74);
});
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`api-server ready http://127.0.0.1:${server.address().port}/ publishes to ${how}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
