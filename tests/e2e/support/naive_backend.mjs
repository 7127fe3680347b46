// A server that is wrong about requests: what the smuggling tests must find wrong. It reads a body
// only where it wants one, skips what it does not know until a request line comes, and never
// closes. Its answers to good requests are millrace's.
import { createServer } from 'node:net';

import { atEnd } from './processes.mjs';

const reply = (status, body) =>
  `HTTP/1.1 ${status} -\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const upgraded =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

export class NaiveBackend {
  static async start() {
    const backend = new NaiveBackend();
    await new Promise((resolve) => backend.server.listen(0, '127.0.0.1', resolve));
    backend.port = backend.server.address().port;
    atEnd(() => backend.stop());
    return backend;
  }

  constructor() {
    this.inner = 0; // requests that no proxy sent as such
    this.sockets = new Set();
    this.server = createServer((socket) => this.#serve(socket));
  }

  #serve(socket) {
    this.sockets.add(socket);
    let waiting = '';
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => {});
    socket.on('data', (bytes) => {
      waiting += bytes.toString('latin1');
      for (let taken = this.#take(waiting); taken; taken = this.#take(waiting)) {
        socket.write(taken.answer);
        waiting = waiting.slice(taken.end);
      }
    });
  }

  #take(text) {
    const end = text.indexOf('\r\n\r\n') + 4;
    if (end === 3) return null;
    const head = text.slice(0, end);
    const [, path] = /^[A-Z]+ (\/\S*) HTTP\/1\.1\r$/m.exec(head) ?? [];
    if (!path) return { end, answer: reply(400, 'what?\n') };
    const publishes = path.startsWith('/api/publish');
    const length = publishes ? Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0) : 0;
    if (text.length < end + length) return null;
    if (path.includes('inner')) this.inner += 1;
    return { end: end + length, answer: this.#answer(head, path, publishes) };
  }

  #answer(head, path, publishes) {
    if (/^upgrade: websocket/im.test(head)) return upgraded;
    if (publishes) return reply(200, '{"result":{}}');
    return path === '/' ? reply(200, 'millrace\n') : reply(404, 'no such path\n');
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
