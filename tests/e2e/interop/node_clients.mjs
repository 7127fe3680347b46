// The clients of npm, each behind the same few calls:
//   connect({url, protocols, deflate}) -> {protocol, extensions}, as the server answered
//   send({payloads}), sendFragments({parts}), receive({count}) -> fingerprints
//   ping({block}) -> the block that the pong brought; blocks are base64
//   close({code, reason}), closed() -> {code, reason, clean}
import { once } from 'node:events';
import { webcrypto } from 'node:crypto';
import faye from 'faye-websocket';
import { WebSocket as UndiciWebSocket } from 'undici';
import websocket from 'websocket';
import WebSocket from 'ws';

import { bytesOf, concatenated, fingerprint, Inbox, textOf } from './payloads.mjs';
import { WhatwgClient } from './whatwg_client.mjs';

const { subtle } = webcrypto;
const largest = 32 * 1024 * 1024;

class NodeClient {
  inbox = new Inbox();
  pongs = new Inbox();

  async receive({ count }) {
    const seen = [];
    while (seen.length < count) seen.push(await fingerprint(await this.inbox.next(), subtle));
    return seen;
  }

  async pong() {
    return Buffer.from(await this.pongs.next()).toString('base64');
  }

  ends(socket, told) {
    this.ended = new Promise((resolve) => {
      socket.on('close', (...args) => {
        const [code, reason] = told(...args);
        resolve({ code, reason, clean: code !== 1006 });
      });
    });
  }

  closed() {
    return this.ended;
  }

  // After the test, however that ended.
  async leave() {}
}

export class WsClient extends NodeClient {
  async connect({ url, protocols, deflate }) {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: deflate });
    this.socket.on('error', () => {});
    this.socket.on('message', (data, binary) => this.inbox.push(binary ? data : `${data}`));
    this.socket.on('pong', (data) => this.pongs.push(data));
    this.ends(this.socket, (code, reason) => [code, `${reason}`]);
    await once(this.socket, 'open');
    return { protocol: this.socket.protocol, extensions: this.socket.extensions };
  }

  async send({ payloads }) {
    for (const what of payloads) this.socket.send(bytesOf(what), { binary: what.type !== 'text' });
  }

  async sendFragments({ parts }) {
    parts.forEach((part, i) => {
      const fin = i === parts.length - 1;
      this.socket.send(bytesOf(part), { binary: part.type !== 'text', fin });
    });
  }

  ping({ block }) {
    this.socket.ping(Buffer.from(block, 'base64'));
    return this.pong();
  }

  async close({ code, reason }) {
    this.socket.close(code, reason);
  }

  async leave() {
    this.socket?.terminate();
  }
}

export class WebsocketClient extends NodeClient {
  async connect({ url, protocols, deflate }) {
    const sizes = { maxReceivedFrameSize: largest, maxReceivedMessageSize: largest };
    const client = new websocket.client(sizes);
    // It knows no extensions, so the offer is a field like any other.
    const fields = deflate ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {};
    client.connect(url, protocols, null, fields);
    const [connection] = await Promise.race([
      once(client, 'connect'),
      once(client, 'connectFailed').then(([error]) => Promise.reject(error)),
    ]);
    this.connection = connection;
    connection.on('error', () => {});
    connection.on('message', (message) =>
      this.inbox.push(message.type === 'utf8' ? message.utf8Data : message.binaryData),
    );
    connection.on('pong', (data) => this.pongs.push(data));
    this.ends(connection, (code, reason) => [code, reason]);
    const extensions = client.response.headers['sec-websocket-extensions'] ?? '';
    return { protocol: connection.protocol ?? '', extensions };
  }

  async send({ payloads }) {
    for (const what of payloads) {
      if (what.type === 'text') this.connection.sendUTF(textOf(what));
      else this.connection.sendBytes(Buffer.from(bytesOf(what)));
    }
  }

  // It cuts by size, inside of characters too.
  async sendFragments({ parts }) {
    const all = Buffer.from(concatenated(parts));
    this.connection.config.fragmentationThreshold = Math.ceil(all.length / parts.length) - 1;
    this.connection.sendUTF(all.toString());
  }

  ping({ block }) {
    this.connection.ping(Buffer.from(block, 'base64'));
    return this.pong();
  }

  async close({ code, reason }) {
    this.connection.close(code, reason);
  }

  async leave() {
    this.connection?.socket.destroy();
  }
}

// An extension by the rules of faye's own plug-ins that only makes the offer.
const deflateOffer = {
  name: 'permessage-deflate',
  type: 'permessage',
  rsv1: true,
  rsv2: false,
  rsv3: false,
  createClientSession: () => ({
    generateOffer: () => ({ client_max_window_bits: true }),
    activate: () => false,
    close: () => {},
  }),
};

export class FayeClient extends NodeClient {
  async connect({ url, protocols, deflate }) {
    this.socket = new faye.Client(url, protocols, {
      maxLength: largest,
      extensions: deflate ? [deflateOffer] : [],
    });
    this.socket.on('message', ({ data }) => this.inbox.push(data));
    this.ends(this.socket, ({ code, reason }) => [code, reason]);
    await Promise.race([once(this.socket, 'open'), this.ended]);
    const extensions = this.socket.headers['sec-websocket-extensions'] ?? '';
    return { protocol: this.socket.protocol, extensions };
  }

  async send({ payloads }) {
    for (const what of payloads) {
      this.socket.send(what.type === 'text' ? textOf(what) : Buffer.from(bytesOf(what)));
    }
  }

  // It takes text only, and calls back for the pong that brings the same.
  async ping({ block }) {
    const sent = Buffer.from(block, 'base64').toString('latin1');
    await new Promise((resolve) => this.socket.ping(sent, resolve));
    return block;
  }

  async close({ code, reason }) {
    this.socket.close(code, reason);
  }

  async leave() {
    this.socket?._stream.destroy();
  }
}

export class UndiciClient extends WhatwgClient {
  constructor() {
    super(UndiciWebSocket, subtle);
  }

  async leave() {
    this.socket?.close();
  }
}
