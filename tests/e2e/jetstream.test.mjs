// Recoverable channels on JetStream: two nodes on one nats-server, and applications that publish
// with any NATS client.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { headers, JSONCodec } from 'nats';

import { apiKey, configFile, Millrace } from './support/millrace.mjs';
import { NatsProxy } from './support/nats_proxy.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const kept = (size) => `history_size = ${size}
history_ttl = "5m"
delivery = "recoverable"
stream_bytes = "16MiB"
allow_subscribe = ["client", "anonymous"]
allow_publish = ["client", "anonymous"]
allow_history = ["client", "anonymous"]
`;
const config = configFile(`
[limits]
position_check = "2s"
[namespaces.default]
${kept(10)}
[namespaces.game]
${kept(100)}
[namespaces.small]
${kept(3)}
[namespaces.wide]
${kept(10)}
interest = "prefix"
[namespaces.plain]
allow_subscribe = ["client", "anonymous"]
allow_publish = ["client", "anonymous"]
`);
const nats = await NatsServer.start({ jetstream: true });
const application = await nats.client();
const js = application.jetstream();
const manager = await application.jetstreamManager();
const json = JSONCodec();
const start = (url = nats.url) =>
  Millrace.start({ shards: 2, args: ['--nats', url, '--config', config] });
const nodes = [await start(), await start()];
for (const node of nodes) await node.ready();

const subjectOf = (channel) => channel.replace(':', '.');
const publish = (channel, data) => js.publish(subjectOf(channel), json.encode(data));
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
async function publishAll(channel, from, to) {
  for (const i of range(from, to)) await publish(channel, i);
}

// On a node; `position` recovers.
async function join(node, channel, position) {
  const client = await RawClient.open(node);
  const recover = position && { recover: true, ...position };
  const { subscribe, error } = await client.call({ subscribe: { channel, ...recover } });
  assert.equal(error, undefined, JSON.stringify(error));
  const { offset = 0, epoch } = subscribe;
  return { client, answer: subscribe, position: { offset, epoch } };
}
// What was pushed to it, in order.
const pushes = (client, channel) =>
  client.messages.flatMap(({ push }) => (push?.channel === channel && push.pub ? [push.pub] : []));
const datas = (client, channel) => pushes(client, channel).map(({ data }) => data);
const recovered = (joined) => (joined.answer.publications ?? []).map(({ data }) => data);
const sum = async (name) => {
  const each = await Promise.all(nodes.map((node) => node.metric(name)));
  return each.reduce((a, b) => a + b, 0);
};

test('the streams are made as they have to be', async () => {
  const { config: made } = await manager.streams.info('MILLRACE_game');
  assert.deepEqual(made.subjects, ['game.>', 'millrace.mark.game.>']);
  assert.deepEqual(made.republish, { src: 'game.>', dest: 'millrace.out.game.>' });
  assert.equal(made.max_msgs_per_subject, 101);
  assert.deepEqual([made.storage, made.deny_delete, made.allow_direct], ['file', true, true]);
  const other = await manager.streams.info('MILLRACE_default');
  assert.deepEqual(other.config.republish, { src: '*', dest: 'millrace.out.$1' });
});

for (const channel of ['game:live', 'wide:live', 'solo']) {
  test(`${channel}: subscribers on both nodes get each once, in the stream's order`, async () => {
    const joined = [await join(nodes[0], channel), await join(nodes[1], channel)];
    await publishAll(channel, 1, 50);
    for (const { client } of joined) {
      await client.received(channel, 50);
      assert.deepEqual(datas(client, channel), range(1, 50));
      await client.leave();
    }
  });

  test(`${channel}: away from one node, back on the other`, async () => {
    const name = `${channel}-moves`;
    const first = await join(nodes[0], name);
    assert.equal(first.answer.recoverable, true);
    await publishAll(name, 1, 2);
    await first.client.received(name, 2);
  const last = pushes(first.client, name)[1];
    await first.client.leave();
    await publishAll(name, 3, 5);
    const second = await join(nodes[1], name, { ...first.position, offset: last.offset });
    assert.equal(second.answer.recovered, true);
    assert.deepEqual(recovered(second), [3, 4, 5]);
    await publish(name, 6);
    await second.client.received(name, 1);
    assert.deepEqual(datas(second.client, name), [6]);
    await second.client.leave();
  });
}

test('a channel that nobody published to recovers on the other node, too', async () => {
  const quiet = await join(nodes[0], 'game:quiet');
  await publishAll('game:other', 1, 20);
  const again = await join(nodes[1], 'game:quiet', quiet.position);
  assert.deepEqual([again.answer.recovered, recovered(again)], [true, []]);
  await publish('game:quiet', 1);
  const late = await join(nodes[1], 'game:quiet', quiet.position);
  assert.deepEqual([late.answer.recovered, recovered(late)], [true, [1]]);
  for (const { client } of [quiet, again, late]) await client.leave();
});

test('a busy channel is recovered while it goes on', async () => {
  const channel = 'game:busy';
  let next = 1;
  let publishing = true;
  const first = await join(nodes[0], channel);
  const publisher = (async () => {
    while (publishing) await publish(channel, next++).then(() => sleep(5));
  })();
  await first.client.received(channel, 20);
  const seen = [...datas(first.client, channel)];
  const { offset } = pushes(first.client, channel)[seen.length - 1];
  await first.client.leave();
  const again = await join(nodes[1], channel, { ...first.position, offset });
  await again.client.received(channel, 50);
  publishing = false;
  await publisher;
  assert.equal(again.answer.recovered, true);
  const all = [...seen, ...recovered(again), ...datas(again.client, channel)];
  assert.deepEqual(all, range(1, all.length));
  await again.client.leave();
});

test('who was away longer than the history is told, and who missed exactly it is not', async () => {
  for (const [missed, expected] of [
    [3, true],
    [4, false],
  ]) {
    const channel = `small:gap-${missed}`;
    const first = await join(nodes[0], channel);
    await publish(channel, 0);
    await first.client.received(channel, 1);
    const { offset } = pushes(first.client, channel)[0];
    await first.client.leave();
    await publishAll(channel, 1, missed);
    const again = await join(nodes[1], channel, { ...first.position, offset });
    assert.equal(again.answer.recovered ?? false, expected, `${missed} missed`);
    assert.deepEqual(recovered(again), expected ? range(1, missed) : []);
    await again.client.leave();
  }
});

test("a position of a channel's quiet time is refused when what followed was evicted", async () => {
  const quiet = await join(nodes[0], 'small:evicted');
  await quiet.client.leave();
  await publishAll('small:evicted', 1, 5);
  const again = await join(nodes[1], 'small:evicted', quiet.position);
  assert.deepEqual([again.answer.recovered ?? false, recovered(again)], [false, []]);
  await again.client.leave();
});

test('history in both directions, with and without a subscriber', async () => {
  const channel = 'small:history';
  await publishAll(channel, 1, 6);
  const client = await RawClient.open(nodes[0]);
  const read = async (query) => {
    const { history } = await client.call({ history: { channel, ...query } });
    return history.publications?.map(({ data }) => data) ?? [];
  };
  const questions = async () => {
    assert.deepEqual(await read({ limit: 10 }), [4, 5, 6]);
    assert.deepEqual(await read({ limit: 2 }), [4, 5]);
    assert.deepEqual(await read({ limit: 2, reverse: true }), [6, 5]);
    const { history } = await client.call({ history: { channel, limit: 1, reverse: true } });
    const { offset, epoch } = history;
    assert.equal(history.publications[0].offset, offset);
    assert.deepEqual(await read({ limit: 9, since: { offset: offset - 1, epoch } }), [6]);
  };
  await questions();
  const other = await join(nodes[0], channel);
  await questions();
  await publish(channel, 7);
  await other.client.received(channel, 1);
  assert.deepEqual(await read({ limit: 10 }), [5, 6, 7]);
  for (const each of [client, other.client]) await each.leave();
});

test("clients' publications are acknowledged by the stream, and carry who published", async () => {
  const listener = await join(nodes[1], 'game:said');
  const speaker = sdkClient(nodes[0]);
  speaker.connect();
  for (const i of range(1, 20)) await speaker.publish('game:said', i);
  await listener.client.received('game:said', 20);
  assert.deepEqual(datas(listener.client, 'game:said'), range(1, 20));
  const [first] = pushes(listener.client, 'game:said');
  assert.match(first.info.client, /^[0-9a-f-]{36}$/);
  const again = await join(nodes[1], 'game:said', listener.position);
  assert.equal(again.answer.publications[0].info.client, first.info.client);
  speaker.disconnect();
  for (const { client } of [listener, again]) await client.leave();
});

test('a message id that comes twice is stored once', async () => {
  const listener = await join(nodes[0], 'game:once');
  for (let i = 0; i < 3; ++i) await js.publish('game.once', json.encode(1), { msgID: 'only' });
  await publish('game:once', 2);
  await listener.client.received('game:once', 2);
  assert.deepEqual(datas(listener.client, 'game:once'), [1, 2]);
  await listener.client.leave();
});

test('what is no JSON is dropped, counted, and no hole', async () => {
  const listener = await join(nodes[0], 'game:odd');
  const holes = await sum('millrace_stream_holes_total');
  await publish('game:odd', 1);
  await js.publish('game.odd', new TextEncoder().encode('not JSON'));
  await publish('game:odd', 2);
  await listener.client.received('game:odd', 2);
  const again = await join(nodes[1], 'game:odd', listener.position);
  assert.deepEqual(recovered(again), [1, 2]);
  assert.equal(await sum('millrace_stream_holes_total'), holes);
  for (const { client } of [listener, again]) await client.leave();
});

test('a channel of plain NATS beside them is at most once', async () => {
  const { client, answer } = await join(nodes[0], 'plain:a');
  assert.equal(answer.recoverable ?? false, false);
  application.publish('plain.a', json.encode(1));
  await client.received('plain:a', 1);
  const names = await manager.streams.names().next();
  assert.equal(names.includes('MILLRACE_plain'), false);
  await client.leave();
});

test('a crowd that comes back is answered from memory', async () => {
  const channel = 'game:crowd';
  const stays = await Promise.all(nodes.map((node) => join(node, channel)));
  const others = await Promise.all(range(1, 20).map(() => join(nodes[0], channel)));
  await publishAll(channel, 1, 10);
  for (const { client } of [...stays, ...others]) await client.received(channel, 10);
  for (const { client } of others) await client.leave();
  await publishAll(channel, 11, 12);
  for (const { client } of stays) await client.received(channel, 12);
  const reads = await nodes[0].metric('millrace_stream_reads_total');
  const hits = await nodes[0].metric('millrace_stream_cache_hits_total');
  const position = { ...stays[0].position, offset: pushes(stays[0].client, channel)[9].offset };
  const back = await Promise.all(range(1, 40).map(() => join(nodes[0], channel, position)));
  for (const each of back) assert.deepEqual(recovered(each), [11, 12]);
  const read = (await nodes[0].metric('millrace_stream_reads_total')) - reads;
  const hit = (await nodes[0].metric('millrace_stream_cache_hits_total')) - hits;
  // A shard without a subscriber of the channel reads it, once for each that came before the first.
  assert.equal(read + hit, 40);
  assert.ok(hit > 0, `${hit} from memory, ${read} read`);
  for (const { client } of [...stays, ...back]) await client.leave();
});

test('what a shard has silently lost is found out and closed', async () => {
  const channel = 'game:silent';
  const proxy = await NatsProxy.start(nats);
  const node = await start(proxy.url);
  await node.ready();
  const listener = await join(node, channel);
  await publish(channel, 1);
  await listener.client.received(channel, 1);
  const silently = async (from, to) => {
    proxy.loses = (subject) => subject === 'millrace.out.game.silent';
    await publishAll(channel, from, to);
    await waitFor(() => proxy.lost >= to - from + 1, 'the loss');
    proxy.loses = () => false;
    proxy.lost = 0;
  };
  await silently(2, 4);
  await publish(channel, 5);
  await listener.client.received(channel, 5);
  assert.deepEqual(datas(listener.client, channel), range(1, 5));
  // At the end of a stream no later message tells.
  await silently(6, 8);
  await listener.client.received(channel, 8);
  assert.deepEqual(datas(listener.client, channel), range(1, 8));
  assert.ok((await node.metric('millrace_stream_holes_total')) >= 2);
  assert.equal(await node.metric('millrace_stream_filled_total'), 6);
  assert.equal(await node.metric('millrace_stream_lost_total'), 0);
  await listener.client.leave();
  await node.stop();
});

test('a hole that can no longer be closed is told', async () => {
  const channel = 'small:hole';
  const proxy = await NatsProxy.start(nats);
  const node = await start(proxy.url);
  await node.ready();
  const listener = await join(node, channel);
  await publish(channel, 1);
  await listener.client.received(channel, 1);
  proxy.loses = (subject) => subject === 'millrace.out.small.hole';
  await publishAll(channel, 2, 9);
  await waitFor(() => proxy.lost === 8, 'the loss');
  proxy.loses = () => false;
  await publish(channel, 10);
  const told = () => listener.client.messages.find(({ push }) => push?.unsubscribe);
  assert.equal((await waitFor(told, 'the unsubscribe')).push.unsubscribe.code, 2500);
  assert.deepEqual(datas(listener.client, channel), [1]);
  const again = await join(node, channel, {
    ...listener.position,
    offset: pushes(listener.client, channel)[0].offset,
  });
  assert.equal(again.answer.recovered ?? false, false);
  for (const { client } of [listener, again]) await client.leave();
  await node.stop();
});

test('a stream that is deleted and made again is told', async () => {
  const channel = 'small:reborn';
  const sdk = sdkClient(nodes[0], { minReconnectDelay: 50, maxReconnectDelay: 200 });
  sdk.connect();
  const sub = sdk.newSubscription(channel, { minResubscribeDelay: 50, maxResubscribeDelay: 200 });
  const got = [];
  const answers = [];
  sub.on('publication', ({ data }) => got.push(data));
  sub.on('subscribed', (event) => answers.push(event));
  sub.subscribe();
  await sub.ready(5000);
  await publishAll(channel, 1, 5);
  await waitFor(() => got.length === 5, 'the first life');
  await manager.streams.delete('MILLRACE_small');
  await waitFor(() => answers.length === 2, 'the subscription to begin again', 15_000);
  assert.equal(answers[1].wasRecovering && answers[1].recovered, false);
  assert.notEqual(answers[1].streamPosition.epoch, answers[0].streamPosition.epoch);
  await publishAll(channel, 11, 13);
  await waitFor(() => got.length >= 8, 'the second life');
  assert.deepEqual(got, [...range(1, 5), ...range(11, 13)]);
  for (const node of nodes) await node.ready();
  sdk.disconnect();
});

test('history_remove takes all, and who was behind is told', async () => {
  const channel = 'game:removed';
  const listener = await join(nodes[0], channel);
  await publishAll(channel, 1, 4);
  await listener.client.received(channel, 4);
  const seen = pushes(listener.client, channel);
  const key = { 'X-API-Key': apiKey };
  const call = { method: 'POST', headers: key, body: JSON.stringify({ channel }) };
  const { status } = await fetch(`http://${nodes[1].host}/api/history_remove`, call);
  if (status === 404) return; // the call comes with the server API
  assert.equal(status, 200);
  const behind = await join(nodes[1], channel, { ...listener.position, offset: seen[1].offset });
  assert.equal(behind.answer.recovered ?? false, false);
  const upToDate = await join(nodes[1], channel, { ...listener.position, offset: seen[3].offset });
  assert.equal(upToDate.answer.recovered, true);
  for (const { client } of [listener, behind, upToDate]) await client.leave();
});

test('headers of an application that look like ours harm nobody', async () => {
  const listener = await join(nodes[0], 'game:forged');
  const bad = headers();
  bad.set('Millrace-Info', 'bm90IEpTT04');
  await js.publish('game.forged', json.encode(1), { headers: bad });
  await listener.client.received('game:forged', 1);
  assert.equal(pushes(listener.client, 'game:forged')[0].info, undefined);
  application.publish('millrace.out.game.forged', json.encode(2));
  await publish('game:forged', 3);
  await listener.client.received('game:forged', 2);
  assert.deepEqual(datas(listener.client, 'game:forged'), [1, 3]);
  await listener.client.leave();
});

test('NATS is started again: nobody is disconnected, and nothing is missing', async () => {
  const channel = 'game:outage';
  const listener = await join(nodes[0], channel);
  await publishAll(channel, 1, 3);
  await listener.client.received(channel, 3);
  await nats.kill();
  await nats.launch();
  await waitFor(() => publish(channel, 4).then(Boolean, () => false), 'JetStream', 15_000);
  await listener.client.received(channel, 4);
  const got = datas(listener.client, channel);
  assert.deepEqual([...new Set(got)], range(1, 4));
  for (const node of nodes) await node.ready();
  const again = await join(nodes[1], channel, listener.position);
  assert.equal(again.answer.recovered, true);
  for (const { client } of [listener, again]) await client.leave();
});
