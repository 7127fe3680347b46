// Disconnect codes: how the clients come by each, and that they come back, or don't, as it says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import WebSocket from 'ws';

import {
  connectedAgain,
  connectedClient,
  ended,
  gotten,
  kinds,
  makeClient,
} from './support/clients.mjs';
import { anonymousToo, everybody } from './support/configs.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, seconds } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`${anonymousToo}
[namespaces.default]
${everybody('subscribe', 'publish')}`);
const base = { insecure: false, args: ['--config', config] };

// What the client's sockets do not send.
function mute(isDropped) {
  return class extends WebSocket {
    send(data, ...rest) {
      if (!isDropped(data.toString())) super.send(data, ...rest);
    }
  };
}

// Each: what to do to a new client so that it is closed with the code, and the limits for it.
const limits = {
  ping_interval: '1s',
  pong_timeout: '500ms',
  stale_timeout: '1s',
  channels_per_connection: '8',
  commands_per_second: '1',
  commands_burst: '16',
  connections_per_user: '2',
};
const strict = await Millrace.start({ ...base, limits });
const unforgiving = await Millrace.start({ ...base, limits: { errors_per_connection: '5' } });
const narrow = await Millrace.start({
  ...base,
  limits: { write_timeout: '60s', queue_size: '1MiB', kernel_send_buffer: '16KiB' },
});
const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`many-${i}`, {}]));
const calls = (client, count) => {
  for (let i = 0; i < count; ++i) client.rpc('x', {}).catch(() => {});
};
const socketOf = (client) => client.flat?.socket ?? client.sockets.last;

// Reads nothing until the server has given it up.
async function readsNothing(client) {
  const channel = `flood-${client.kind}`;
  await client.subscribe(channel);
  const socket = socketOf(client);
  socket.pause();
  const slow = async () => (await narrow.metric('millrace_slow_disconnects_total')) > before;
  const before = await narrow.metric('millrace_slow_disconnects_total');
  const large = { x: 'x'.repeat(100_000) };
  while (!(await slow())) assert.equal((await narrow.publish(channel, large)).status, 200);
  socket.resume();
}

const causes = {
  1009: {
    terminal: true,
    act: async (client) => void client.publish('big', 'x'.repeat(70_000)).catch(() => {}),
    saidBy: { json: 3 }, // the SDK's own number for it
  },
  3008: { terminal: false, at: narrow, act: readsNothing, oneByOne: true },
  3010: {
    terminal: false,
    // The new token names a channel that the connection has not.
    async act(client) {
      if (client.kind === 'flatbuffers') {
        client.flat.refresh(makeToken({ sub: 'cal', subs: { other: {} } })).catch(() => {});
      }
    },
    options: (kind) => {
      let asked = 0;
      const next = () =>
        ++asked === 1
          ? makeToken({ sub: 'cal', exp: seconds() + 2 })
          : makeToken({ sub: 'cal', subs: { other: {} } });
      return { getToken: async () => next() };
    },
  },
  3012: {
    terminal: false,
    async act() {},
    options: (kind) =>
      kind === 'json' ? { websocket: mute((text) => text === '{}') } : { pongs: false },
  },
  3013: { terminal: false, act: async (client) => calls(client, 200) },
  3500: { terminal: true, options: () => ({ token: 'no.good.token' }) },
  3501: { terminal: true, act: async (client) => socketOf(client).send('garbage') },
  3502: {
    terminal: true,
    options: (kind) =>
      kind === 'json'
        ? { websocket: mute(() => true) }
        : { getToken: () => new Promise(() => {}) },
  },
  3504: {
    terminal: true,
    options: () => ({ token: makeToken({ sub: 'crowd' }) }),
    before: () => {
      const crowd = { token: makeToken({ sub: 'crowd' }) };
      return Promise.all(kinds.map((kind) => connectedClient(kind, strict, crowd)));
    },
  },
  3505: { terminal: true, options: () => ({ token: makeToken({ sub: 'bob', subs: many }) }) },
  3508: { terminal: true, act: async (client) => client.send({ hello: 1 }) },
  3509: { terminal: true, at: unforgiving, act: async (client) => calls(client, 8) },
};

async function isClosed(kind, number, cause) {
  const { terminal, at = strict, act, options = () => ({}), saidBy = {} } = cause;
  const client = makeClient(kind, at, options(kind));
  const connection = client.connect().catch(() => {});
  if (act) {
    await connection;
    await act(client);
  }
  const end = await ended(client, 1, 6000);
  assert.deepEqual([end.code, end.reconnects], [saidBy[kind] ?? number, !terminal], kind);
  if (number >= 3000) assert.notEqual(end.reason, '', kind);
  const connects = client.connects.length;
  if (terminal) {
    await sleep(500);
    assert.equal(client.connects.length, connects, `${kind} came back`);
  } else {
    await connectedAgain(client, connects + 1);
  }
  client.disconnect();
}

for (const [number, cause] of Object.entries(causes)) {
  test(`${number} is ${cause.terminal ? 'final' : 'not final'}`, async () => {
    const first = cause.before ? await cause.before() : [];
    const each = (kind) => isClosed(kind, Number(number), cause);
    if (cause.oneByOne) for (const kind of kinds) await each(kind);
    else await Promise.all(kinds.map(each));
    for (const client of first) client.disconnect();
  });
}

test('3001 is not final: clients find the next server', async () => {
  const first = await Millrace.start(base);
  const clients = await Promise.all(kinds.map((kind) => connectedClient(kind, first)));
  await first.stop();
  for (const client of clients) {
    const end = await ended(client);
    assert.deepEqual([end.code, end.reconnects], [3001, true]);
  }
  const second = await Millrace.start({ ...base, listen: first.host });
  for (const client of clients) {
    await connectedAgain(client, 2, 10_000);
    client.disconnect();
  }
  await second.stop();
});

for (const kind of kinds) {
  test(`${kind}: a server that says nothing is left, and found again`, async () => {
    const often = { ping_interval: '1s', pong_timeout: '500ms' };
    const silent = await Millrace.start({ ...base, limits: often });
    const patience = { maxServerPingDelay: 1500, timeout: 1000 };
    const client = await connectedClient(kind, silent, patience);
    const sub = await client.subscribe('silence');
    await sleep(2_200);
    assert.deepEqual(client.ends, [], 'its pings were heard');
    silent.signal('SIGSTOP');
    const end = await ended(client, 1, 8000);
    assert.equal(end.reconnects, true);
    if (kind === 'json') assert.match(end.reason, /ping/);
    silent.signal('SIGCONT');
    await connectedAgain(client, 2, 10_000);
    await waitFor(() => sub.answers.length === 2, 'subscribed again');
    await client.publish('silence', 'over');
    await gotten(sub, 1);
    client.disconnect();
    await silent.stop();
  });
}

test('nothing is left of them', async () => {
  for (const each of [strict, unforgiving, narrow]) {
    await waitFor(async () => (await each.metric('millrace_connections')) === 0, 'no connection');
    await each.stop();
  }
});
