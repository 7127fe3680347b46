// The presence service: who is in a room, for clients that ask, and each second how many are
// where, for everybody. It keeps nothing: millrace knows who is connected, on all nodes.
//
//   node presence.mjs        with NATS_URL in the environment; run as many as you like
import { Refusal } from '../common/refusal.mjs';
import { Service } from '../common/service.mjs';

const everyMs = 1000;
const service = await Service.start('presence');

service.answer('millrace.proxy.rpc', 'presence', async ({ method, data }) => {
  if (method !== 'who') throw new Refusal(404, 'there is no such method');
  const { presence } = await service.ask('presence', { channel: `room:${Number(data?.room)}` });
  return { data: [...new Set(Object.values(presence).map(({ user }) => user))].sort() };
});

async function tellCrowd() {
  const { channels } = await service.ask('channels', { pattern: 'room:*' });
  const sizes = Object.entries(channels).map(([name, { num_clients: count }]) => [name, count]);
  service.nats.publish('crowd.all', JSON.stringify(Object.fromEntries(sizes)));
}
setInterval(() => tellCrowd().catch(service.report), everyMs);

await service.ready();
