// An application behind the server: it answers `millrace.proxy.METHOD` over a plain NATS client.
import { waitFor } from './wait.mjs';

export const allow = (result = {}) => ({ result });
export const refuse = (code, message, temporary = false) => ({
  error: { code, message, ...(temporary ? { temporary } : {}) },
});
export const throwOut = (code, reason) => ({ disconnect: { code, reason } });

const encoder = new TextEncoder();

export class Application {
  // `answers`: {rpc: async (request) => reply}, with the reply an object, a text as it is, or
  // undefined for none at all. A queue group, so that one of several has each question.
  static async start(nats, answers, { queue = 'application' } = {}) {
    const application = new Application(await nats.client());
    for (const [method, answer] of Object.entries(answers)) {
      application.serve(method, answer, queue);
    }
    await application.client.flush();
    return application;
  }

  constructor(client) {
    this.client = client;
    this.asked = []; // {method, request, headers}
  }

  serve(method, answer, queue) {
    const callback = async (error, message) => {
      if (error) throw error;
      const request = message.json();
      const headers = Object.fromEntries(
        [...(message.headers ?? [])].map(([name, values]) => [name, values[0]]),
      );
      this.asked.push({ method, request, headers });
      const reply = await answer(request, message);
      if (reply === undefined) return;
      message.respond(encoder.encode(typeof reply === 'string' ? reply : JSON.stringify(reply)));
    };
    this.client.subscribe(`millrace.proxy.${method}`, { queue, callback });
  }

  of(method) {
    return this.asked.filter((one) => one.method === method);
  }

  // The first `count` questions of a method.
  async got(method, count = 1) {
    await waitFor(() => this.of(method).length >= count, `${count} questions of ${method}`);
    return this.of(method).slice(0, count);
  }

  async stop() {
    await this.client.close();
  }
}

// A [proxy] with these methods on: {rpc: {timeout: '300ms'}}; `more` stands in [proxy] itself.
export function proxyConfig(methods, more = '') {
  let text = `[proxy]\n${more}\n`;
  for (const [name, keys] of Object.entries(methods)) {
    text += `[proxy.${name}]\non = true\n`;
    for (const [key, value] of Object.entries(keys)) text += `${key} = ${JSON.stringify(value)}\n`;
  }
  return text;
}
