// A WebSocket client over a bare socket: it can send what no library would, and sees every byte.
//
// Written apart from the server's code and from `ws`, after RFC 6455.
import { connect } from 'node:net';

import { sleep, waitFor, within } from './wait.mjs';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// The bytes of one client frame. `declared` is a length to claim in place of the true one.
export function frame({
  opcode = opcodes.text,
  payload = '',
  fin = true,
  rsv = 0,
  masked = true,
  declared = null,
} = {}) {
  const data = Buffer.from(payload);
  const length = BigInt(declared ?? data.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  let head;
  if (length < 126n) {
    head = Buffer.from([first, maskBit | Number(length)]);
  } else if (length < 65536n) {
    head = Buffer.from([first, maskBit | 126, Number(length >> 8n), Number(length & 255n)]);
  } else {
    head = Buffer.alloc(10);
    head.set([first, maskBit | 127]);
    head.writeBigUInt64BE(length, 2);
  }
  if (!masked) return Buffer.concat([head, data]);
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const hidden = Buffer.from(data.map((byte, i) => byte ^ mask[i % 4]));
  return Buffer.concat([head, mask, hidden]);
}

export function closePayload(code, reason = '') {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

export function handshake(host, { path = '/connection/websocket', headers = [] } = {}) {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export class RawClient {
  // Shakes hands; with `session` also connects by the client protocol.
  static async open(server, { session = true, pongs = true, path, headers } = {}) {
    const client = new RawClient(server, pongs);
    await within(client.#opened, 'the socket');
    client.socket.write(handshake(server.host, { path, headers }));
    await waitFor(() => client.upgraded || client.gone, 'the answer to the handshake');
    if (!client.upgraded) throw new Error(`no 101 but ${client.head}`);
    if (session) client.session = (await client.call({ connect: {} })).connect;
    return client;
  }

  #opened;
  #in = Buffer.alloc(0);
  #nextId = 1;

  constructor(server, pongs) {
    this.pongs = pongs;
    this.upgraded = false;
    this.head = '';
    this.frames = []; // control frames too: {opcode, fin, payload}
    this.messages = []; // the lines of text frames, parsed
    this.texts = []; // the same, as they came
    this.close = null; // {code, reason} of the server's close frame
    this.gone = false; // the socket has ended
    this.pings = 0; // of the client protocol
    this.socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    this.#opened = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve).once('error', reject);
    });
    this.#opened.catch(() => {}); // who waits for it sees it
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.ended = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.gone = true;
        resolve();
      });
    });
  }

  #take(bytes) {
    this.#in = this.#in.length === 0 ? bytes : Buffer.concat([this.#in, bytes]);
    if (!this.upgraded) {
      const end = this.#in.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.#in.subarray(0, end).toString('latin1');
      if (!this.head.startsWith('HTTP/1.1 101 ')) return;
      this.upgraded = true;
      this.#in = this.#in.subarray(end + 4);
    }
    while (this.#takeFrame());
  }

  #takeFrame() {
    const bytes = this.#in;
    if (bytes.length < 2) return false;
    if ((bytes[1] & 0x80) !== 0) throw new Error('a server must not mask');
    let length = bytes[1] & 0x7f;
    let start = 2;
    if (length === 126 && bytes.length >= 4) {
      length = bytes.readUInt16BE(2);
      start = 4;
    } else if (length === 127 && bytes.length >= 10) {
      length = Number(bytes.readBigUInt64BE(2));
      start = 10;
    } else if (length >= 126) {
      return false;
    }
    if (bytes.length < start + length) return false;
    const payload = bytes.subarray(start, start + length);
    this.#in = bytes.subarray(start + length);
    this.#handle({ opcode: bytes[0] & 15, fin: (bytes[0] & 0x80) !== 0, payload });
    return true;
  }

  #handle(received) {
    this.frames.push(received);
    const { opcode, payload } = received;
    if (opcode === opcodes.text) {
      for (const line of payload.toString('utf8').split('\n')) this.#line(line);
    } else if (opcode === opcodes.close) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.close = { code, reason: payload.subarray(2).toString('utf8') };
    } else if (opcode === opcodes.ping && this.pongs) {
      this.send({ opcode: opcodes.pong, payload });
    }
  }

  #line(line) {
    const message = JSON.parse(line);
    if (Object.keys(message).length > 0) {
      this.texts.push(line);
      this.messages.push(message);
      return;
    }
    ++this.pings;
    if (this.pongs) this.sendText('{}');
  }

  write(bytes) {
    return this.socket.write(bytes);
  }

  // Writes, and waits a moment if the socket takes no more.
  async flood(bytes) {
    this.write(bytes);
    const end = performance.now() + 20;
    while (this.socket.writableLength > 0 && !this.gone && performance.now() < end) await sleep(1);
  }

  send(what) {
    return this.write(frame(what));
  }

  sendText(text) {
    return this.send({ payload: text });
  }

  // Sends a command and resolves to its reply.
  async call(command, timeoutMs = 5000) {
    const id = this.#nextId++;
    this.sendText(JSON.stringify({ id, ...command }));
    return this.reply(id, timeoutMs);
  }

  reply(id, timeoutMs = 5000) {
    return waitFor(
      () => {
        const found = this.messages.find((message) => message.id === id);
        const over = this.gone || this.close; // nothing comes after a close frame
        if (!found && over) throw new Error(`no reply ${id}: ${JSON.stringify(this.close)}`);
        return found;
      },
      `the reply ${id}`,
      timeoutMs,
    );
  }

  async subscribe(channel, timeoutMs) {
    const reply = await this.call({ subscribe: { channel } }, timeoutMs);
    if (!reply.subscribe) throw new Error(`not subscribed: ${JSON.stringify(reply)}`);
  }

  // The data of what was pushed to it, in order.
  publications(channel) {
    const pushes = this.messages.filter((message) => message.push?.channel === channel);
    return pushes.map(({ push }) => push.pub.data);
  }

  // Waits until there are `count` publications of `channel`, and resolves to them.
  received(channel, count, timeoutMs = 5000) {
    return waitFor(
      () => {
        const found = this.publications(channel);
        return found.length >= count && found;
      },
      `${count} publications of ${channel}`,
      timeoutMs,
    );
  }

  // Resolves to the server's close frame, {code, reason}.
  async closed(timeoutMs = 5000) {
    await waitFor(() => this.close || this.gone, 'the close frame', timeoutMs);
    return this.close ?? { code: 1006, reason: '' };
  }

  // Leaves as a client should.
  async leave() {
    if (!this.gone) this.send({ opcode: opcodes.close, payload: closePayload(1000) });
    await Promise.race([this.ended, sleep(1000)]);
    this.socket.destroy();
    await this.ended;
  }

  destroy() {
    this.socket.destroy();
  }
}
