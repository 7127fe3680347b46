// Sends the heads of tests/unit/net/http/smuggling_cases.h through a proxy, each with a request
// behind it that the proxy denies to clients, and looks for what must not be: an answer that only
// that inner request can have, or a next client that gets an answer to somebody else's request.
//
// The proxy may read a head in its own way, and may read the inner request as a second one: then it
// denies it (403), and that is lawful. Only a server that reads other requests than the proxy sent
// answers the inner one.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { apiKey, build } from './millrace.mjs';
import { RawHttp } from './raw_http.mjs';
import { handshake } from './raw_client.mjs';
import { slowness } from './wait.mjs';

export function smugglingHeads() {
  const text = execFileSync(join(build, 'smuggling_heads'), { encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex'));
}

function publish(path) {
  const body = '{"channel":"a","data":1}';
  const fields = [`Host: a`, `X-API-Key: ${apiKey}`, `Content-Length: ${body.length}`];
  return `POST ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
}

const upgrade = handshake('a', { path: '/connection/websocket?inner' });
const whole = publish('/api/publish?inner');
// Answered by nobody until the next request on the connection becomes a part of it.
const unfinished = 'GET /connection/websocket?inner HTTP/1.1\r\nX-Glued: ';

// What only the inner requests are answered with.
const smuggled = /HTTP\/1\.[01] 101 |"result"/;

// What follows a head. Where it has both, "Content-Length: 5" ends the body where its last chunk
// ends, or where its first chunk's data begin: there readers differ.
const lastChunk = '0\r\n\r\n';
const chunk = (data) => `${data.length.toString(16).padStart(3, '0')}\r\n${data}\r\n${lastChunk}`;
const continuations = {
  'an upgrade': upgrade,
  'a publish behind the last chunk': lastChunk + whole,
  'half a request behind the last chunk': lastChunk + unfinished,
  'a publish in a chunk': chunk(whole),
  'half a request in a chunk': chunk(unfinished),
};

export const attacksOnEach = Object.keys(continuations).length;

// Three requests whose answers differ, so that one answer too many, or a word in front of the
// first, shows in one of them.
const victim =
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n' +
  publish('/api/publish') +
  'GET /nothing-here HTTP/1.1\r\nHost: a\r\n\r\n';
const victimAnswers = [
  [200, /^millrace/],
  [200, /^{"result":{"offset":\d+,"epoch":"\w+"}}$/],
  [404, /^no such path/],
];

// What is wrong with what a good client gets on a lane; null if nothing is.
async function victimTrouble(port) {
  const http = await RawHttp.open(port);
  http.write(victim);
  try {
    const got = [];
    while (got.length < victimAnswers.length) got.push(await http.response(15_000));
    const wrong = got.find(({ status, body }, i) => {
      return status !== victimAnswers[i][0] || !victimAnswers[i][1].test(body);
    });
    if (wrong) return `${wrong.status} ${wrong.body}`;
    return http.bytes.length === 0 ? null : `more: ${http.bytes.toString('latin1')}`;
  } catch (error) {
    return error.message;
  } finally {
    http.destroy();
  }
}

const quietMs = 30;

// Until the proxy has closed, or has had nothing to say for a while.
function quiet(http) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, quietMs * slowness);
    http.socket.on('data', () => timer.refresh());
    http.ended.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// What the head itself was answered, and whose that is: the proxies' own pages are HTML, which
// millrace's answers never are.
function ownAnswer(text) {
  if (text === '') return 'none';
  const [, status, fields, rest] = /^HTTP\/1\.[01] (\d+)([^]*?\r\n)\r\n([^]*)/.exec(text) ?? [];
  if (!status) return 'a body without a head';
  if (status === '100') return ownAnswer(rest);
  const length = Number(/\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
  return `${status} of the ${/<html/i.test(rest.slice(0, length)) ? 'proxy' : 'server'}`;
}

// One head on one lane: adds to `outcome`.
async function attack(port, { head, behind, name }, outcome) {
  const http = await RawHttp.open(port);
  http.write(Buffer.concat([head, Buffer.from(behind)]));
  await quiet(http);
  const text = http.bytes.toString('latin1');
  const found = (what) =>
    outcome.findings.push({ head: head.toString('latin1'), behind: name, ...what });
  if (smuggled.test(text)) found({ answers: text });
  const trouble = await victimTrouble(port);
  outcome.victims += 1;
  if (trouble) found({ victim: trouble });
  http.destroy();
  const own = ownAnswer(text);
  outcome.answers[own] = (outcome.answers[own] ?? 0) + 1;
}

// All heads with all that may follow, over the lanes, one after the other on each: {findings,
// victims, answers}, these counted by what the head itself was answered.
export async function attackAll(ports, heads) {
  const outcome = { findings: [], victims: 0, answers: {} };
  const attacks = heads.flatMap((head) =>
    Object.entries(continuations).map(([name, behind]) => ({ head, behind, name })),
  );
  const run = async (port) => {
    for (let one = attacks.pop(); one; one = attacks.pop()) await attack(port, one, outcome);
  };
  await Promise.all(ports.map(run));
  return outcome;
}
