// One face for both clients, so that one test runs over both protocols: npm centrifuge, unchanged,
// and our client of FlatBuffers.
//
//   const client = makeClient('json', server, { token });
//   await client.connect();
//   const sub = await client.subscribe('news', { recoverable: true });
//   sub.got -> [{data, offset}]; sub.answers -> [{wasRecovering, recovered, epoch, offset}]
//   client.ends -> [{code, reason, reconnects}]
import WebSocket from 'ws';

import { FlatClient } from './flat_client.mjs';
import { sdkClient } from './sdk_client.mjs';
import { waitFor } from './wait.mjs';

export const kinds = ['json', 'flatbuffers'];

// Keeps its sockets, so that a test can cut one, and the lines that came.
function watchedSockets() {
  const seen = { last: null, lines: [] };
  seen.Socket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      seen.last = this;
      this.on('message', (text) => seen.lines.push(...text.toString().split('\n')));
    }
  };
  return seen;
}

const position = ({ epoch, offset }) => ({ epoch, offset: Number(offset) });

class SdkSide {
  constructor(server, { token, getToken, reconnectDelay = 50, ...options }) {
    this.kind = 'json';
    this.sockets = watchedSockets();
    this.sdk = sdkClient(server, {
      ...(token === undefined ? {} : { token }),
      ...(getToken === undefined ? {} : { getToken }),
      websocket: this.sockets.Socket,
      minReconnectDelay: reconnectDelay,
      maxReconnectDelay: 4 * reconnectDelay,
      ...options,
    });
    this.ends = [];
    this.errors = [];
    this.connects = [];
    this.server = new Map(); // subscriptions that the server makes
    const side = (channel) => {
      if (!this.server.has(channel)) this.server.set(channel, { got: [], answers: [] });
      return this.server.get(channel);
    };
    this.sdk.on('connected', (event) => this.connects.push(event));
    this.sdk.on('error', ({ error }) => this.errors.push(error));
    this.sdk.on('connecting', ({ code, reason }) => {
      if (code !== 0) this.ends.push({ code, reason, reconnects: true });
    });
    this.sdk.on('disconnected', ({ code, reason }) =>
      this.ends.push({ code, reason, reconnects: false }),
    );
    this.sdk.on('subscribed', (event) => side(event.channel).answers.push(event));
    this.sdk.on('publication', ({ channel, data, offset }) =>
      side(channel).got.push({ data, offset }),
    );
  }

  async connect() {
    this.sdk.connect();
    await this.sdk.ready(5000);
    return this.connects.at(-1);
  }

  async subscribe(channel, options = {}) {
    const inner = this.sdk.newSubscription(channel, {
      minResubscribeDelay: 50,
      maxResubscribeDelay: 200,
      ...options,
    });
    const sub = { inner, channel, got: [], answers: [], joins: [], leaves: [], ends: [] };
    sub.errors = [];
    inner.on('publication', ({ data, offset, info }) => sub.got.push({ data, offset, info }));
    inner.on('subscribed', (event) =>
      sub.answers.push({
        wasRecovering: event.wasRecovering,
        recovered: event.recovered,
        ...(event.streamPosition ?? {}),
        event,
      }),
    );
    inner.on('join', ({ info }) => sub.joins.push(info));
    inner.on('leave', ({ info }) => sub.leaves.push(info));
    inner.on('error', ({ error }) => sub.errors.push(error));
    inner.on('subscribing', ({ code }) => code !== 0 && sub.ends.push({ code, again: true }));
    inner.on('unsubscribed', ({ code, reason }) => sub.ends.push({ code, reason, again: false }));
    inner.subscribe();
    await inner.ready(5000);
    return sub;
  }

  async unsubscribe(sub) {
    sub.inner.unsubscribe();
  }

  async resubscribe(sub) {
    sub.inner.subscribe();
    await sub.inner.ready(5000);
  }

  publish(channel, data) {
    return this.sdk.publish(channel, data);
  }

  async presence(channel) {
    const { clients } = await this.sdk.presence(channel);
    return Object.values(clients).map(({ user, client }) => ({ user, client }));
  }

  async presenceStats(channel) {
    const { numClients, numUsers } = await this.sdk.presenceStats(channel);
    return { clients: numClients, users: numUsers };
  }

  async history(channel, options) {
    const { publications, epoch, offset } = await this.sdk.history(channel, options);
    const list = publications.map((each) => ({ data: each.data, offset: each.offset }));
    return { publications: list, epoch, offset };
  }

  async rpc(method, data) {
    return (await this.sdk.rpc(method, data)).data;
  }

  send(data) {
    this.sdk.send(data).catch(() => {});
  }

  cut() {
    this.sockets.last.terminate();
  }

  disconnect() {
    this.sdk.disconnect();
  }
}

const value = (data) => JSON.parse(data.toString());

class FlatSide {
  constructor(server, { token, getToken, reconnectDelay = 50, ...options }) {
    this.kind = 'flatbuffers';
    this.token = token ?? getToken;
    this.flat = new FlatClient(server.url, { reconnectDelay, ...options });
    this.ends = [];
    this.errors = [];
    this.connects = [];
    this.subs = new Map();
    this.server = new Map();
    const all = [this.subs, this.server];
    const of = (channel) => all.map((each) => each.get(channel)).find((sub) => sub);
    this.flat.on('connected', (event) => this.connects.push(event));
    this.flat.on('error', (error) => this.errors.push(error));
    this.flat.on('disconnected', (event) => this.ends.push(event));
    this.flat.on('subscribed', ({ channel, ...event }) => this.#stands(this.subs, channel, event));
    this.flat.on('serverSubscribed', ({ channel, result, ...event }) =>
      this.#stands(this.server, channel, result ?? event),
    );
    this.flat.on('publication', ({ channel, publication: { data, offset, info } }) =>
      of(channel)?.got.push({ data: this.#value(data), offset: Number(offset), info }),
    );
    this.flat.on('join', ({ channel, info }) => of(channel)?.joins.push(info));
    this.flat.on('leave', ({ channel, info }) => of(channel)?.leaves.push(info));
    this.flat.on('unsubscribed', ({ channel, code, reason }) =>
      of(channel)?.ends.push({ code, reason, again: code >= 2500 }),
    );
  }

  #value(data) {
    try {
      return value(data);
    } catch {
      return data; // of a binary namespace
    }
  }

  #stands(map, channel, event) {
    if (!map.has(channel)) {
      map.set(channel, { channel, got: [], answers: [], joins: [], leaves: [], ends: [] });
    }
    const { wasRecovering, recovered } = event;
    map.get(channel).answers.push({ wasRecovering, recovered, ...position(event), event });
  }

  connect() {
    return this.flat.connect({ token: this.token });
  }

  async subscribe(channel, { getToken, token, since, ...options } = {}) {
    const from = since && { recover: true, epoch: since.epoch, offset: BigInt(since.offset) };
    const tokenOrMaker = token ?? (getToken && (() => getToken({ channel })));
    const more = { ...options, ...from, token: tokenOrMaker };
    await this.flat.subscribe(channel, more);
    const sub = this.subs.get(channel);
    sub.options = more;
    return sub;
  }

  async unsubscribe(sub) {
    const { epoch, offset } = this.flat.subscriptions.get(sub.channel);
    sub.stood = { epoch, offset };
    await this.flat.unsubscribe(sub.channel);
  }

  async resubscribe(sub) {
    await this.flat.subscribe(sub.channel, { ...sub.options, ...sub.stood, recover: true });
  }

  publish(channel, data) {
    return this.flat.publish(channel, Buffer.isBuffer(data) ? data : JSON.stringify(data));
  }

  async presence(channel) {
    const members = await this.flat.presence(channel);
    return members.map(({ user, client }) => ({ user, client }));
  }

  async presenceStats(channel) {
    const { clients, users } = await this.flat.presenceStats(channel);
    return { clients, users };
  }

  async history(channel, { since, ...options } = {}) {
    const from = since && { epoch: since.epoch, offset: BigInt(since.offset) };
    const { publications, ...top } = await this.flat.history(channel, { ...options, since: from });
    const list = publications.map(({ data, offset }) => (
      { data: this.#value(data), offset: Number(offset) }));
    return { publications: list, ...position(top) };
  }

  rpc(method, data) {
    return this.flat.rpc(method, JSON.stringify(data));
  }

  send(data) {
    this.flat.send(JSON.stringify(data));
  }

  cut() {
    this.flat.cut();
  }

  disconnect() {
    this.flat.disconnect();
  }
}

export function makeClient(kind, server, options = {}) {
  return kind === 'json' ? new SdkSide(server, options) : new FlatSide(server, options);
}

export async function connectedClient(kind, server, options) {
  const client = makeClient(kind, server, options);
  await client.connect();
  return client;
}

export const datas = (sub) => sub.got.map(({ data }) => data);

// Waits until it has got so many.
export function gotten(sub, count, timeoutMs = 5000) {
  return waitFor(
    () => sub.got.length >= count && sub.got,
    `${count} publications of ${sub.channel}`,
    timeoutMs,
  );
}

export function ended(client, count = 1, timeoutMs = 5000) {
  const end = () => client.ends.length >= count && client.ends[count - 1];
  return waitFor(end, `end ${count}`, timeoutMs);
}

export function connectedAgain(client, count, timeoutMs = 5000) {
  return waitFor(() => client.connects.length >= count, `connect ${count}`, timeoutMs);
}


