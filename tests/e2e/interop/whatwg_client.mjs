// A client of the API that browsers have: undici's in Node and, in a page, Chromium's own.
import { bytesOf, concatenated, fingerprint, Inbox, textOf } from './payloads.mjs';

export class WhatwgClient {
  #inbox = new Inbox();

  constructor(WebSocket, subtle) {
    this.WebSocket = WebSocket;
    this.subtle = subtle;
  }

  // Both offer permessage-deflate whether asked or not.
  async connect({ url, protocols }) {
    const socket = new this.WebSocket(url, protocols);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#inbox.push(data));
    this.ended = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason, wasClean }) =>
        resolve({ code, reason, clean: wasClean }),
      );
    });
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error('not connected')));
    });
    return { protocol: socket.protocol, extensions: socket.extensions };
  }

  async send({ payloads }) {
    for (const what of payloads) {
      this.socket.send(what.type === 'text' ? textOf(what) : bytesOf(what));
    }
  }

  // The API has whole messages only. Chromium sends large ones in fragments by itself.
  async sendFragments({ parts }) {
    this.socket.send(new TextDecoder('utf-8', { fatal: true }).decode(concatenated(parts)));
  }

  async receive({ count }) {
    const seen = [];
    while (seen.length < count) {
      seen.push(await fingerprint(await this.#inbox.next(), this.subtle));
    }
    return seen;
  }

  async close({ code, reason }) {
    this.socket.close(code, reason);
  }

  closed() {
    return this.ended;
  }
}
