// Clients that come at a steady rate, each for a handshake and a connect, and then go: what a
// restart must not refuse, reset or leave without an answer.
import { connect } from 'node:net';

import { frame, handshake } from './raw_client.mjs';
import { sleep } from './wait.mjs';

const connectCommand = frame({ payload: '{"id":1,"connect":{}}' });

export class Newcomers {
  // By what became of them. `served` got the reply to their connect; `told` got a close frame
  // instead of it, but properly. The rest is what must not be.
  counts = { served: 0, told: 0, refused: 0, reset: 0, ended: 0, answered: 0, other: 0 };
  slowestMs = 0;
  pending = 0;
  #stopped = false;

  constructor(port, perSecond) {
    this.port = port;
    this.perSecond = perSecond;
    this.#run();
  }

  async #run() {
    const start = performance.now();
    for (let made = 0; !this.#stopped; await sleep(5)) {
      const due = ((performance.now() - start) * this.perSecond) / 1000;
      for (; made < due; ++made) this.#come();
    }
  }

  #come() {
    const began = performance.now();
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    let bytes = Buffer.alloc(0);
    let upgraded = false;
    let outcome = 'ended';
    ++this.pending;
    const finish = (what) => {
      outcome = what;
      socket.destroy();
    };
    socket.once('connect', () => socket.write(handshake('127.0.0.1')));
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      if (!upgraded) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!bytes.subarray(0, end).includes('HTTP/1.1 101 ')) return finish('answered');
        upgraded = true;
        bytes = bytes.subarray(end + 4);
        socket.write(connectCommand);
      }
      if (bytes.length >= 2 && (bytes[0] & 15) === 8) return finish('told');
      if (bytes.includes('"connect":{')) finish('served');
    });
    socket.on('error', ({ code }) => {
      if (code === 'ECONNREFUSED') outcome = 'refused';
      else outcome = code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'other';
    });
    socket.once('close', () => {
      --this.pending;
      ++this.counts[outcome];
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
    });
  }

  // No more come; resolves when all that came have ended.
  async stop() {
    this.#stopped = true;
    for (const end = performance.now() + 30_000; this.pending > 0; await sleep(10)) {
      if (performance.now() > end) throw new Error(`${this.pending} newcomers have no answer`);
    }
    return { ...this.counts, slowestMs: Math.round(this.slowestMs) };
  }
}
