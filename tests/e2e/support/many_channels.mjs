// Clients that subscribe to very many channels, in few frames.
import { RawClient } from './raw_client.mjs';
import { waitFor } from './wait.mjs';

const perFrame = 500;
export const perClient = 4000;
// What a server must be told to let them.
export const limits = { channels_per_connection: '4096', commands_per_second: '0' };

export const nameOf = (i) => `many:channel-${i}`;
export const subjectOf = (i) => `many.channel-${i}`;

// Clients with `count` channels altogether, all confirmed.
export async function openMany(server, count) {
  const clients = [];
  for (let first = 0; first < count; first += perClient) {
    const client = await RawClient.open(server);
    const here = Math.min(perClient, count - first);
    const before = client.messages.length;
    for (let i = 0; i < here; i += perFrame) {
      const lines = Array.from({ length: Math.min(perFrame, here - i) }, (_, at) =>
        JSON.stringify({ id: 1000 + i + at, subscribe: { channel: nameOf(first + i + at) } }));
      client.sendText(lines.join('\n'));
      const wanted = before + i + lines.length;
      await waitFor(() => client.messages.length >= wanted, `${wanted} replies`, 20_000);
    }
    const refused = client.messages.slice(before).find((message) => !message.subscribe);
    if (refused) throw new Error(`not subscribed: ${JSON.stringify(refused)}`);
    client.messages.length = 0;
    client.texts.length = 0;
    client.frames.length = 0;
    clients.push(client);
  }
  return clients;
}

// Which of the channels got a publication since the last look, as a set of names.
export function heardOn(clients) {
  const names = new Set();
  for (const { messages } of clients) {
    for (const { push } of messages) if (push?.pub) names.add(push.channel);
  }
  return names;
}
