// nats-servers with a configuration of their own, alone or in a cluster.
import { writeFileSync } from 'node:fs';

import { configFile } from './millrace.mjs';
import { NatsServer } from './nats_server.mjs';
import { freePort } from './ports.mjs';
import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

export class ConfiguredNats extends NatsServer {
  // `config`: lines beside those of the ports.
  static async start(config) {
    const server = new ConfiguredNats(await freePort(), await freePort());
    server.path = configFile('');
    server.config = config;
    await server.launch();
    return server;
  }

  write() {
    const ports = `listen: "127.0.0.1:${this.port}"\nhttp: "127.0.0.1:${this.monitor}"\n`;
    writeFileSync(this.path, `${ports}${this.config}\n`);
  }

  async launch() {
    this.write();
    this.run = start('nats-server', ['-c', this.path]);
    await waitFor(() => {
      if (this.run.result) throw new Error(`nats-server ended: ${this.run.err}`);
      return this.run.err.includes('Server is ready');
    }, 'nats-server to be ready', 10_000);
  }

  // Lets it read another configuration.
  async reload(config) {
    this.config = config;
    this.write();
    const before = this.run.err.length;
    process.kill(this.run.pid, 'SIGHUP');
    await waitFor(
      () => this.run.err.slice(before).includes('Reloaded server configuration'),
      'the reload of nats-server',
    );
  }

  // What `nats-server --signal ldm=PID` sends. It ends by itself some seconds later.
  lameDuck() {
    process.kill(this.run.pid, 'SIGUSR2');
  }

  async end(timeoutMs = 60_000) {
    await within(this.run.ended, 'the end of nats-server', timeoutMs);
  }

  async monitored(page) {
    return (await fetch(`http://127.0.0.1:${this.monitor}${page}`)).json();
  }
}

export class NatsCluster {
  // `config`: lines of each node's configuration, or what makes them of its number.
  static async start(count, config = '') {
    const cluster = new NatsCluster(config);
    cluster.routes = await Promise.all(Array.from({ length: count }, () => freePort()));
    for (const route of cluster.routes) await cluster.#launch(route);
    await cluster.routed(count);
    return cluster;
  }

  constructor(config) {
    this.config = config;
    this.nodes = [];
  }

  async #launch(route) {
    const others = this.routes.map((port) => `nats://127.0.0.1:${port}`);
    const config = typeof this.config === 'function' ? this.config(route) : this.config;
    const node = await ConfiguredNats.start(`server_name: n${route}
cluster: { name: test, listen: "127.0.0.1:${route}", routes: ${JSON.stringify(others)} }
${config}`);
    this.nodes.push(node);
    return node;
  }

  // One more, which the others get to know.
  async add() {
    const node = await this.#launch(await freePort());
    await this.routed(this.nodes.length);
    return node;
  }

  get urls() {
    return this.nodes.map(({ url }) => url);
  }

  // Until each of so many nodes that run knows the others.
  async routed(count) {
    await waitFor(async () => {
      const running = this.nodes.filter(({ run }) => !run.result);
      const pages = await Promise.all(running.map((node) => node.monitored('/routez')));
      return running.length === count && pages.every(({ routes }) =>
        new Set((routes ?? []).map(({ remote_id: id }) => id)).size === count - 1);
    }, `routes between ${count} nodes`, 15_000);
  }
}
