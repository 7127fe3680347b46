// A client of the binary protocol (docs/FLATBUFFERS.md) over npm ws.
//
//   const client = new FlatClient(server.url);
//   const { client: id } = await client.connect({ token });
//   client.on('publication', ({ channel, publication, recovered }) => ...);
//   await client.subscribe('news', { recoverable: true });
//
// Events: publication, join, leave, subscribed (also after a reconnect, with the server's answer),
// unsubscribed (a push), serverSubscribed, message, refresh, connected, disconnected ({code,
// reason, reconnects}), error. It answers pings, and takes their absence for the end. After the
// connection has gone, unless its code is from 3500 to 3999 or 1009 (what was too large would be so
// again), it comes back and subscribes again from where it stood. Calls that wait fail with what
// ended the connection.
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';

import { decodeServerMessages, encodeCommand } from './flat_codec.mjs';
import { atEnd } from './processes.mjs';

export const subprotocol = 'millrace-flatbuffers';

export class FlatError extends Error {
  constructor({ code, message, temporary }) {
    super(`${code}: ${message}`);
    Object.assign(this, { code, temporary });
  }
}

export class FlatClient extends EventEmitter {
  constructor(url, options = {}) {
    super();
    const { reconnect = true, reconnectDelay = 100, headers = {}, pongs = true } = options;
    Object.assign(this, { url, reconnects: reconnect, reconnectDelay, headers, pongs });
    this.maxServerPingDelay = options.maxServerPingDelay ?? 10_000; // ms
    this.subscriptions = new Map();  // channel -> {options, epoch, offset, recoverable}
    this.serverSubscriptions = new Map();
    this.waiting = new Map();
    this.nextId = 1;
    this.closed = false;
    this.on('error', () => {});  // without a listener an EventEmitter throws
    atEnd(() => this.disconnect());
  }

  // The server's ConnectResult. `token` may be a function, called anew for each connection.
  async connect(options = {}) {
    this.closed = false;
    this.options = options;
    return this.#open();
  }

  disconnect() {
    this.closed = true;
    this.socket?.close(1000);
  }

  // As if the network had gone.
  cut() {
    this.socket?.terminate();
  }

  async subscribe(channel, options = {}) {
    const subscription = { options, epoch: options.epoch ?? '', offset: options.offset ?? 0n };
    return this.#subscribe(channel, subscription, options.recover ?? false);
  }

  async unsubscribe(channel) {
    this.subscriptions.delete(channel);
    return this.call('Unsubscribe', { channel });
  }

  publish(channel, data) { return this.call('Publish', { channel, data }); }
  async presence(channel) { return (await this.call('Presence', { channel })).members; }
  presenceStats(channel) { return this.call('PresenceStats', { channel }); }
  history(channel, { limit = 0, since, reverse = false } = {}) {
    return this.call('History', { channel, limit, since, reverse });
  }
  async rpc(method, data) { return (await this.call('Rpc', { method, data })).data; }
  refresh(token) { return this.call('Refresh', { token }); }
  subRefresh(channel, token) { return this.call('SubRefresh', { channel, token }); }
  send(data) { this.write([{ type: 'Send', body: { data } }]); }

  // `atOnce` is told the reply before what stands behind it in its frame is looked at.
  call(type, body, atOnce = () => {}) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) return reject(new Error('not connected'));
      this.waiting.set(id, { resolve, reject, atOnce });
      this.write([{ id, type, body }]);
    });
  }

  // All in one frame.
  write(commands) {
    this.socket.send(Buffer.concat(commands.map(encodeCommand)));
  }

  async #open() {
    const socket = new WebSocket(this.url, subprotocol, { headers: this.headers });
    this.socket = socket;
    socket.on('message', (frame, binary) => this.#take(frame, binary));
    await new Promise((opened, failed) => {
      socket.once('open', opened);
      socket.once('error', failed);
    });
    socket.on('error', (error) => this.emit('error', error));
    socket.on('close', (code, reason) => this.#gone(socket, code, reason.toString()));
    const { token, data } = this.options;
    const subs = [...this.serverSubscriptions].map(([channel, { epoch, offset, recoverable }]) => (
      { channel, recover: recoverable, epoch, offset }));
    return this.call('Connect', {
      token: typeof token === 'function' ? await token() : token, data, subs, name: 'flat_client',
    }, (result) => this.#connected(result));
  }

  #connected(result) {
    this.serverSubscriptions.clear();
    this.#watchPings(result);
    for (const sub of result.subs) this.#serverSubscribed(sub.channel, sub.result);
    this.emit('connected', result);
  }

  async #subscribe(channel, subscription, recover) {
    const { token, recover: _, ...options } = subscription.options;
    return this.call('Subscribe', {
      ...options, channel, recover, epoch: subscription.epoch, offset: subscription.offset,
      token: typeof token === 'function' ? await token(channel) : token,
    }, (result) => {
      this.#stands(subscription, result);
      this.subscriptions.set(channel, subscription);
      this.emit('subscribed', { channel, ...result });
      this.#recovered(channel, result);
    });
  }

  #stands(subscription, { epoch, offset, recoverable, publications = [] }) {
    const last = publications.at(-1);
    Object.assign(subscription, { epoch, offset: last?.offset || offset, recoverable });
  }

  #recovered(channel, { publications }) {
    for (const publication of publications) {
      this.emit('publication', { channel, publication, recovered: true });
    }
  }

  #serverSubscribed(channel, result) {
    const subscription = {};
    this.#stands(subscription, result);
    this.serverSubscriptions.set(channel, subscription);
    this.emit('serverSubscribed', { channel, ...result });
    this.#recovered(channel, { publications: result.publications ?? [] });
  }

  #watchPings({ ping, pong }) {
    this.answersPings = pong && this.pongs;
    this.alive = () => {
      clearTimeout(this.silence);
      const patience = ping * 1000 + this.maxServerPingDelay;
      if (ping > 0) this.silence = setTimeout(() => this.cut(), patience).unref();
    };
    this.alive();
  }

  #take(frame, binary) {
    if (!binary) return this.emit('error', new Error(`a text frame: ${frame}`));
    for (const message of decodeServerMessages(frame)) {
      if (message.id === 0) this.#push(message);
      else this.#reply(message);
    }
  }

  #reply({ id, type, body }) {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting === undefined) return this.emit('error', new Error(`a reply to nothing: ${id}`));
    if (type === 'ErrorResult') waiting.reject(new FlatError(body));
    else waiting.resolve((waiting.atOnce(body), body));
  }

  #push({ type, body }) {
    const handlers = {
      Ping: () => {
        this.alive?.();
        if (this.answersPings) this.write([{ type: 'Pong' }]);
        this.emit('ping');
      },
      PublicationPush: () => {
        const known =
          this.subscriptions.get(body.channel) ?? this.serverSubscriptions.get(body.channel);
        if (known && body.publication.offset > 0n) known.offset = body.publication.offset;
        this.emit('publication', { ...body, recovered: false });
      },
      JoinPush: () => this.emit('join', body),
      LeavePush: () => this.emit('leave', body),
      UnsubscribePush: () => this.#unsubscribed(body),
      SubscribePush: () => this.#serverSubscribed(body.channel, body),
      MessagePush: () => this.emit('message', body.data),
      RefreshPush: () => this.emit('refresh', body),
    };
    handlers[type]();
  }

  #unsubscribed(body) {
    const subscription = this.subscriptions.get(body.channel);
    this.subscriptions.delete(body.channel);
    this.serverSubscriptions.delete(body.channel);
    this.emit('unsubscribed', body);
    // From 2500 on the client is to subscribe again.
    if (subscription === undefined || body.code < 2500) return;
    this.#subscribe(body.channel, subscription, subscription.recoverable)
      .catch((error) => this.emit('error', error));
  }

  #gone(socket, code, reason) {
    if (socket !== this.socket) return;
    clearTimeout(this.silence);
    const ended = new Error(`the connection ended with ${code} ${reason}`);
    for (const { reject } of this.waiting.values()) reject(ended);
    this.waiting.clear();
    const isFinal = code === 1009 || (code >= 3500 && code < 4000);
    const comesBack = this.reconnects && !this.closed && !isFinal;
    this.emit('disconnected', { code, reason, reconnects: comesBack });
    if (comesBack) this.#comeBack();
  }

  async #comeBack() {
    await pause(this.reconnectDelay, undefined, { ref: false });
    if (this.closed) return;
    try {
      await this.#open();
    } catch (error) {
      this.emit('error', error);
      // One that was open tells of its end by itself, and then comes back.
      if (this.socket.listenerCount('close') === 0) this.#comeBack();
      return;
    }
    for (const [channel, subscription] of [...this.subscriptions]) {
      await this.#subscribe(channel, subscription, subscription.recoverable ?? false)
        .catch((error) => this.emit('error', error));
    }
  }
}
