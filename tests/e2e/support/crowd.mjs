// Many clients that wait to be told to go, and note when they were.
import { connect } from 'node:net';

import { closePayload, frame, handshake, opcodes } from './raw_client.mjs';
import { waitFor } from './wait.mjs';

const connectCommand = frame({ payload: '{"id":1,"connect":{}}' });

class Member {
  // 0 a TCP connection, 1 a WebSocket, 2 a client, 3 told to go, 4 gone
  state = 0;
  code = null;
  toldAt = null;

  constructor(server, { answers }) {
    this.socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    this.socket.once('connect', () => this.socket.write(handshake(server.host)));
    this.socket.on('data', (bytes) => this.#take(bytes, answers));
    this.socket.on('error', () => {});
    this.socket.once('close', () => (this.state = 4));
  }

  // What comes is small and comes in one piece each.
  #take(bytes, answers) {
    if (this.state === 0 && bytes.includes('HTTP/1.1 101 ')) {
      this.state = 1;
      this.socket.write(connectCommand);
    } else if (this.state === 1 && bytes.includes('"connect"')) {
      this.state = 2;
    } else if (this.state === 2 && (bytes[0] & 15) === opcodes.close) {
      this.state = 3;
      this.code = bytes.readUInt16BE(2);
      this.toldAt = performance.now();
      if (!answers) return;
      this.socket.end(frame({ opcode: opcodes.close, payload: closePayload(this.code) }));
    }
  }
}

export class Crowd {
  // `answers`: whether they answer a close frame, and so leave.
  static async open(server, count, { answers = true } = {}) {
    const crowd = new Crowd();
    for (let i = 0; i < count; ++i) {
      crowd.members.push(new Member(server, { answers }));
      // In bunches, so that nobody waits for long.
      if (i % 200 !== 199 && i !== count - 1) continue;
      await waitFor(() => crowd.count(2) === i + 1, `${i + 1} clients`, 20_000);
    }
    return crowd;
  }

  members = [];

  // How many have come so far and no further.
  count(state) {
    return this.members.filter((member) => member.state === state).length;
  }

  // How many were told in each second from `start` on.
  toldBySecond(start) {
    const counts = [];
    for (const { toldAt } of this.members) {
      const second = Math.floor((toldAt - start) / 1000);
      counts[second] = (counts[second] ?? 0) + 1;
    }
    return Array.from(counts, (count) => count ?? 0);
  }

  codes() {
    return [...new Set(this.members.map(({ code }) => code))];
  }

  destroy() {
    for (const { socket } of this.members) socket.destroy();
  }
}
