// Who millrace is to NATS, and what NATS must prove: with real servers, keys and certificates.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { configFile, Millrace, runMillrace } from './support/millrace.mjs';
import { Authority, nkeyUser, Operator, secretFile } from './support/nats_keys.mjs';
import { ConfiguredNats } from './support/nats_nodes.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { waitFor } from './support/wait.mjs';

after(endAll);

// `broker`: keys of [broker].
function start(broker) {
  const lines = Object.entries(broker).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const path = configFile(`[broker]\n${lines.join('\n')}\n`);
  return Millrace.start({ shards: 2, args: ['--config', path] });
}

const pages = ['/metrics', '/stats', '/readyz', '/'];

// Nothing of it is told, wherever one looks.
async function hides(node, secrets) {
  const told = [node.run.out, node.run.err];
  for (const page of pages) told.push((await node.get(page)).text);
  for (const secret of secrets) {
    for (const text of told) assert.ok(!text.includes(secret), `a secret in ${text.slice(0, 300)}`);
  }
}

async function works(broker, secrets = []) {
  const node = await start(broker);
  await node.ready();
  const client = await RawClient.open(node);
  await client.subscribe('news');
  assert.equal((await node.publish('news', '1')).status, 200);
  await client.received('news', 1);
  await client.leave();
  await hides(node, secrets);
  await node.stop();
}

// The server starts, serves, and says why it is not ready.
async function isRefused(broker, cause, secrets = []) {
  const node = await start(broker);
  const page = await waitFor(async () => {
    const readyz = await node.get('/readyz');
    return cause.test(readyz.text) && readyz;
  }, `${cause} on /readyz`, 10_000).catch(async (error) => {
    throw new Error(`${error.message}; it says ${(await node.get('/readyz')).text}`);
  });
  assert.equal(page.status, 503);
  await hides(node, secrets);
  await node.stop();
}

const noUser = /it does not take us for a user of its own/;
const noTls = /TLS failed/;

test('a user and a password of the URL, right and wrong', async () => {
  const nats = await ConfiguredNats.start('authorization { user: mill, password: "rightpass1" }');
  const url = (user) => `nats://${user}@127.0.0.1:${nats.port}`;
  await works({ nats: [url('mill:rightpass1')] }, ['rightpass1']);
  await isRefused({ nats: [url('mill:wrongpass2')] }, noUser, ['wrongpass2']);
  await isRefused({ nats: [nats.url] }, noUser);
  await nats.kill();
});

test('a token of the URL', async () => {
  const nats = await ConfiguredNats.start('authorization { token: "tokentoken3" }');
  await works({ nats: [`nats://tokentoken3@127.0.0.1:${nats.port}`] }, ['tokentoken3']);
  await isRefused({ nats: [`nats://tokentoken4@127.0.0.1:${nats.port}`] }, noUser, ['tokentoken4']);
  await nats.kill();
});

const nkeyConfig = ({ key }) => `authorization { users: [ { nkey: ${key} } ] }`;

test('an NKey user, another one, and one whose seed is exchanged', async () => {
  const [user, other] = [nkeyUser(), nkeyUser()];
  const nats = await ConfiguredNats.start(nkeyConfig(user));
  await works({ nats: [nats.url], nkey_seed: secretFile(`${user.seed}\n`) }, [user.seed]);
  await isRefused({ nats: [nats.url], nkey_seed: secretFile(other.seed) }, noUser, [other.seed]);

  const seed = secretFile(user.seed);
  const node = await start({ nats: [nats.url], nkey_seed: seed });
  await node.ready();
  const client = await RawClient.open(node);
  await client.subscribe('news');
  secretFile(other.seed, seed.split('/').at(-1));
  await nats.reload(nkeyConfig(other));
  await waitFor(async () => (await node.metric('millrace_broker_outages_total')) >= 2, 'an outage');
  await node.brokerReady();
  assert.equal((await node.publish('news', '1')).status, 200);
  await client.received('news', 1);
  await client.leave();
  await node.stop();
  await nats.kill();
});

test('a JWT user of a .creds file, one of another account, and one that runs out', async () => {
  const operator = new Operator();
  const nats = await ConfiguredNats.start(operator.config);
  const right = operator.credentials();
  await works({ nats: [nats.url], credentials: secretFile(right.file) }, [right.seed, right.token]);
  const strange = new Operator().credentials();
  const wrong = { nats: [nats.url], credentials: secretFile(strange.file) };
  await isRefused(wrong, noUser, [strange.seed, strange.token]);

  // The next one is in the file when the first runs out, so the node is back by itself.
  const path = secretFile(operator.credentials(4).file);
  const node = await start({ nats: [nats.url], credentials: path });
  await node.ready();
  const client = await RawClient.open(node);
  await client.subscribe('news');
  secretFile(operator.credentials(600).file, path.split('/').at(-1));
  const outages = () => node.metric('millrace_broker_outages_total');
  await waitFor(async () => (await outages()) >= 2, 'the end of the user', 15_000);
  await node.brokerReady();
  assert.equal((await node.publish('news', '1')).status, 200);
  await client.received('news', 1);
  await client.leave();
  await node.stop();
  await nats.kill();
});

const tlsConfig = ({ cert, key, ca }, verify = false) =>
  `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${ca}", verify: ${verify} }`;

test('TLS: the right authority and name, a wrong one, and a server without', async () => {
  const authority = new Authority('authority');
  const stranger = new Authority('stranger');
  const nats = await ConfiguredNats.start(
    tlsConfig(authority.issue('nats', 'DNS:nats.test,IP:127.0.0.1')),
  );
  const urls = [`tls://127.0.0.1:${nats.port}`];
  await works({ nats: urls, tls_ca: authority.ca });
  await works({ nats: [nats.url], tls: true, tls_ca: authority.ca, tls_name: 'nats.test' });
  await isRefused({ nats: urls }, noTls); // the system does not trust it
  await isRefused({ nats: [nats.url] }, noTls); // nor is it trusted because it asks for TLS
  await isRefused({ nats: urls, tls_ca: stranger.ca }, noTls);
  await isRefused({ nats: urls, tls_ca: authority.ca, tls_name: 'other.test' }, noTls);
  await nats.kill();

  const named = await ConfiguredNats.start(tlsConfig(authority.issue('named', 'DNS:nats.test')));
  const byAddress = { nats: [`tls://127.0.0.1:${named.port}`], tls_ca: authority.ca };
  await isRefused(byAddress, noTls);
  await works({ ...byAddress, tls_name: 'nats.test' });
  await named.kill();

  const plain = await ConfiguredNats.start('');
  await isRefused({ nats: [plain.url], tls: true, tls_ca: authority.ca }, noTls);
  await plain.kill();
});

test('TLS: a server that wants a certificate of ours', async () => {
  const authority = new Authority('both');
  const stranger = new Authority('nobody');
  const nats = await ConfiguredNats.start(
    tlsConfig(authority.issue('server', 'IP:127.0.0.1'), true),
  );
  const mine = authority.issue('client', 'DNS:millrace');
  const theirs = stranger.issue('stranger-client', 'DNS:millrace');
  const broker = { nats: [`tls://127.0.0.1:${nats.port}`], tls_ca: authority.ca };
  await works({ ...broker, tls_cert: mine.cert, tls_key: mine.key });
  const away = /is away since/;
  await isRefused(broker, away);
  await isRefused({ ...broker, tls_cert: theirs.cert, tls_key: theirs.key }, away);
  await nats.kill();
});

test('files that can not be right end the start with 78, its key, the file and a fix', async () => {
  const { file } = new Operator().credentials();
  const cases = [
    [{ credentials: '/nowhere/a.creds' }, /broker\.credentials: the file \/nowhere\/a\.creds can/],
    [{ credentials: secretFile('') }, /broker\.credentials: the file \S+ is empty/],
    [{ credentials: secretFile('SUSECRET') }, /holds no user's JWT; write what/],
    [{ nkey_seed: secretFile('SUSECRET') }, /broker\.nkey_seed: .*no user's seed that is right/],
    [{ tls: true, tls_ca: '/etc' }, /broker\.tls_ca: the file \/etc is no file/],
    [{ tls: true, tls_ca: secretFile('SUSECRET') }, /broker\.tls_ca: .* holds no certificate/],
    [{ tls_ca: '/etc/ca' }, /broker\.tls_ca is set, but the connection is not encrypted/],
    [{ credentials: secretFile(file), nkey_seed: '/etc/a' }, /is set beside broker\.credentials/],
  ];
  for (const [broker, wanted] of cases) {
    const keys = { nats: ['nats://127.0.0.1:1'], ...broker };
    const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    const path = configFile(`[broker]\n${lines.join('\n')}\n`);
    const run = await runMillrace(['serve', '--config', path, '--admin', '127.0.0.1:0']);
    assert.equal(run.code, 78, run.err);
    assert.match(run.err, wanted);
    assert.doesNotMatch(run.err, /SUSECRET/);
  }
});

test('a secret that others may read is warned of', async () => {
  const user = nkeyUser();
  const nats = await ConfiguredNats.start(nkeyConfig(user));
  const path = secretFile(user.seed, 'open-seed', 0o644);
  const node = await start({ nats: [nats.url], nkey_seed: path });
  assert.match(node.run.err + node.run.out, /broker\.nkey_seed: others on this machine may read/);
  await node.ready();
  await node.stop();
  await nats.kill();
});
