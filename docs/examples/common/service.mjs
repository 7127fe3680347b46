// What a program needs to stand behind millrace: it takes questions from a queue group, so that of
// several such programs exactly one has each, answers in JSON, and ends without losing any.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';

import { Refusal } from './refusal.mjs';

export class Service {
  #working = new Set();
  #subscriptions = [];

  static async start(name) {
    const service = new Service();
    service.name = name;
    service.nats = await connect({
      servers: process.env.NATS_URL,
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
    });
    // It takes nothing new, answers what it has, and ends: no client notices.
    const end = () => service.#end().catch(service.report);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
    return service;
  }

  report = (error) => console.error(`${this.name}: ${error.stack}`);

  // `handle` makes the result of a question, or throws why not.
  answer(subject, queue, handle) {
    const callback = (error, message) => {
      if (error) return this.report(error);
      const work = this.#answer(message, handle).finally(() => this.#working.delete(work));
      return this.#working.add(work);
    };
    this.#subscriptions.push(this.nats.subscribe(subject, { queue, callback }));
  }

  async #answer(message, handle) {
    const respond = (reply) => message.respond(JSON.stringify(reply));
    try {
      respond({ result: await handle(message.json()) });
    } catch (error) {
      const { code, message: text } = error;
      if (error instanceof Refusal) return respond({ error: { code, message: text } });
      this.report(error);
      respond({ error: { code: 500, message: 'try again', temporary: true } });
    }
    return null;
  }

  // Asks millrace itself: what it knows and does of clients, on all nodes.
  async ask(method, request) {
    const subject = `millrace.api.${method}`;
    const reply = await this.nats.request(subject, JSON.stringify(request), { timeout: 2000 });
    const { result, error } = reply.json();
    if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
    return result;
  }

  // The same again and again while a node that is dying, or has just come, keeps the answer away.
  // Nodes that are well have carried it out at the first time.
  async insist(method, request, { times = 20, pauseMs = 500 } = {}) {
    for (let left = times; ; --left) {
      try {
        return await this.ask(method, request);
      } catch (error) {
        if (left === 1) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async ready() {
    await this.nats.flush();
    console.log(`${this.name} ready`);
  }

  async #end() {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
    await Promise.all(this.#working);
    await this.nats.drain();
    process.exit(0);
  }
}
