// HTTP over a bare socket: requests byte by byte, and responses parsed by hand.
import { connect } from 'node:net';

import { waitFor, within } from './wait.mjs';

export class RawHttp {
  static async open(port) {
    const http = new RawHttp(port);
    await within(http.connected, 'the socket');
    return http;
  }

  constructor(port) {
    this.bytes = Buffer.alloc(0);
    this.gone = false;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.connected = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve).once('error', reject);
    });
    this.connected.catch(() => {}); // who waits for it sees it
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes) => (this.bytes = Buffer.concat([this.bytes, bytes])));
    this.ended = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.gone = true;
        resolve();
      });
    });
  }

  write(text) {
    this.socket.write(text);
    return this;
  }

  // The next response: {status, headers, body}; headers' names in lower case.
  async response(timeoutMs = 5000) {
    return waitFor(
      () => {
        const found = this.#take();
        if (!found && this.gone) throw new Error(`no response but ${this.bytes.toString()}`);
        return found;
      },
      'a response',
      timeoutMs,
    );
  }

  #take() {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [first, ...lines] = this.bytes.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers['content-length'] ?? 0);
    if (this.bytes.length < end + 4 + length) return null;
    const body = this.bytes.subarray(end + 4, end + 4 + length).toString('utf8');
    this.bytes = this.bytes.subarray(end + 4 + length);
    return { status: Number(first.split(' ')[1]), headers, body };
  }

  destroy() {
    this.socket.destroy();
  }
}

// One request on a connection of its own.
export async function rawRequest(port, text) {
  const http = await RawHttp.open(port);
  try {
    return await http.write(text).response();
  } finally {
    http.destroy();
  }
}
