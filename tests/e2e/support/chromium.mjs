// A real headless Chromium, spoken to by its DevTools protocol over `ws`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

import { start } from './processes.mjs';
import { waitFor, within } from './wait.mjs';

const binary =
  process.env.CHROMIUM_BIN ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const flags = [
  '--headless=new',
  '--no-sandbox', // it does not start as root otherwise
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
  // A tab that is not in front must run as fast as one that is.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--remote-debugging-port=0',
];

export class Chromium {
  static async launch() {
    if (!binary) throw new Error('no Chromium is installed; on Debian: apt-get install chromium');
    const profile = mkdtempSync(join(tmpdir(), 'millrace-chromium-'));
    process.on('exit', () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
    const run = start(binary, [...flags, `--user-data-dir=${profile}`, 'about:blank']);
    const address = await waitFor(
      () => {
        if (run.result) throw new Error(`chromium ended: ${run.err}`);
        return /DevTools listening on (ws:\S+)/.exec(run.err)?.[1];
      },
      'Chromium to start',
      30_000,
    );
    const socket = new WebSocket(address);
    const opened = new Promise((open) => socket.once('open', open));
    await within(opened, 'the DevTools socket', 30_000);
    return new Chromium(run, socket);
  }

  #nextId = 1;
  #waiting = new Map();
  #tabs = new Map(); // by session

  constructor(run, socket) {
    this.run = run;
    this.socket = socket;
    socket.on('message', (text) => this.#take(JSON.parse(text)));
  }

  #take(message) {
    if (message.id === undefined) {
      this.#tabs.get(message.sessionId)?.take(message.method, message.params);
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error) reject(new Error(`DevTools: ${message.error.message}`));
    else resolve(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#nextId++;
    const reply = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return within(reply, `the answer to ${method}`, 15_000);
  }

  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(this, targetId, sessionId);
    this.#tabs.set(sessionId, tab);
    for (const domain of ['Runtime', 'Log', 'Network', 'Page']) await tab.send(`${domain}.enable`);
    await tab.navigate(url);
    return tab;
  }

  async close() {
    if (!this.run.result) this.send('Browser.close').catch(() => {});
    await within(this.run.ended, 'the end of Chromium', 10_000);
    this.socket.terminate();
  }
}

class Tab {
  constructor(browser, targetId, sessionId) {
    this.browser = browser;
    this.targetId = targetId;
    this.sessionId = sessionId;
    this.errors = []; // of the console, uncaught ones too
    this.requests = []; // addresses, of WebSockets too
    this.handshakes = []; // {status, headers} of WebSockets
    this.frames = []; // {sent: true or false, text}
    this.loads = 0;
  }

  take(method, params) {
    const takers = {
      'Runtime.exceptionThrown': ({ exceptionDetails: details }) =>
        this.errors.push(details.exception?.description ?? details.text),
      'Runtime.consoleAPICalled': ({ type, args }) => {
        if (type === 'error') this.errors.push(args.map(({ value }) => value).join(' '));
      },
      'Log.entryAdded': ({ entry }) => {
        if (entry.level === 'error') this.errors.push(`${entry.text} ${entry.url ?? ''}`);
      },
      'Network.requestWillBeSent': ({ request }) => this.requests.push(request.url),
      'Network.webSocketCreated': ({ url }) => this.requests.push(url),
      'Network.webSocketHandshakeResponseReceived': ({ response }) =>
        this.handshakes.push({ status: response.status, headers: response.headers }),
      'Network.webSocketFrameSent': ({ response }) =>
        this.frames.push({ sent: true, text: response.payloadData }),
      'Network.webSocketFrameReceived': ({ response }) =>
        this.frames.push({ sent: false, text: response.payloadData }),
      'Page.loadEventFired': () => ++this.loads,
    };
    takers[method]?.(params);
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  async navigate(url) {
    const loads = this.loads;
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await waitFor(() => this.loads > loads, `${url} to load`, 15_000);
  }

  // The value of an expression in the page, a promise's too.
  async evaluate(expression) {
    const { result, exceptionDetails: thrown } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (thrown) throw new Error(`${expression}: ${thrown.exception?.description ?? thrown.text}`);
    return result.value;
  }

  // What a person sees of it: nothing of what is hidden.
  text(selector) {
    return this.evaluate(`(() => {
      const node = document.querySelector(${JSON.stringify(selector)});
      return node.checkVisibility() ? node.innerText : '';
    })()`);
  }

  async waitForText(selector, pattern, timeoutMs = 5000) {
    let last;
    const seen = async () => pattern.test((last = await this.text(selector)));
    await waitFor(seen, `${pattern} in ${selector}`, timeoutMs).catch((error) => {
      throw new Error(`${error.message}; it shows ${JSON.stringify(last)}`);
    });
    return last;
  }

  // By mouse where a person would click, so that what covers or disables it counts.
  async click(selector) {
    const [x, y] = await this.evaluate(`(() => {
      const node = document.querySelector(${JSON.stringify(selector)});
      node.scrollIntoView({ block: 'center' });
      const box = node.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    })()`);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  // Replaces what a field holds, by keyboard.
  async fill(selector, text) {
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).select()`);
    if (text === '') await this.press('Delete', 46);
    else await this.send('Input.insertText', { text });
  }

  // `modifiers`: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift.
  async press(key, code, { modifiers = 0, text = undefined } = {}) {
    const params = { key, code: key, windowsVirtualKeyCode: code, modifiers };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', text, ...params });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...params });
  }

  async view({ width = 1280, height = 800, dark = false }) {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send('Emulation.setDeviceMetricsOverride', metrics);
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await this.send('Emulation.setEmulatedMedia', { features });
  }

  // A picture of the whole page, as PNG.
  async screenshot() {
    const options = { format: 'png', captureBeyondViewport: true };
    return Buffer.from((await this.send('Page.captureScreenshot', options)).data, 'base64');
  }

  async close() {
    await this.browser.send('Target.closeTarget', { targetId: this.targetId });
  }
}
