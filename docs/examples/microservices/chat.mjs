// The chat service: it sees what clients publish in a room before anybody else does, says no, or
// says how it goes out. Who is mentioned (@ann) is an event for the services behind it.
//
//   node chat.mjs        with NATS_URL in the environment; run as many as you like
import { Refusal } from '../common/refusal.mjs';
import { Service } from '../common/service.mjs';

const longestText = 500;
const mostMentions = 5;

const service = await Service.start('chat');
const events = service.nats.jetstream();

service.answer('millrace.proxy.publish', 'chat', async ({ user, channel, data }) => {
  const text = String(data?.text ?? '').trim();
  if (text === '' || text.length > longestText) throw new Refusal(400, '1 to 500 characters');
  const said = { id: data.id, from: user, text, at: data.at };
  const mentions = [...text.matchAll(/@([a-z0-9]{1,16})/g)].map(([, name]) => name);
  for (const name of mentions.slice(0, mostMentions)) {
    // Kept by NATS until the notification service has it, should that be down just now.
    await events.publish('events.mentioned', JSON.stringify({ name, channel, ...said }));
  }
  return { data: said };
});

await service.ready();
