// Tokens: who gets in, for how long, and how the SDK and our own client stay in. The tokens are
// made here, by nothing of ours, and by `millrace token`.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';

import {
  connectedAgain,
  connectedClient,
  ended,
  gotten,
  kinds,
  makeClient,
} from './support/clients.mjs';
import { anonymousToo, everybody } from './support/configs.mjs';
import { Millrace, configFile, runMillrace } from './support/millrace.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { makeEs256, makeToken, seconds, secret } from './support/tokens.mjs';
import { sleep, waitFor } from './support/wait.mjs';

after(endAll);

const namespaces = `
[namespaces.default]
${everybody('subscribe', 'publish')}
[namespaces.closed]
allow_publish = ["subscriber"]
`;

function withConfig(text, options = {}) {
  const file = configFile(text);
  return Millrace.start({ insecure: false, shards: 2, ...options, args: ['--config', file] });
}

const text = `${anonymousToo}
[limits]
token_grace = "1s"
subscription_grace = "1s"
${namespaces}`;
const server = await withConfig(text);
const config = configFile(text);

const brief = (claims = {}) => makeToken({ sub: 'ann', exp: seconds() + 2, ...claims });

for (const kind of kinds) {
  test(`${kind}: a token of our own making, and one of millrace token`, async () => {
    const words = 'token --user ben --ttl 1h --subs closed:1 --config';
    const { code, out } = await runMillrace([...words.split(' '), config]);
    assert.equal(code, 0);
    const ann = await connectedClient(kind, server, { token: makeToken({ sub: 'ann' }) });
    const ben = await connectedClient(kind, server, { token: out.trim() });
    const sub = await ann.subscribe(`hello-${kind}`);
    await ben.publish(`hello-${kind}`, { from: 'ben' });
    const [{ data, info }] = await gotten(sub, 1);
    assert.deepEqual(data, { from: 'ben' });
    assert.equal(info.user, 'ben');
    assert.equal(ben.server.has('closed:1'), true);
    ann.disconnect();
    ben.disconnect();
  });

  test(`${kind}: every flag of millrace token`, async () => {
    const channel = `closed:made-${kind}`;
    const made = async (...words) => {
      const all = ['token', '--user', 'eve', '--config', config, ...words];
      const { code, out, err } = await runMillrace(all);
      assert.deepEqual([code, err, out.split('\n').length], [0, '', 2]);
      return out.trim();
    };
    const short = await made('--ttl', '1s');
    const began = performance.now();
    const eve = await connectedClient(kind, server, { token: await made('--info', '{"a":[1]}') });
    const token = await made('--channel', channel, '--info', '{"seat":7}');
    const sub = await eve.subscribe(channel, { token });
    await eve.publish(channel, 1);
    const [{ info }] = await gotten(sub, 1);
    const plain = (part) => JSON.parse(kind === 'json' ? JSON.stringify(part) : part);
    assert.deepEqual(
      [info.user, plain(info.connInfo), plain(info.chanInfo)],
      ['eve', { a: [1] }, { seat: 7 }],
    );
    // A token for a channel is none to connect with, and the other way round.
    const mistaken = makeClient(kind, server, { token });
    mistaken.connect().catch(() => {});
    assert.equal((await ended(mistaken)).code, 3500);
    await sleep(Math.max(0, began + 2_100 - performance.now()));
    const late = makeClient(kind, server, { token: short });
    late.connect().catch((error) => late.errors.push(error));
    await waitFor(() => late.errors.some(({ code }) => code === 109), 'error 109');
    for (const client of [eve, mistaken, late]) client.disconnect();
  });

  test(`${kind}: what is no good token is 3500, and final`, async () => {
    const [head, claims, signature] = makeToken({ sub: 'ann' }).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const token of [
      'x',
      'x.y.z',
      makeToken({ sub: 'ann' }, `${secret}!`),
      `${none}.${claims}.`,
      `${none}.${claims}.${signature}`,
      `${head}.${claims}.`,
      makeToken({ sub: 'ann', nbf: seconds() + 600 }),
      makeToken({ sub: 'ann', iat: seconds() + 600 }),
      makeToken({ sub: 'ann', exp: 'tomorrow' }),
      makeToken({ sub: 'a'.repeat(256) }),
      makeToken({ sub: 'ann', channel: 'closed:1' }),
    ]) {
      const client = makeClient(kind, server, { token });
      client.connect().catch(() => {});
      const end = await ended(client);
      assert.deepEqual([end.code, end.reconnects], [3500, false], token);
      assert.notEqual(end.reason, '');
      client.disconnect();
    }
  });

  test(`${kind}: a subscription needs its token, and only its own`, async () => {
    const client = await connectedClient(kind, server, { token: makeToken({ sub: 'ann' }) });
    const good = makeToken({ sub: 'ann', channel: `closed:${kind}`, info: { seat: 7 } });
    const sub = await client.subscribe(`closed:${kind}`, { token: good });
    await client.publish(`closed:${kind}`, 1);
    const [{ info }] = await gotten(sub, 1);
    assert.equal(info.user, 'ann');
    assert.deepEqual(JSON.parse(kind === 'json' ? JSON.stringify(info.chanInfo) : info.chanInfo), {
      seat: 7,
    });
    await assert.rejects(client.publish('closed:other', 1), { code: 103 });
    client.disconnect();
    for (const claims of [
      { sub: 'ben', channel: 'closed:1' },
      { sub: 'ann', channel: 'closed:2' },
    ]) {
      const thief = await connectedClient(kind, server, { token: makeToken({ sub: 'ann' }) });
      thief.subscribe('closed:1', { token: makeToken(claims) }).catch(() => {});
      assert.equal((await ended(thief)).code, 3500);
      thief.disconnect();
    }
  });

  test(`${kind}: without a token one is nobody in particular`, async () => {
    const nobody = await connectedClient(kind, server);
    const sub = await nobody.subscribe(`free-${kind}`);
    await nobody.publish(`free-${kind}`, 1);
    const [{ info }] = await gotten(sub, 1);
    assert.equal(info.user, '');
    nobody.disconnect();
  });

  test(`${kind}: who brings no new token is closed with 3005, and comes back`, async () => {
    let asked = 0;
    const client = await connectedClient(kind, server, {
      token: kind === 'json' ? brief() : undefined,
      // The SDK asks when the token ends, and must not be answered then; our client never asks.
      getToken: async () => {
        ++asked;
        if (kind === 'flatbuffers') return asked === 1 ? brief() : makeToken({ sub: 'ann' });
        if (asked === 1) await sleep(20_000, null, { ref: false });
        return makeToken({ sub: 'ann' });
      },
    });
    const end = await ended(client, 1, 6000);
    assert.deepEqual([end.code, end.reconnects], [3005, true]);
    await connectedAgain(client, 2);
    await client.publish('free', 'back');
    client.disconnect();
  });

  test(`${kind}: an expired subscription is 2501, and subscribed again`, async () => {
    const client = await connectedClient(kind, server, { token: makeToken({ sub: 'ann' }) });
    const channel = `closed:expiring-${kind}`;
    let asked = 0;
    const sub = await client.subscribe(channel, {
      getToken: async () => {
        ++asked;
        if (asked === 1) return brief({ channel });
        if (asked === 2 && kind === 'json') await sleep(20_000, null, { ref: false });
        return makeToken({ sub: 'ann', channel });
      },
    });
    await waitFor(() => sub.ends.length > 0, 'the unsubscribe push', 6000);
    assert.deepEqual([sub.ends[0].code, sub.ends[0].again], [2501, true]);
    await waitFor(() => sub.answers.length === 2, 'subscribed again');
    await client.publish(channel, 'again');
    await gotten(sub, 1);
    assert.deepEqual(client.ends, []);
    client.disconnect();
  });
}

test('millrace token says what is wrong with its flags', async () => {
  for (const [words, code, said] of [
    [[], 64, /--user/],
    [['--user', 'ann', '--ttl', '0s'], 64, /--ttl/],
    [['--user', 'ann', '--info', '{'], 64, /info is no JSON/],
    [['--user', 'ann', '--usr', 'x'], 64, /--usr.*--user/],
    [['--user', 'ann', '--channel', 'a.b'], 64, /no valid channel/],
  ]) {
    const run = await runMillrace(['token', ...words, '--config', config]);
    assert.deepEqual([run.code, run.out], [code, ''], run.err);
    assert.match(run.err, said);
  }
  const keyless = await runMillrace(['token', '--user', 'ann']);
  assert.equal(keyless.code, 78);
  assert.match(keyless.err, /hmac_secret/);
  const env = { MILLRACE_TOKEN_HMAC_SECRET: secret };
  assert.equal((await runMillrace(['token', '--user', 'ann'], env)).code, 0);
});

test('the SDK brings a new token before the old one is over, and notices nothing', async () => {
  let asked = 0;
  const getToken = async () => {
    ++asked;
    return brief();
  };
  const channel = 'closed:refreshed';
  let askedChannel = 0;
  const client = await connectedClient('json', server, { getToken });
  const sub = await client.subscribe(channel, {
    getToken: async (context) => {
      ++askedChannel;
      assert.equal(context.channel, channel);
      return brief({ channel });
    },
  });
  await sleep(6_500);
  assert.ok(asked >= 3, `${asked} tokens in 6.5 s`);
  assert.ok(askedChannel >= 3, `${askedChannel} tokens of the channel in 6.5 s`);
  assert.deepEqual([client.ends, sub.ends, client.errors], [[], [], []]);
  assert.equal(sub.answers.length, 1);
  await client.publish(channel, 1);
  await gotten(sub, 1);
  client.disconnect();
});

test('our client refreshes by hand', async () => {
  const client = await connectedClient('flatbuffers', server, { token: brief() });
  const channel = 'closed:by-hand';
  const sub = await client.subscribe(channel, { token: brief({ channel }) });
  const refreshed = await client.flat.refresh(makeToken({ sub: 'ann' }));
  assert.deepEqual([refreshed.expires, refreshed.ttl > 3_000], [true, true]);
  const subscription = await client.flat.subRefresh(channel, makeToken({ sub: 'ann', channel }));
  assert.deepEqual([subscription.expires, subscription.ttl > 3_000], [true, true]);
  await sleep(4_500);
  assert.deepEqual([client.ends, sub.ends], [[], []]);
  await assert.rejects(client.flat.subRefresh('closed:none', makeToken({ sub: 'ann' })), {
    code: 103,
  });
  // Another one's token.
  client.flat.refresh(makeToken({ sub: 'ben' })).catch(() => {});
  assert.equal((await ended(client)).code, 3500);
});

test('a token without exp is good for ever', async () => {
  const token = makeToken({ sub: 'ann', exp: undefined });
  const raw = await RawClient.open(server, { session: false });
  const { connect } = await raw.call({ connect: { token } });
  assert.equal(connect.expires, undefined);
  assert.equal(connect.ttl, undefined);
  await raw.leave();
  const timed = await RawClient.open(server, { session: false });
  const reply = await timed.call({ connect: { token: makeToken({ sub: 'ann' }) } });
  assert.equal(reply.connect.expires, true);
  assert.ok(reply.connect.ttl > 3590 && reply.connect.ttl <= 3600, `${reply.connect.ttl}`);
  await timed.leave();
});

test('an expired token is error 109, and the SDK asks for another one', async () => {
  let asked = 0;
  const client = makeClient('json', server, {
    token: makeToken({ sub: 'ann', exp: seconds() - 5 }),
    getToken: async () => {
      ++asked;
      return makeToken({ sub: 'ann' });
    },
  });
  await client.connect();
  assert.equal(asked, 1);
  assert.deepEqual(
    client.errors.map(({ code }) => code),
    [109],
  );
  client.disconnect();
  const flat = makeClient('flatbuffers', server, {
    token: makeToken({ sub: 'ann', exp: seconds() - 5 }),
  });
  await assert.rejects(flat.connect(), { code: 109 });
  flat.disconnect();
});

test('nothing secret is told by the log, the metrics or the stats', async () => {
  const logged = server.run.err + server.run.out;
  const told = (await server.get('/metrics')).text + (await server.get('/stats')).text;
  for (const place of [logged, told]) {
    assert.equal(place.includes(secret), false);
    assert.equal(place.includes('eyJ'), false, 'a part of a token');
  }
  await server.stop();
});

test('secrets are rotated with SIGHUP: both for a while, then the new one alone', async () => {
  const next = `${secret}-of-next-year`;
  const settings = (keys) => `[token]\n${keys}\n${namespaces}`;
  const file = configFile(settings(`hmac_secret = "${secret}"`));
  const rotating = await Millrace.start({ insecure: false, shards: 2, args: ['--config', file] });
  const tries = async (key) => {
    const client = await RawClient.open(rotating, { session: false });
    const reply = client.call({ connect: { token: makeToken({ sub: 'ann' }, key) } });
    const outcome = await reply.then(() => 'in').catch(() => client.close?.code ?? 'out');
    await client.leave();
    return outcome;
  };
  const reload = async (keys, log) => {
    writeFileSync(file, settings(keys));
    const before = rotating.run.err.length;
    rotating.signal('SIGHUP');
    await waitFor(() => log.test(rotating.run.err.slice(before)), `${log} in the log`);
  };
  const old = await connectedClient('json', rotating, { token: makeToken({ sub: 'old' }) });
  assert.deepEqual([await tries(secret), await tries(next)], ['in', 3500]);
  await reload(`hmac_secret = "${next}"\nhmac_previous_secret = "${secret}"`, /reload|SIGHUP/);
  await waitFor(async () => (await tries(next)) === 'in', 'the new secret');
  assert.equal(await tries(secret), 'in');
  await reload(`hmac_secret = "${next}"`, /reload|SIGHUP/);
  await waitFor(async () => (await tries(secret)) === 3500, 'the end of the old secret');
  assert.equal(await tries(next), 'in');
  // A mistake changes nothing.
  await reload('hmac_secret = "short"', /hmac_secret/);
  assert.deepEqual([await tries(secret), await tries(next)], [3500, 'in']);
  assert.deepEqual(old.ends, [], 'who is in stays');
  old.disconnect();
  assert.equal(rotating.run.err.includes(secret), false);
  await rotating.stop();
});

test('ES256: a PEM file and a set of keys, rotated with SIGHUP', async () => {
  const [first, second, third] = [makeEs256(), makeEs256(), makeEs256()];
  const file = configFile('');
  const pem = join(dirname(file), 'key.pem');
  const jwks = join(dirname(file), 'keys.json');
  const keySet = (...keys) => writeFileSync(jwks, JSON.stringify({ keys }));
  first.writePem(pem);
  keySet(second.jwk('2026'));
  writeFileSync(file, `[token]\npublic_keys = ["${pem}"]\njwks = "${jwks}"\n${namespaces}`);
  const signed = await Millrace.start({ insecure: false, args: ['--config', file] });
  const brought = [];
  const isIn = async (token) => {
    brought.push(token);
    const client = await RawClient.open(signed, { session: false });
    const reply = client.call({ connect: { token } }).catch(() => ({}));
    const { connect } = await Promise.race([reply, client.closed().then(() => ({}))]);
    await client.leave();
    return connect !== undefined;
  };
  assert.equal(await isIn(first.token({ sub: 'ann' })), true);
  assert.equal(await isIn(second.token({ sub: 'ann' }, '2026')), true);
  assert.equal(await isIn(first.token({ sub: 'ann' }, '2026')), false, 'the kid is of another key');
  assert.equal(await isIn(third.token({ sub: 'ann' }, '2027')), false);
  // A secret made of the public half is the oldest trick.
  assert.equal(await isIn(makeToken({ sub: 'ann' }, JSON.stringify(second.jwk('2026')))), false);
  keySet(third.jwk('2027'));
  third.writePem(pem);
  signed.signal('SIGHUP');
  await waitFor(() => isIn(third.token({ sub: 'ann' }, '2027')), 'the new key');
  assert.match(signed.run.err, /no setting changes; the files of token keys were read again: 2 k/);
  assert.equal(await isIn(third.token({ sub: 'ann' })), true);
  assert.equal(await isIn(first.token({ sub: 'ann' })), false);
  assert.equal(await isIn(second.token({ sub: 'ann' }, '2026')), false);
  // Why is in the log, and counted; no part of a token is.
  const refused = await signed.metrics();
  for (const cause of ['key', 'signature']) {
    const line = `refused a token from 127\\.0\\.0\\.1:\\d+ \\(${cause}\\)`;
    assert.match(signed.run.err, new RegExp(line));
    assert.ok(refused[`millrace_tokens_refused_total{cause="${cause}"}`] > 0, cause);
  }
  for (const part of brought.flatMap((token) => token.split('.'))) {
    assert.equal(signed.run.err.includes(part), false);
  }
  await signed.stop();
});
