// Who was away gets what it missed, once and in order, or is told that it can't.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { connectedAgain, connectedClient, datas, gotten, kinds } from './support/clients.mjs';
import { Millrace, configFile } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { makeToken, secret } from './support/tokens.mjs';
import { scaled, sleep, slowness, waitFor } from './support/wait.mjs';

after(endAll);

const size = 10;
const all = `allow_subscribe = ["client", "anonymous"]
allow_publish = ["client", "anonymous"]`;
const kept = `${all}
allow_history = ["client", "anonymous"]`;
const config = configFile(`
[server]
allow_anonymous = true
[token]
hmac_secret = "${secret}"
[limits]
recovery_page = 5000
[namespaces.news]
history_size = ${size}
history_ttl = "60s"
delivery = "recoverable"
delta = true
${kept}
[namespaces.brief]
history_size = ${size}
history_ttl = "1s"
delivery = "recoverable"
${kept}
[namespaces.busy]
history_size = 5000
history_ttl = "60s"
delivery = "recoverable"
${kept}
[namespaces.asked]
history_size = ${size}
history_ttl = "60s"
${kept}
[namespaces.plain]
${all}
`);
const options = { insecure: false, shards: 2, args: ['--config', config] };
const server = await Millrace.start(options);

// Each is awaited, so they have an order.
async function publish(channel, from, to) {
  for (let i = from; i <= to; ++i) {
    const { status, body } = await server.publish(channel, i);
    assert.deepEqual([status, body.error], [200, undefined]);
  }
}
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function answered(sub, count, timeoutMs) {
  await waitFor(() => sub.answers.length >= count, `answer ${count} of ${sub.channel}`, timeoutMs);
  return sub.answers[count - 1];
}

for (const kind of kinds) {
  test(`${kind}: what was published while the socket was gone`, async () => {
    const channel = `news:cut-${kind}`;
    const client = await connectedClient(kind, server, { reconnectDelay: 500 * slowness });
    const sub = await client.subscribe(channel);
    await publish(channel, 1, 3);
    await gotten(sub, 3);
    client.cut();
    await publish(channel, 4, 6);
    const again = await answered(sub, 2);
    assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
    await publish(channel, 7, 8);
    await gotten(sub, 8);
    assert.deepEqual(datas(sub), range(1, 8));
    assert.deepEqual(
      sub.got.map(({ offset }) => offset),
      range(1, 8),
    );
    assert.equal(again.epoch, sub.answers[0].epoch);
    client.disconnect();
  });

  test(`${kind}: an absence longer than the window is told, and life goes on`, async () => {
    const channel = `news:long-${kind}`;
    const client = await connectedClient(kind, server, { reconnectDelay: 800 * slowness });
    const sub = await client.subscribe(channel);
    await publish(channel, 1, 1);
    await gotten(sub, 1);
    client.cut();
    await publish(channel, 2, 2 + size);
    const again = await answered(sub, 2);
    assert.deepEqual([again.wasRecovering, again.recovered], [true, false]);
    await publish(channel, 100, 100);
    await gotten(sub, 2);
    await sleep(50);
    assert.deepEqual(datas(sub), [1, 100], 'never a part');
    // The position is a good one again.
    client.cut();
    await publish(channel, 101, 102);
    assert.equal((await answered(sub, 3)).recovered, true);
    await gotten(sub, 4);
    assert.deepEqual(datas(sub), [1, 100, 101, 102]);
    client.disconnect();
  });

  // More than the send queue holds, and all asked for at once.
  for (const [channels, each, bytes] of [
    [30, 60, 2_000],
    [6, 2, 200_000],
  ]) {
    test(`${kind}: ${channels} channels with ${each} of ${bytes} bytes each missed`, async () => {
      const names = range(1, channels).map((i) => `busy:much-${each}-${i}-${kind}`);
      const client = await connectedClient(kind, server, { reconnectDelay: 3_000 * slowness });
      const subs = [];
      for (const name of names) subs.push(await client.subscribe(name));
      client.cut();
      const text = 'x'.repeat(bytes);
      for (const name of names) {
        for (const i of range(1, each)) {
          assert.equal((await server.publish(name, JSON.stringify(text + i))).status, 200);
        }
      }
      for (const sub of subs) {
        assert.equal((await answered(sub, 2, 20_000)).recovered, true, sub.channel);
        await gotten(sub, each, 20_000);
        assert.deepEqual(datas(sub).map((data) => Number(data.slice(bytes))), range(1, each));
      }
      assert.equal(client.ends.length, 1, 'not closed as a slow reader');
      client.disconnect();
    });
  }

  for (const gap of [0, 1, size - 1, size, size + 1]) {
    test(`${kind}: unsubscribed while ${gap} of ${size} were published`, async () => {
      const channel = `news:gap-${gap}-${kind}`;
      const client = await connectedClient(kind, server);
      const sub = await client.subscribe(channel);
      await publish(channel, 1, 3);
      await gotten(sub, 3);
      await client.unsubscribe(sub);
      await publish(channel, 4, 3 + gap);
      await client.resubscribe(sub);
      const again = await answered(sub, 2);
      assert.deepEqual([again.wasRecovering, again.recovered], [true, gap <= size]);
      await publish(channel, 4 + gap, 4 + gap);
      const wanted = gap <= size ? range(1, 4 + gap) : [1, 2, 3, 4 + gap];
      await gotten(sub, wanted.length);
      await sleep(20);
      assert.deepEqual(datas(sub), wanted);
      client.disconnect();
    });
  }

  test(`${kind}: publications have an age`, async () => {
    const channel = `brief:${kind}`;
    const client = await connectedClient(kind, server);
    const sub = await client.subscribe(channel);
    await publish(channel, 1, 1);
    await gotten(sub, 1);
    await client.unsubscribe(sub);
    await sleep(1_300);
    await client.resubscribe(sub);
    assert.equal((await answered(sub, 2)).recovered, true, 'nothing was missed');
    await client.unsubscribe(sub);
    await publish(channel, 2, 2);
    await sleep(1_300);
    await client.resubscribe(sub);
    assert.equal((await answered(sub, 3)).recovered, false);
    await publish(channel, 3, 3);
    await gotten(sub, 2);
    assert.deepEqual(datas(sub), [1, 3]);
    assert.equal((await client.history(channel, { limit: -1 })).publications.length, 1);
    client.disconnect();
  });

  test(`${kind}: history page by page, forth and back`, async () => {
    const channel = `news:pages-${kind}`;
    const client = await connectedClient(kind, server);
    await publish(channel, 1, size + 5);
    const top = await client.history(channel, {});
    assert.deepEqual([top.publications, top.offset], [[], size + 5]);
    assert.match(top.epoch, /^[A-Za-z]{8}$/);
    const pages = async (reverse) => {
      const found = [];
      let since;
      while (true) {
        const page = await client.history(channel, { limit: 3, since, reverse });
        assert.equal(page.epoch, top.epoch);
        assert.equal(page.offset, size + 5);
        if (page.publications.length === 0) return found;
        assert.ok(page.publications.length <= 3);
        found.push(...page.publications.map(({ data }) => data));
        const { offset } = page.publications.at(-1);
        if (reverse && offset === 1) return found;
        since = { epoch: top.epoch, offset };
      }
    };
    const left = range(6, size + 5);
    assert.deepEqual(await pages(false), left);
    assert.deepEqual(await pages(true), [...left].reverse());
    const everything = await client.history(channel, { limit: -1 });
    assert.deepEqual(
      everything.publications.map(({ data, offset }) => [data, offset]),
      left.map((i) => [i, i]),
    );
    client.disconnect();
  });

  test(`${kind}: a position of another time`, async () => {
    const channel = `news:since-${kind}`;
    const client = await connectedClient(kind, server);
    await publish(channel, 1, 5);
    const { epoch } = await client.history(channel, {});
    const sub = await client.subscribe(channel, { since: { epoch, offset: 2 } });
    assert.deepEqual([sub.answers[0].recovered, sub.answers[0].wasRecovering], [true, true]);
    await gotten(sub, 3);
    assert.deepEqual(datas(sub), [3, 4, 5]);
    // Of another epoch, and ahead of the top.
    for (const since of [
      { epoch: 'abcdefgh', offset: 2 },
      { epoch, offset: 6 },
    ]) {
      const other = await connectedClient(kind, server);
      const lost = await other.subscribe(channel, { since });
      assert.deepEqual([lost.answers[0].wasRecovering, lost.answers[0].recovered], [true, false]);
      assert.deepEqual([lost.answers[0].epoch, lost.got], [epoch, []]);
      other.disconnect();
    }
    client.disconnect();
  });

  test(`${kind}: recovery where it is asked for, and not where it can't be`, async () => {
    const client = await connectedClient(kind, server);
    const asked = await client.subscribe(`asked:${kind}`, { recoverable: true });
    await publish(`asked:${kind}`, 1, 1);
    await gotten(asked, 1);
    assert.equal(asked.got[0].offset, 1);
    await client.unsubscribe(asked);
    await publish(`asked:${kind}`, 2, 3);
    await client.resubscribe(asked);
    assert.equal((await answered(asked, 2)).recovered, true);
    await gotten(asked, 3);
    const positioned = await client.subscribe(`asked:p-${kind}`, { positioned: true });
    assert.deepEqual(
      [positioned.answers[0].event.positioned, positioned.answers[0].event.recoverable],
      [true, false],
    );
    const plain = await client.subscribe(`plain:${kind}`, { recoverable: true });
    assert.equal(plain.answers[0].event.recoverable, false);
    await publish(`plain:${kind}`, 1, 1);
    await gotten(plain, 1);
    client.disconnect();
  });

  test(`${kind}: the server's subscriptions recover, too`, async () => {
    const channel = `news:theirs-${kind}`;
    const token = makeToken({ sub: 'ann', subs: { [channel]: {}, 'plain:theirs': {} } });
    const client = await connectedClient(kind, server, { token, reconnectDelay: 500 * slowness });
    const sub = client.server.get(channel);
    assert.ok(sub && client.server.has('plain:theirs'));
    await publish(channel, 1, 2);
    await gotten(sub, 2);
    client.cut();
    await publish(channel, 3, 5);
    const again = await answered(sub, 2);
    assert.deepEqual([again.wasRecovering, again.recovered], [true, true]);
    await publish(channel, 6, 6);
    await gotten(sub, 6);
    await sleep(20);
    assert.deepEqual(datas(sub), range(1, 6));
    client.disconnect();
  });
}

test('a delta is the first publication in full, and then patches', async () => {
  const channel = 'news:delta';
  const client = await connectedClient('json', server);
  const sub = await client.subscribe(channel, { delta: 'fossil' });
  const flat = await connectedClient('flatbuffers', server);
  const flatPushes = [];
  flat.flat.on('publication', ({ publication }) => flatPushes.push(publication));
  await flat.subscribe(channel, { delta: 'fossil' });
  const plain = await connectedClient('json', server);
  const whole = await plain.subscribe(channel);
  const boards = range(1, 3).map((move) => ({ move, board: 'rnbqkbnr/pppppppp/'.repeat(20) }));
  for (const board of boards) await server.publish(channel, board);
  await gotten(sub, 3);
  assert.deepEqual(datas(sub), boards);
  await gotten(whole, 3);
  assert.deepEqual(datas(whole), boards);
  const pushes = client.sockets.lines.filter((line) => line.includes('"pub"'));
  const shapes = pushes.map((line) => JSON.parse(line).push.pub.delta ?? false);
  assert.deepEqual(shapes, [false, true, true]);
  const [first, ...patches] = pushes.map((line) => line.length);
  for (const patch of patches) assert.ok(patch < first / 3, `${patch} bytes of ${first}`);
  await waitFor(() => flatPushes.length === 3, 'the same as FlatBuffers');
  assert.deepEqual(
    flatPushes.map(({ delta }) => delta),
    [false, true, true],
  );
  assert.deepEqual(JSON.parse(flatPushes[0].data), boards[0]);
  // After a reconnect the first one is whole again.
  client.cut();
  await answered(sub, 2);
  await server.publish(channel, { move: 4, board: boards[0].board });
  await gotten(sub, 4);
  assert.deepEqual(datas(sub).at(-1), { move: 4, board: boards[0].board });
  for (const each of [client, flat, plain]) each.disconnect();
});

test('nothing is lost nor doubled, at 500 a second and over two shards', async () => {
  const channel = 'busy:all';
  const clients = [];
  const onBoth = async () =>
    (await server.stats()).shards.every(({ subscriptions }) => subscriptions > 0);
  while (clients.length < 8 || (!(await onBoth()) && clients.length < 40)) {
    const kind = kinds[clients.length % 2];
    const client = await connectedClient(kind, server, { reconnectDelay: 40 });
    clients.push({ client, sub: await client.subscribe(channel) });
  }
  const publisher = await connectedClient('flatbuffers', server);
  const count = Math.max(scaled(2_000), 30 * clients.length); // so that each is cut once or more
  let published = 0;
  const answers = [];
  const began = performance.now();
  for (let turn = 0; published < count; ++turn) {
    for (let i = 0; i < 10 && published < count; ++i) {
      answers.push(publisher.publish(channel, ++published));
    }
    if (turn % 3 === 0) clients[(turn / 3) % clients.length].client.cut();
    await sleep(Math.max(0, began + (turn + 1) * 20 - performance.now()));
  }
  await Promise.all(answers);
  for (const { client, sub } of clients) {
    await gotten(sub, count, 10_000).catch(() => {});
    assert.deepEqual(datas(sub), range(1, count), client.kind);
    assert.ok(client.connects.length > 1, 'it was cut');
    for (const { wasRecovering, recovered } of sub.answers.slice(1)) {
      assert.deepEqual([wasRecovering, recovered], [true, true]);
    }
    client.disconnect();
  }
  publisher.disconnect();
});

test('another epoch: the server has forgotten everything, and says so', async () => {
  const first = await Millrace.start(options);
  const clients = await Promise.all(
    kinds.map((kind) => connectedClient(kind, first, { reconnectDelay: 100 })),
  );
  const subs = await Promise.all(clients.map((client) => client.subscribe('news:epoch')));
  for (let i = 1; i <= 3; ++i) await first.publish('news:epoch', i);
  for (const sub of subs) await gotten(sub, 3);
  await first.stop();
  const second = await Millrace.start({ ...options, listen: first.host });
  await Promise.all(clients.map((client) => connectedAgain(client, 2, 10_000)));
  for (const sub of subs) {
    const again = await answered(sub, 2, 10_000);
    assert.deepEqual([again.wasRecovering, again.recovered], [true, false]);
    assert.notEqual(again.epoch, sub.answers[0].epoch);
  }
  await second.publish('news:epoch', 4);
  for (const sub of subs) {
    await gotten(sub, 4);
    assert.deepEqual(datas(sub), [1, 2, 3, 4]);
  }
  for (const client of clients) client.disconnect();
  await second.stop();
});

test('nothing is left of them', async () => {
  await waitFor(async () => (await server.metric('millrace_connections')) === 0, 'no connection');
  assert.equal(await server.metric('millrace_subscriptions'), 0);
  await server.stop();
});
