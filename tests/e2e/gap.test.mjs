// After an outage of NATS: who is subscribed in a namespace with on_gap = "notify" is told that it
// may have missed something, and subscribes again by itself; others go on as if nothing was.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Millrace, configFile } from './support/millrace.mjs';
import { NatsServer } from './support/nats_server.mjs';
import { endAll } from './support/processes.mjs';
import { RawClient } from './support/raw_client.mjs';
import { sdkClient } from './support/sdk_client.mjs';
import { scaled, waitFor } from './support/wait.mjs';

after(endAll);
const config = configFile(`[namespaces.told]
on_gap = "notify"
[namespaces.quiet]
`);
const nats = await NatsServer.start();
const args = ['--config', config, '--nats', nats.url];
const node = await Millrace.start({ shards: 2, args });
await node.ready();
const application = await nats.client();

async function subscribed(client, channel) {
  const subscription = client.newSubscription(channel);
  subscription.got = [];
  subscription.again = [];
  subscription.on('publication', ({ data }) => subscription.got.push(data));
  subscription.on('subscribing', ({ code }) => subscription.again.push(code));
  subscription.subscribe();
  await subscription.ready(5000);
  return subscription;
}

test('SDKs subscribe again, once, and only where the namespace wants it', async () => {
  const client = sdkClient(node);
  const disconnects = [];
  client.on('disconnected', (event) => disconnects.push(event));
  client.connect();
  const told = await subscribed(client, 'told:a');
  const quiet = await subscribed(client, 'quiet:a');
  const crowd = [];
  for (let i = 0; i < scaled(1000); ++i) {
    const one = await RawClient.open(node);
    await one.subscribe('told:crowd');
    crowd.push(one);
  }

  await nats.kill();
  await waitFor(async () => (await node.get('/readyz')).status === 503, 'the outage to be noticed');
  assert.deepEqual(told.again, [0], 'nothing is told while it lasts');
  await nats.launch();
  await waitFor(() => told.again.length === 2, 'the notice');
  await told.ready(5000);
  assert.deepEqual(told.again, [0, 2500]);
  assert.deepEqual(quiet.again, [0]);
  for (const one of crowd) {
    const notice = () => one.messages.find(({ push }) => push?.unsubscribe)?.push;
    await waitFor(notice, 'the notice to a crowd');
    assert.deepEqual([notice().channel, notice().unsubscribe.code], ['told:crowd', 2500]);
  }

  application.publish('told.a', '1');
  application.publish('quiet.a', '2');
  await waitFor(() => told.got.length === 1 && quiet.got.length === 1, 'what comes after it');
  assert.deepEqual(disconnects, []);
  assert.equal(await node.metric('millrace_gap_notices_total'), scaled(1000) + 1);
});
