// Stands between a node and a NATS server, and loses the messages that a test names: what a server
// that lags or a link that breaks does, but told when.
import { connect, createServer } from 'node:net';

import { freePort } from './ports.mjs';
import { atEnd } from './processes.mjs';

const lineEnd = Buffer.from('\r\n');

// Bytes from the server, cut into protocol messages: [subject or null, bytes].
class Cutter {
  #in = Buffer.alloc(0);

  *take(bytes) {
    this.#in = Buffer.concat([this.#in, bytes]);
    for (;;) {
      const end = this.#in.indexOf(lineEnd);
      if (end < 0) return;
      const words = this.#in.subarray(0, end).toString('latin1').split(' ');
      const message = words[0] === 'MSG' || words[0] === 'HMSG';
      const size = end + 2 + (message ? Number(words.at(-1)) + 2 : 0);
      if (this.#in.length < size) return;
      const whole = this.#in.subarray(0, size);
      this.#in = this.#in.subarray(size);
      yield [message ? words[1] : null, whole];
    }
  }
}

export class NatsProxy {
  static async start(nats) {
    const proxy = new NatsProxy(nats, await freePort());
    await new Promise((resolve) => {
      proxy.server.listen(proxy.port, '127.0.0.1', resolve);
    });
    atEnd(() => proxy.stop());
    return proxy;
  }

  constructor(nats, port) {
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.lost = 0;
    this.loses = () => false; // (subject) => whether this message gets lost
    this.sockets = new Set();
    this.server = createServer((client) => this.#carry(client, nats.port));
  }

  #carry(client, port) {
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    const cutter = new Cutter();
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      for (const [subject, message] of cutter.take(bytes)) {
        if (subject !== null && this.loses(subject)) {
          ++this.lost;
        } else {
          client.write(message);
        }
      }
    });
  }

  stop() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
