// The example of realms against those who mean it ill: what went wrong in other such servers
// (D1 to D11) goes right here. And a crowd.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { connect } from 'nats';

import { Example } from './support/example.mjs';
import { atEnd, endAll } from './support/processes.mjs';
import { frame, opcodes, RawClient } from './support/raw_client.mjs';
import { scaled, sleep, waitFor } from './support/wait.mjs';
import { logIn, Visitor } from './support/visitor.mjs';

after(endAll);
const secret = 'a-secret-that-only-this-file-and-its-servers-know';
const example = await Example.start('realms', { env: { TOKEN_SECRET: secret } });
const nats = await connect({ servers: example.natsUrl });
atEnd(() => nats.close());

const enter = (user, path, options) => Visitor.enter(example, user, path, options);
const leaveAll = (visitors) => Promise.all(visitors.map((visitor) => visitor.leave()));
const nodes = ['node-1', 'node-2', 'app-1', 'app-2'];
const before = nodes.map((name) => example.pid(name));

async function allAlive() {
  assert.deepEqual(nodes.map((name) => example.pid(name)), before, 'nothing has ended');
  const ann = await enter('ann', '/');
  await ann.ask('who');
  await ann.leave();
}

function signed(head, claims, key = secret) {
  const part = (value) => Buffer.from(value).toString('base64url');
  const text = `${part(head)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

// D1.
test('messages of 0 to 8 bytes, whatever they are, end their connection alone', async () => {
  for (let length = 0; length <= 8; ++length) {
    for (const byte of [0x00, 0x0a, 0x7b, 0x80, 0xff]) {
      for (const opcode of [opcodes.text, opcodes.binary]) {
        const client = await RawClient.open(example.node(0), { session: false });
        client.write(frame({ opcode, payload: Buffer.alloc(length, byte) }));
        await client.closed();
        client.destroy();
      }
    }
  }
  await allAlive();
});

// D2.
test('a client has the id that the server made, and nobody has that of another', async () => {
  const ann = await enter('ann', '/');
  const { client: id } = ann.session;
  const mal = await enter('mal', '/', {
    data: { client: id, cid: id, connid: id }, more: { client: id, session: id },
  });
  assert.match(mal.session.client, /^[0-9a-f-]{36}$/);
  assert.notEqual(mal.session.client, id);
  const again = await mal.client.call({ connect: { data: { path: '/' } } }).catch((error) => error);
  assert.match(String(again), /3501/); // connecting twice
  await ann.ask('who');
  await leaveAll([ann, mal]);
});

// D3: what is in subjects comes from a fixed alphabet, whatever clients say.
const injections = [
  ' ', '\r\n', '\0', '.', '*', '>', '\t', '\u2028', '%0d%0a', ' 0\r\n\r\nPUB admin.kick 4\r\nevil',
  '\r\nPUB admin.kick 4\r\nevil\r\n', '.>', '*.>', '$SYS.REQ', '_INBOX.x', '\ud800', '\u0000x',
  '" }', "'", '\\', '{}', '../../', 'a'.repeat(600),
].flatMap((bad) => [bad, `x${bad}`, `x${bad}y`, `${bad}${bad}`]);

test('nothing but the intended subjects is published, whatever clients say', async () => {
  const own = /^(\$|_INBOX\.|millrace\.|(user|lobby|game|gametv|rack|chat)\.[a-z0-9.]{1,60}$)/;
  const strange = [];
  const spy = nats.subscribe('>', {
    callback: (_, { subject }) => own.test(subject) || strange.push(subject),
  });
  await nats.flush();
  let mal = await enter('mal', '/');
  for (const bad of injections) {
    assert.equal((await logIn(example, bad)).status, 400, JSON.stringify(bad));
    const token = signed('{"alg":"HS256"}', JSON.stringify({ sub: `u${bad}`, exp: 4e9 }));
    for (const connect of [{ token, data: { path: '/' } }, { data: { path: `/game/${bad}` } }]) {
      const client = await RawClient.open(example.node(1), { session: false });
      const reply = await client.call({ connect }).catch(() => ({}));
      assert.equal(reply.connect, undefined, JSON.stringify(bad));
      client.destroy();
    }
    const answers = async () => {
      assert.ok((await mal.rpc(bad)).error, 'no such method');
      assert.ok((await mal.rpc('join', { game: bad })).error, 'no such game');
      await mal.rpc('say', { text: bad });
      assert.ok((await mal.client.call({ publish: { channel: `lobby:${bad}`, data: 1 } })).error);
    };
    if (!bad.includes('\ud800')) await answers();
    else await assert.rejects(answers, /3501/); // half a surrogate pair is no text
    if (mal.client.close) mal = await enter('mal', '/');
  }
  await nats.flush();
  assert.deepEqual(strange, []);
  spy.unsubscribe();
  await mal.leave();
  await allAlive();
});

// D4.
test('who leaves at any moment of its arrival leaves nothing behind', async () => {
  const stay = await enter('stay', '/');
  const clients = () => example.metric(0, 'millrace_clients');
  const idle = await clients();
  const { token } = await logIn(example, 'flit');
  for (let i = 0; i < scaled(300); ++i) {
    const client = await RawClient.open(example.node(0), { session: false });
    client.sendText(JSON.stringify({ id: 1, connect: { token, data: { path: '/' } } }));
    if (i % 3 > 0) await sleep(i % 7);
    client.destroy();
  }
  await waitFor(async () => (await clients()) === idle, 'all of them to be gone', 15_000);
  const gone = async () => !(await stay.ask('look')).here.includes('flit');
  await waitFor(gone, 'flit to have left the site', 30_000);
  await stay.leave();
  await allAlive();
});

// D5, D6.
test('a bad token lets nobody in, ends nothing, and stands in no log', async () => {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const head = '{"alg":"HS256","typ":"JWT"}';
  const good = JSON.stringify({ sub: 'ann', exp });
  const tokens = [
    signed(head, JSON.stringify({ exp })), // says nobody
    signed(head, JSON.stringify({ sub: 7, exp })),
    signed(head, JSON.stringify({ sub: { a: 1 }, exp })),
    signed(head, JSON.stringify({ sub: 'ann', exp: 1 })),
    signed(head, JSON.stringify({ sub: 'ann', exp: 'soon' })),
    signed(head, 'null'), signed(head, '[]'), signed(head, 'x'), signed('null', good),
    signed('{"alg":"none"}', good), signed(head, good, 'another-secret-that-is-not-the-one'),
    `${signed(head, good).split('.').slice(0, 2).join('.')}.`, signed(head, good).slice(0, -2),
    'aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc', 'short-and-no-token', '....', '',
  ];
  for (const token of tokens) {
    const client = await RawClient.open(example.node(0), { session: false });
    const reply = await client.call({ connect: { token, data: { path: '/' } } }, 10_000);
    assert.equal(reply.error?.code, 401, token);
    client.destroy();
  }
  const { token: used } = await logIn(example, 'ann');
  await allAlive();
  const parts = [used, ...tokens].flatMap((token) => token.split('.')).filter((p) => p.length > 11);
  const logs = readdirSync(example.logs).filter((name) => name.endsWith('.log'));
  assert.ok(logs.length >= 6);
  for (const name of logs) {
    const text = readFileSync(join(example.logs, name), 'utf8');
    for (const part of parts) assert.ok(!text.includes(part), `${name} holds ${part}`);
  }
});

// D9.
test('a flood from the application arrives, or is counted, or its reader told', async () => {
  const ann = await enter('ann', '/');
  const count = scaled(50_000);
  const dropped = () => example.metric(0, 'millrace_broker_dropped_full_total');
  const start = await dropped();
  for (let i = 0; i < count; ++i) nats.publish('user.ann', `{"i":${i}}`);
  await nats.flush();
  const order = () => ann.heard('user:ann').flatMap(({ i }) => i ?? []);
  const isKnown = async () =>
    ann.client.close || order().length + (await dropped()) - start >= count;
  await waitFor(isKnown, 'each to have arrived, been counted, or its reader told', 30_000);
  if (ann.client.close) assert.deepEqual(ann.client.close, { code: 3008, reason: 'slow' });
  const arrived = order();
  const silent = arrived.filter((seq, k) => k > 0 && seq !== arrived[k - 1] + 1);
  assert.ok(silent.length <= (await dropped()) - start, 'no hole but those that are counted');
  assert.deepEqual(arrived, [...arrived].sort((a, b) => a - b));
  await ann.leave();
});

// D10.
test('what a client says of its address is not what the application hears', async () => {
  const asked = [];
  const spy = nats.subscribe('millrace.proxy.connect', {
    callback: (_, message) => asked.push(message.json()),
  });
  await nats.flush();
  const headers = ['X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6'];
  const mal = await enter('mal', '/', { headers });
  assert.equal(asked.length, 1);
  assert.equal(asked[0].address, '127.0.0.1');
  assert.ok(!JSON.stringify(asked).includes('6.6.6.6'));
  spy.unsubscribe();
  await mal.leave();
});

// D8, D11.
test('a tab that does not read is left behind, and nobody in its realm waits for it', async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, (_, i) => enter(`r${i}`, '/')));
  const slow = await enter('slow', '/');
  slow.client.socket.pause();
  const encodes = () => example.metric(0, 'millrace_encodes_total');
  const [start, text] = [await encodes(), 'x'.repeat(4000)];
  const count = scaled(4000);
  for (let i = 0; i < count; ++i) {
    nats.publish('lobby.main', JSON.stringify({ i, text }));
    if (i % 100 === 99) await readers[0].hears('lobby:main', (data) => data.i === i, 10_000);
  }
  for (const reader of readers) await reader.hears('lobby:main', ({ i }) => i === count - 1);
  const others = 100; // who came and went meanwhile
  assert.ok((await encodes()) - start <= count + others, 'encoded once, not for each');
  slow.client.socket.resume();
  const { code } = await slow.client.closed(30_000);
  assert.ok([3008, 1006].includes(code), `${code}`);
  await leaveAll(readers);
  await allAlive();
});
