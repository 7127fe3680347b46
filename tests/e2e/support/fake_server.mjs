// A server that misbehaves as told. It speaks as much of the protocol as millrace-load asks for.
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

import { atEnd } from './processes.mjs';

// Once `clients` are subscribed it publishes {"seq":n} for each n of `sequence`, then closes them
// if told so. `raw`: sends every message to all who have sent none.
export async function fakeServer({
  sequence = [],
  clients = 1,
  channel = 'load',
  closeWith = null,
  raw = false,
}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  let subscribed = 0;

  function publish() {
    for (const socket of server.clients) {
      for (const seq of sequence) {
        socket.send(JSON.stringify({ push: { channel, pub: { data: { seq } } } }));
      }
      if (closeWith !== null) socket.close(closeWith, 'as told');
    }
  }

  function answer(socket, text) {
    const replies = [];
    for (const line of text.split('\n')) {
      const command = JSON.parse(line);
      if (command.connect) replies.push({ id: command.id, connect: {} });
      if (command.subscribe) {
        replies.push({ id: command.id, subscribe: {} });
        ++subscribed;
      }
    }
    socket.send(replies.map((reply) => JSON.stringify(reply)).join('\n'));
    // A moment, so that the client's last reply is behind it.
    if (subscribed === clients) setTimeout(publish, 300);
  }

  function repeat(sender, text) {
    sender.publishes = true;
    for (const socket of server.clients) if (!socket.publishes) socket.send(text);
  }

  server.on('connection', (socket) => {
    socket.on('message', (data) => (raw ? repeat : answer)(socket, data.toString()));
  });
  const close = async () => {
    for (const socket of server.clients) socket.terminate();
    if (server.address()) await new Promise((closed) => server.close(closed));
  };
  atEnd(close);
  return { host: `127.0.0.1:${server.address().port}`, close };
}
