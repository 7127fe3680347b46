// What is refused, and how the clients see it: error codes, namespaces, and one channel over two
// protocols. Disconnect codes are in disconnects.test.mjs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';

import { connectedClient, datas, gotten, kinds } from './support/clients.mjs';
import { anonymousToo, everybody } from './support/configs.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const config = configFile(`${anonymousToo}
[namespaces.default]
${everybody('subscribe', 'publish')}
[namespaces.kept]
history_size = 10
history_ttl = "60s"
${everybody('subscribe', 'publish', 'history')}
[namespaces.quiet]
${everybody('subscribe')}
[namespaces.users]
allow_subscribe = ["client"]
allow_publish = ["subscriber"]
[namespaces.tokens]
[namespaces.rooms]
name_max_length = 12
name_charset = "ascii"
name_pattern = "r?-*"
${everybody('subscribe', 'publish')}
[namespaces.bytes]
payload = "binary"
history_size = 10
history_ttl = "60s"
${everybody('subscribe', 'publish', 'history')}
`);
const base = { insecure: false, args: ['--config', config] };
const server = await Millrace.start({ ...base, shards: 1 });
const token = makeToken({ sub: 'ann' });

const code = (number) => ({ code: number });

for (const kind of kinds) {
  test(`${kind}: errors, and the connection lives on`, async () => {
    const client = await connectedClient(kind, server);
    const subscribe = (channel, options) =>
      kind === 'json'
        ? client.sdk.newSubscription(channel, options)
        : client.subscribe(channel, options);
    await assert.rejects(client.rpc('method', {}), code(108));
    await assert.rejects(client.presence('plain'), code(108));
    await assert.rejects(client.presenceStats('plain'), code(108));
    await assert.rejects(client.history('plain', { limit: 1 }), code(108));
    await assert.rejects(client.publish('quiet:1', 1), code(103));
    await assert.rejects(client.publish('nobody:1', 1), code(102));
    await assert.rejects(client.publish('a.b', 1), code(107));
    for (const epoch of ['what', 'abcdefgh', 'abcdefghi']) {
      await assert.rejects(
        client.history('kept:1', { limit: 1, since: { epoch, offset: 1 } }),
        code(112),
        epoch,
      );
    }
    for (const [channel, number] of [
      ['tokens:1', 103],
      ['users:1', 103],
      ['nobody:1', 102],
      ['a.b', 107],
    ]) {
      if (kind === 'json') {
        const inner = subscribe(channel);
        const said = new Promise((resolve) => {
          inner.on('error', ({ error }) => resolve(error.code));
          inner.on('unsubscribed', (event) => resolve(event.code));
        });
        inner.subscribe();
        assert.equal(await said, number, channel);
        inner.unsubscribe();
      } else {
        await assert.rejects(subscribe(channel), code(number), channel);
      }
    }
    const sub = await client.subscribe(`fine-${kind}`);
    if (kind === 'flatbuffers') await assert.rejects(subscribe('fine-flatbuffers'), code(105));
    await client.publish(`fine-${kind}`, 'still here');
    await gotten(sub, 1);
    assert.deepEqual(client.ends, []);
    client.disconnect();
  });

  test(`${kind}: users, subscribers and nobody in particular`, async () => {
    const user = await connectedClient(kind, server, { token });
    const nobody = await connectedClient(kind, server);
    await assert.rejects(user.publish('users:1', 1), code(103));
    const sub = await user.subscribe('users:1');
    await user.publish('users:1', 1);
    await gotten(sub, 1);
    await assert.rejects(nobody.publish('users:1', 1), code(103));
    await user.unsubscribe(sub);
    await sleep(20);
    await assert.rejects(user.publish('users:1', 1), code(103));
    // Another user's token opens nothing, and one's own does.
    const ticket = makeToken({ sub: 'ann', channel: 'tokens:1' });
    await user.subscribe('tokens:1', { token: ticket });
    user.disconnect();
    nobody.disconnect();
  });

  test(`${kind}: names have rules`, async () => {
    const client = await connectedClient(kind, server);
    for (const [channel, right] of [
      ['rooms:r1-abcd', false], // 13 bytes
      ['rooms:r1-abc', true],
      ['rooms:r1-', true],
      ['rooms:r12-', false],
      ['rooms:x1-a', false],
      ['rooms:rö-a', false],
    ]) {
      const published = client.publish(channel, 1);
      if (right) await published;
      else await assert.rejects(published, code(107), channel);
    }
    client.disconnect();
  });

  test(`${kind}: in and out a hundred times`, async () => {
    const client = await connectedClient(kind, server);
    const channel = `hasty-${kind}`;
    const sub = await client.subscribe(channel);
    const outs = [];
    for (let i = 0; i < 100; ++i) {
      if (kind === 'json') {
        sub.inner.unsubscribe();
        sub.inner.subscribe();
      } else {
        outs.push(client.flat.unsubscribe(channel), client.flat.subscribe(channel));
      }
    }
    await Promise.all(outs);
    if (kind === 'json') await sub.inner.ready(5000);
    await client.publish(channel, 1);
    await gotten(client.subs?.get(channel) ?? sub, 1);
    await sleep(50);
    assert.deepEqual(datas(client.subs?.get(channel) ?? sub), [1]);
    assert.deepEqual([client.ends, client.connects.length], [[], 1]);
    client.disconnect();
  });
}

// --- two protocols -------------------------------------------------------------------------------

test('one publication is encoded once for each protocol, and is the same', async () => {
  const readers = [];
  for (const kind of kinds) {
    for (let i = 0; i < 3; ++i) {
      const client = await connectedClient(kind, server);
      readers.push({ client, sub: await client.subscribe('mixed') });
    }
  }
  const count = async () => server.metric('millrace_encodes_total');
  const payload = { text: 'Wasserrad é 水車 🚀 \u2028', list: [1.5, null, true], nested: {} };
  const before = await count();
  await server.publish('mixed', payload);
  for (const { sub } of readers) await gotten(sub, 1);
  assert.equal((await count()) - before, 2);
  await readers[0].client.publish('mixed', 'from json');
  await readers[5].client.publish('mixed', 'from flatbuffers');
  for (const { client, sub } of readers) {
    await gotten(sub, 3);
    assert.deepEqual(datas(sub), [payload, 'from json', 'from flatbuffers'], client.kind);
    assert.equal(sub.got[1].info.client, readers[0].client.connects[0].client);
    client.disconnect();
  }
  assert.equal((await count()) - before, 6);
});

test('a binary namespace takes any bytes, and JSON clients are told so', async () => {
  const flat = await connectedClient('flatbuffers', server);
  const json = await connectedClient('json', server);
  const got = [];
  flat.flat.on('publication', ({ publication }) => got.push(publication.data));
  await flat.subscribe('bytes:1', { recoverable: true });
  const payloads = [Buffer.from([0]), Buffer.from([255, 0, 10, 13]), randomBytes(30_000)];
  for (const payload of payloads) await flat.publish('bytes:1', payload);
  await waitFor(() => got.length === payloads.length, 'the bytes');
  for (const [i, payload] of payloads.entries()) assert.ok(payload.equals(got[i]), `${i}`);
  const { publications } = await flat.flat.history('bytes:1', { limit: -1 });
  assert.ok(publications.every(({ data }, i) => data.equals(payloads[i])));
  await assert.rejects(json.publish('bytes:1', 1), code(108));
  await assert.rejects(json.history('bytes:1', { limit: 1 }), code(108));
  const inner = json.sdk.newSubscription('bytes:1');
  const refused = new Promise((resolve) => inner.on('unsubscribed', resolve));
  inner.subscribe();
  assert.equal((await refused).code, 108);
  // And what is not JSON does not get into the others.
  for (const bytes of [Buffer.from([255]), Buffer.from('{"a":'), Buffer.from('1 2')]) {
    await assert.rejects(flat.publish('mixed', bytes), code(107));
  }
  assert.deepEqual([flat.ends, json.ends], [[], []]);
  flat.disconnect();
  json.disconnect();
});

test('nothing is left of them', async () => {
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  await server.stop();
});
