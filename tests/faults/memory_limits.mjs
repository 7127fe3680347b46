// A server that gets no more addresses at all: the largest publication, the first of its size on
// its shard, still reaches every subscriber, and clients are served on.
//
//   MILLRACE_BIN=build/release/millrace node tests/faults/memory_limits.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { Millrace, apiKey } from '../e2e/support/millrace.mjs';
import { endAll } from '../e2e/support/processes.mjs';
import { RawClient } from '../e2e/support/raw_client.mjs';
import { waitFor } from '../e2e/support/wait.mjs';

const MiB = 1024 * 1024;
const largest = MiB; // [limits] publication_size
const subscribers = 6; // so that hardly a shard is without one

// `size` bytes of data each; simdjson and the decoders need more for the odd ones.
const bodies = {
  plain: (size) => `"${'x'.repeat(size - 2)}"`,
  escaped: (size) => `"\\u0041${'x'.repeat(size - 10)}\\n"`,
  numbers: (size) => `[${'0,'.repeat(size / 2 - 2)}10]`,
};

function allowNoMore(pid, bytes) {
  const [pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  const pageSize = 4096;
  execFileSync('prlimit', ['--pid', String(pid), `--as=${Number(pages) * pageSize + bytes}`]);
}

function publish(server, data) {
  return fetch(`http://${server.host}/api/publish`, {
    method: 'POST',
    headers: { 'X-API-Key': apiKey },
    body: `{"channel":"news",\n"data":${data}}`,
    signal: AbortSignal.timeout(10_000),
  });
}

async function failuresOf(server) {
  const page = await (await fetch(`http://${server.admin}/metrics`)).text();
  return Number(/^millrace_allocation_failures_total (\d+)/m.exec(page)[1]);
}

// Returns how many allocations failed meanwhile.
async function play(kind, shards, more) {
  const server = await Millrace.start({ shards });
  const clients = [];
  for (let i = 0; i < subscribers; ++i) {
    clients.push(await RawClient.open(server));
    await clients[i].subscribe('news');
  }
  const data = bodies[kind](largest);
  if (data.length !== largest) throw new Error(`${kind}: ${data.length} bytes`);
  // The connection that it comes on is there: newcomers are not let in without a reserve.
  if ((await publish(server, '1')).status !== 200) throw new Error('no small publication');
  allowNoMore(server.pid, more);
  const answer = await publish(server, data);
  const said = await answer.text();
  if (!said.startsWith('{"result":{"offset":2,')) throw new Error(`${answer.status} ${said}`);
  for (const client of clients) {
    await waitFor(() => client.messages.filter((one) => one.push?.pub).length === 2, 'both');
    await client.subscribe('more');
  }
  const failures = await failuresOf(server);
  for (const client of clients) await client.leave();
  await server.stop();
  return failures;
}

async function main() {
  let failures = 0;
  for (const shards of [1, 2]) {
    for (const kind of Object.keys(bodies)) {
      for (const more of [0, 3 * MiB]) {
        try {
          failures += await play(kind, shards, more);
        } catch (error) {
          const what = `${kind}, shards: ${shards}, ${more / MiB} MiB more`;
          throw new Error(`${what}: ${error.message} ${error.cause ?? ''}`, { cause: error });
        }
      }
    }
  }
  console.log(`${failures} allocations failed, and nobody noticed`);
  if (failures === 0) throw new Error('none failed: the limit did not bite');
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(endAll);
