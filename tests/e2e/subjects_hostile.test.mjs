// Two hundred hostile strings as the name of a channel, a realm, a user and a method, from clients
// and from the server API (rows X-13 and D3): whoever listens to all of NATS sees only subjects
// that were meant.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { allow, Application, proxyConfig } from './support/application.mjs';
import { apiKey, configFile, Millrace } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';

after(endAll);

const smuggled = [
  '\r\nPUB admin.kick 4\r\nevil\r\n', ' 0\r\n\r\nPUB admin.kick 4\r\nevil\r\nPUB tail',
  '\nPUB admin.kick 0\n\n', '\rPUB admin.kick 0\r\r', '\r\nSUB > 1\r\n', '\r\nUNSUB 1\r\n',
  '\r\nCONNECT {}\r\n', '\r\nPING\r\n', '\r\nHPUB admin.kick 12 16\r\nNATS/1.0\r\n\r\nevil\r\n',
  '\u0085PUB admin.kick 0', '\u2028PUB admin.kick 0', '%0d%0aPUB%20admin.kick%200',
];
const signs = [
  ' ', '\t', '\r', '\n', '\0', '\u0001', '\u001f', '\u007f', '\u0080', '\u00a0', '\u200b', '\u2028',
  '\ufeff', '\uffff', '\ud83d\ude00', '\u00e9', '.', '..', '*', '>', '.*',
  '.>', '*.', '>.', '*.>', '>*',
  '"', "'", '\\', '/', '"}', '{}', '[]', '${x}', '%00', '=0D', '$', '$SYS.REQ.SERVER.PING',
  '$JS.API.STREAM.DELETE.MILLRACE_game', '_INBOX.x', '_INBOX.>', 'millrace.api.publish',
  'millrace.proxy.connect', 'millrace.node.x', 'millrace.out.x', '../../', '-', 'a'.repeat(600),
];
const hostile = [...smuggled, ...signs, '\t\t', ' .', '. '].flatMap((bad) =>
  [bad, `x${bad}`, `x${bad}y`, `a.${bad}.b`]);

// Of a slow machine an answer is not refused for being late.
const patient = { timeout: '20s' };
const nats = await NatsServer.start();
const config = configFile(`${proxyConfig({ connect: patient, rpc: patient })}
[api]
nats = true
[namespaces.default]
allow_subscribe = ["client"]
allow_publish = ["client"]
[namespaces.realm]
allow_subscribe = ["client"]
allow_publish = ["client"]
interest = "prefix"
`);
const server = await Millrace.start({
  insecure: false,
  shards: 2,
  limits: { errors_per_connection: '0', commands_per_second: '0' },
  args: ['--nats', nats.url, '--config', config],
});
await server.ready();
const application = await Application.start(nats, {
  connect: ({ data }) => allow({ user: data?.user ?? 'mal' }),
  rpc: ({ user, method }) => allow({ data: { user, method } }),
});

// What was meant, beside the subjects of channels: questions, their answers, and nodes among
// themselves.
const meant = [
  /^millrace\.(proxy\.(connect|rpc)|node\.[A-Za-z0-9_.-]+)$/,
  /^_INBOX\.[A-Za-z0-9_.-]+$/,
];
const seen = new Set();
const taken = new Set(); // subjects of channels whose names the server has taken
const spy = await nats.client();
spy.subscribe('>', { callback: (_, { subject }) => seen.add(subject) });
await spy.flush();
const probe = `probe.${process.pid}`;

// A publication that NATS took would be seen before this one.
async function strange() {
  seen.delete(probe);
  application.client.publish(probe);
  await application.client.flush();
  await spy.flush();
  assert.ok(seen.has(probe));
  return [...seen].filter((subject) =>
    subject !== probe && !taken.has(subject) && !meant.some((one) => one.test(subject)));
}

async function open(data) {
  const client = await RawClient.open(server, { session: false });
  const reply = await client.call({ connect: { data } }, 20_000);
  return { client, reply };
}

// The subject of a channel, after docs/ARCHITECTURE.md: the first ':' is a dot, and of all other
// bytes those that mean something in NATS are written in hexadecimal.
function subjectOf(channel) {
  const escaped = (text) => [...Buffer.from(text)].map((byte) => {
    const plain = /[A-Za-z0-9_.-]/.test(String.fromCharCode(byte));
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    return plain ? String.fromCharCode(byte) : `=${hex}`;
  }).join('');
  const [head, ...rest] = channel.split(':');
  return [escaped(head), ...(rest.length > 0 ? [escaped(rest.join(':'))] : [])].join('.');
}

// What a name becomes that the server takes is one subject, of a fixed alphabet, and none of NATS
// or of the server itself.
function checkTaken(channel) {
  const subject = subjectOf(channel);
  assert.match(subject, /^[A-Za-z0-9=-][A-Za-z0-9_=-]*(\.[A-Za-z0-9_=-]+)*$/, channel);
  assert.doesNotMatch(subject, /^millrace\./, channel);
  return subject;
}

test('there are two hundred of them', () => {
  assert.ok(new Set(hostile).size >= 200, `${new Set(hostile).size}`);
});

test('what was not meant is noticed', async () => {
  application.client.publish('admin.kick');
  assert.deepEqual(await strange(), ['admin.kick']);
  seen.delete('admin.kick');
});

test('names of channels and realms, of who subscribes and who publishes', async (t) => {
  const { client } = await open({});
  for (const bad of hostile) {
    for (const channel of [bad, `realm:${bad}`]) {
      const { error: refused } = await client.call({ subscribe: { channel } });
      const { error } = await client.call({ publish: { channel, data: 1 } });
      assert.equal(client.close, null);
      if (!refused || !error) taken.add(checkTaken(channel));
    }
  }
  t.diagnostic(`${taken.size} of ${2 * hostile.length} are names of channels`);
  assert.deepEqual(await strange(), []);
  await client.leave();
});

test('users: their ids reach the application as they are, and no subject', async () => {
  for (const bad of hostile) {
    const { client, reply } = await open({ user: bad });
    if (reply.connect) {
      const { rpc, error } = await client.call({ rpc: { method: 'who', data: {} } });
      assert.equal(rpc?.data.user, bad, JSON.stringify(error));
    }
    client.destroy();
  }
  assert.deepEqual(await strange(), []);
});

test('methods of rpc: asked about by name, on one subject', async () => {
  const { client } = await open({});
  for (const bad of hostile) {
    const { rpc, error } = await client.call({ rpc: { method: bad, data: {} } });
    if (!error) assert.equal(rpc.data.method, bad);
    else assert.notEqual(error.code, 100, JSON.stringify(bad));
    assert.equal(client.close, null);
  }
  assert.deepEqual(await strange(), []);
  await client.leave();
});

test('channels and users of the server API, and its methods', async () => {
  const post = async (method, body) => {
    const response = await fetch(`http://${server.host}/api/${method}`, {
      method: 'POST', headers: { 'X-API-Key': apiKey }, body: JSON.stringify(body),
    });
    const text = await response.text();
    return response.status === 200 ? JSON.parse(text) : { error: { code: response.status } };
  };
  for (const bad of hostile) {
    const { error } = await post('publish', { channel: bad, data: 1 });
    if (!error) taken.add(checkTaken(bad));
    for (const method of ['subscribe', 'unsubscribe']) {
      const { error: refused } = await post(method, { user: bad, channel: bad });
      if (!refused) taken.add(checkTaken(bad));
    }
    await post('disconnect', { user: bad });
    assert.ok((await post(encodeURIComponent(bad), {})).error, JSON.stringify(bad));
  }
  assert.deepEqual(await strange(), []);
});

test('the server has seen it all and is well', async () => {
  assert.ok(!seen.has('admin.kick'));
  await application.stop();
  await server.stop();
});
