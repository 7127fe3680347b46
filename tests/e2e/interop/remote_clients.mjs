// Clients that run elsewhere, a python or a page: a call is a line of JSON there and one back.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Chromium } from '../support/chromium.mjs';
import { atEnd, start } from '../support/processes.mjs';
import { within } from '../support/wait.mjs';

const callLimit = 30_000; // milliseconds

class RemoteClient {
  constructor(remote) {
    this.remote = remote;
    for (const name of ['connect', 'send', 'sendFragments', 'receive', 'ping', 'close', 'closed']) {
      this[name] = (params = {}) =>
        within(remote.call({ call: name, ...params }), `${name} of ${remote.name}`, callLimit);
    }
  }

  leave() {
    return within(this.remote.call({ call: 'leave' }), `leave of ${this.remote.name}`);
  }
}

// Debian's packages are those of Debian's python, whatever `python3` is here.
const python = '/usr/bin/python3';

export class PythonRemote {
  #waiting = [];

  constructor(script) {
    this.name = script;
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.run = start(python, ['-B', '-u', path], { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.run.child.stdout }).on('line', (line) => {
      const { result, error } = JSON.parse(line);
      const { resolve, reject } = this.#waiting.shift();
      if (error) reject(new Error(error));
      else resolve(result);
    });
    this.run.ended.then(() => {
      const ended = new Error(`${script} ended: ${this.run.err}`);
      for (const { reject } of this.#waiting.splice(0)) reject(ended);
    });
  }

  call(command) {
    if (this.run.result) return Promise.reject(new Error(`${this.name} ended: ${this.run.err}`));
    this.run.child.stdin.write(`${JSON.stringify(command)}\n`);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  client() {
    return new RemoteClient(this);
  }

  async end() {
    this.run.child.stdin.end();
    const { code } = await within(this.run.ended, `the end of ${this.name}`);
    if (code !== 0) throw new Error(`${this.name} ended with ${code}: ${this.run.err}`);
  }
}

// The page's script is the module that Node's undici is driven with, from this folder.
const page = `<!doctype html><title>interop</title><script type="module">
  import { WhatwgClient } from './whatwg_client.mjs';
  window.call = async ({ call, ...params }) => {
    if (call === 'connect') window.client = new WhatwgClient(WebSocket, crypto.subtle);
    if (call === 'leave') return window.client?.socket?.close();
    return window.client[call](params);
  };
  window.ready = true;
</script>`;

function servePage() {
  const server = createServer((request, response) => {
    const script = /^\/(\w+\.mjs)$/.exec(request.url)?.[1];
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    response.end(script ? readFileSync(new URL(script, import.meta.url)) : page);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export class ChromiumRemote {
  name = 'Chromium';

  static async launch() {
    const remote = new ChromiumRemote();
    remote.server = await servePage();
    atEnd(() => {
      remote.server.closeAllConnections();
      remote.server.close();
    });
    remote.origin = `http://127.0.0.1:${remote.server.address().port}`;
    remote.browser = await Chromium.launch();
    remote.tab = await remote.browser.open(`${remote.origin}/`);
    // What a tab keeps of each frame is not wanted of messages this large.
    await remote.tab.send('Network.disable');
    if (!(await remote.tab.evaluate('window.ready'))) throw new Error(`${remote.tab.errors}`);
    return remote;
  }

  call(command) {
    return this.tab.evaluate(`call(${JSON.stringify(command)})`);
  }

  client() {
    return new RemoteClient(this);
  }

  end() {
    return this.browser.close();
  }
}
