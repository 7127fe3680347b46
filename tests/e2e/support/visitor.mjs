// A tab of the realms example without a browser: it logs in, connects at a path, and keeps what it
// hears.
import { RawClient } from './raw_client.mjs';
import { waitFor } from './wait.mjs';

export async function logIn(example, user) {
  const response = await fetch(`${example.site}/login`, { method: 'POST', body: user });
  return { status: response.status, ...(await response.json()) };
}

export class Visitor {
  // `more`: other members of the connect command, of somebody who tries.
  static async enter(example, user, path, { node = 0, more = {}, data = {}, headers } = {}) {
    const visitor = new Visitor();
    visitor.user = user;
    const { token } = await logIn(example, user);
    visitor.client = await RawClient.open(example.node(node), { session: false, headers });
    const connect = { token, data: { path, ...data }, ...more };
    visitor.reply = await visitor.client.call({ connect }, 10_000);
    visitor.session = visitor.reply.connect;
    return visitor;
  }

  get channels() {
    return Object.keys(this.session.subs ?? {}).sort();
  }

  // What has been published to it: all, or in one channel.
  heard(channel = null) {
    const pushes = this.client.messages.map(({ push }) => push).filter((push) => push?.pub);
    return pushes
      .filter((push) => channel === null || push.channel === channel)
      .map((push) => push.pub.data);
  }

  async hears(channel, matches, timeoutMs) {
    return waitFor(
      () => this.heard(channel).find(matches),
      `${this.user} to hear of it in ${channel}: ${matches}`,
      timeoutMs,
    );
  }

  // {data} or {error}.
  async rpc(method, data = {}, timeoutMs = 10_000) {
    const { rpc, error } = await this.client.call({ rpc: { method, data } }, timeoutMs);
    return error ? { error } : rpc;
  }

  async ask(method, data) {
    const { data: answer, error } = await this.rpc(method, data);
    if (error) throw new Error(`${this.user}, ${method}: ${error.code} ${error.message}`);
    return answer;
  }

  leave() {
    this.client.socket.destroy();
    return this.client.ended;
  }
}
