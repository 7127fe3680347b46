// A real nats-server as a child process, with its monitoring port.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect } from 'nats';

import { freePort } from './ports.mjs';
import { atEnd, start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

export class NatsServer {
  // With `jetstream` it keeps streams, in a folder that is removed when the test file ends.
  static async start({ jetstream = false } = {}) {
    const server = new NatsServer(await freePort(), await freePort());
    if (jetstream) {
      server.store = mkdtempSync(join(tmpdir(), 'millrace-e2e-js-'));
      process.on('exit', () => rmSync(server.store, { recursive: true, force: true }));
    }
    await server.launch();
    return server;
  }

  constructor(port, monitor) {
    this.port = port;
    this.monitor = monitor;
    this.url = `nats://127.0.0.1:${port}`;
    this.clients = [];
  }

  // Starts it on the same ports, the first time or again.
  async launch() {
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-m', String(this.monitor)];
    if (this.store !== undefined) args.push('-js', '-sd', this.store);
    this.run = start('nats-server', args);
    await waitFor(() => {
      if (this.run.result) throw new Error(`nats-server ended: ${this.run.err}`);
      return this.run.err.includes('Server is ready');
    }, 'nats-server to be ready');
  }

  async kill() {
    process.kill(this.run.pid, 'SIGKILL');
    await within(this.run.ended, 'the end of nats-server');
  }

  freeze() {
    process.kill(this.run.pid, 'SIGSTOP');
  }

  thaw() {
    process.kill(this.run.pid, 'SIGCONT');
  }

  // A plain NATS client, which stop() closes.
  async client(options = {}) {
    const client = await connect({
      servers: this.url,
      reconnectTimeWait: 100,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      ...options,
    });
    this.clients.push(client);
    atEnd(() => client.close());
    return client;
  }

  async stop() {
    for (const client of this.clients) await client.close();
    if (!this.run.result) await this.kill();
  }

  // Bytes that it got from its clients so far.
  async traffic() {
    const response = await fetch(`http://127.0.0.1:${this.monitor}/varz`);
    return (await response.json()).in_bytes;
  }

  // The connections of millrace: [{name, subscriptions_list, out_msgs, ...}].
  async connections() {
    const response = await fetch(`http://127.0.0.1:${this.monitor}/connz?subs=1&limit=4096`);
    const { connections } = await response.json();
    return connections.filter(({ name }) => name?.startsWith('millrace'));
  }

  // The subjects of channels that millrace's connections are subscribed to, each as often as it is
  // held; what nodes speak on among themselves is left out.
  async subjects() {
    const connections = await this.connections();
    const own = /(^|\.)millrace\.|^_INBOX\./;
    return connections
      .flatMap((one) => one.subscriptions_list ?? [])
      .filter((subject) => !own.test(subject))
      .sort();
  }
}
