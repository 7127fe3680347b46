// The notification service: whoever was mentioned hears of it, in whichever room. It takes events
// from a stream, one after the other, and has done with each only when it is delivered; so what
// happens while it is down waits for it.
//
//   node notification.mjs        with NATS_URL in the environment; run as many as you like
import { AckPolicy } from 'nats';

import { Service } from '../common/service.mjs';

const name = 'notification';
const service = await Service.start(name);
const stream = service.nats.jetstream();
const manager = await service.nats.jetstreamManager();
await manager.consumers.add('EVENTS', { durable_name: name, ack_policy: AckPolicy.Explicit });
const consumer = await stream.consumers.get('EVENTS', name);
await service.ready();

for await (const message of await consumer.consume()) {
  const { name: user, channel, from, text, id } = message.json();
  // Should it come by twice, it is delivered once: the id is the same.
  const msgID = `notification-${message.seq}`;
  const notification = JSON.stringify({ mentionedBy: from, channel, text, id });
  await stream.publish(`user.${user}`, notification, { msgID });
  message.ack();
}
