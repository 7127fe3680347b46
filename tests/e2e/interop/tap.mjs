// A wire between a client and a server that shows what went over it: heads and frames.
import { connect, createServer } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';

import { atEnd } from '../support/processes.mjs';

// The frames of one direction; payloads of control frames are kept, unmasked.
class FrameScan {
  frames = []; // {opcode, fin, masked, length, payload}
  #head = Buffer.alloc(0);
  #frame = null;
  #left = 0; // bytes of the frame's payload

  take(bytes) {
    while (bytes.length > 0 || (this.#frame && this.#left === 0)) {
      bytes = this.#frame ? this.#takePayload(bytes) : this.#takeHead(bytes);
    }
  }

  #takeHead(bytes) {
    const head = Buffer.concat([this.#head, bytes.subarray(0, 14 - this.#head.length)]);
    const wide = { 126: 2, 127: 8 }[head[1] & 0x7f] ?? 0;
    const masked = (head[1] & 0x80) !== 0;
    const size = 2 + wide + (masked ? 4 : 0);
    if (head.length < 2 || head.length < size) {
      this.#head = head;
      return bytes.subarray(bytes.length);
    }
    let length = head[1] & 0x7f;
    if (wide === 2) length = head.readUInt16BE(2);
    if (wide === 8) length = Number(head.readBigUInt64BE(2));
    const mask = masked ? head.subarray(size - 4, size) : Buffer.alloc(4);
    const taken = size - this.#head.length;
    const [opcode, fin] = [head[0] & 15, (head[0] & 0x80) !== 0];
    this.#frame = { opcode, fin, masked, length, mask, payload: [] };
    this.#left = length;
    this.#head = Buffer.alloc(0);
    return bytes.subarray(taken);
  }

  #takePayload(bytes) {
    const part = bytes.subarray(0, this.#left);
    const { opcode, payload, mask, ...frame } = this.#frame;
    if (opcode >= 8) payload.push(...part.map((byte, i) => byte ^ mask[(payload.length + i) % 4]));
    this.#left -= part.length;
    if (this.#left === 0) {
      this.frames.push({ opcode, ...frame, payload: Buffer.from(payload) });
      this.#frame = null;
    }
    return bytes.subarray(part.length);
  }
}

class Direction {
  head = '';
  #scan = new FrameScan();
  #behindHead = false;

  get frames() {
    return this.#scan.frames;
  }

  take(bytes) {
    if (this.#behindHead) return this.#scan.take(bytes);
    this.head += bytes.toString('latin1');
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const rest = Buffer.from(this.head.slice(end + 4), 'latin1');
    this.head = this.head.slice(0, end);
    this.#behindHead = true;
    return this.#scan.take(rest);
  }
}

async function inPieces(socket, bytes, piece) {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += piece) {
    socket.write(bytes.subarray(at, at + piece));
    await immediate();
  }
}

export class Tap {
  // Of one connection to `port`. With `piece`, what the client sends comes out in segments of so
  // many bytes.
  static async to(port, { piece = Infinity } = {}) {
    const tap = new Tap();
    tap.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      tap.#couple(client, server, tap.sent, piece);
      tap.#couple(server, client, tap.received, Infinity);
    });
    await new Promise((resolve) => tap.server.listen(0, '127.0.0.1', resolve));
    atEnd(() => tap.close());
    tap.host = `127.0.0.1:${tap.server.address().port}`;
    return tap;
  }

  sent = new Direction(); // by the client
  received = new Direction();
  #sockets = [];

  #couple(from, to, direction, piece) {
    this.#sockets.push(from);
    from.on('error', () => to.destroy());
    let written = Promise.resolve();
    from.on('data', (bytes) => {
      direction.take(bytes);
      if (piece === Infinity) to.write(bytes);
      else written = written.then(() => inPieces(to, bytes, piece));
    });
    from.on('end', () => written.then(() => to.end()));
  }

  close() {
    if (!this.server.listening) return;
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}
