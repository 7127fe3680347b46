// Starts everything: nats-server, three millrace nodes, the three services, and a load of users
// that says each second how it goes.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { numbers, startCluster } from '../common/cluster.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const usual = { ports: 3200, users: 500, rooms: 50, seconds: 0, json: 0 };
const { ports, ...load } = numbers(usual);
const TOKEN_SECRET = process.env.TOKEN_SECRET ?? randomBytes(32).toString('hex');
const { processes, nats, urls } = await startCluster('microservices', ports, {
  nodes: 3,
  config: here('millrace.toml'),
  env: { MILLRACE_TOKEN_HMAC_SECRET: TOKEN_SECRET },
});

// What the services tell each other is kept until it has been dealt with.
const { connect } = await import('nats'); // startCluster has installed it, if need be
const setup = await connect({ servers: nats });
await (await setup.jetstreamManager()).streams.add({ name: 'EVENTS', subjects: ['events.>'] });
await setup.close();

for (const name of ['chat', 'notification', 'presence']) {
  await processes.start(name, process.execPath, [here(`${name}.mjs`)], {
    env: { NATS_URL: nats },
    ready: (said) => said().includes(`${name} ready`),
  });
}

const pid = (name) => processes.pid(name);
console.log(`
microservices ready: ${load.users} users in ${load.rooms} rooms, each says something every second.

End what you like and watch the line; it starts again:
  kill -9 ${pid('chat')}   chat           what is said waits
  kill -9 ${pid('notification')}   notification   mentions wait
  kill -9 ${pid('presence')}   presence       nobody hears who is where
  kill -9 ${pid('node-1')}   node-1         a third of the users moves to the others
  kill -9 ${pid('node-2')}   node-2         another third
  kill -9 ${pid('node-3')}   node-3         the last third
  kill -9 ${pid('nats')}   nats           everything waits

Counters: ${[3, 5, 7].map((i) => `http://127.0.0.1:${ports + i}/`).join('  ')}
NATS: ${nats}        logs: ${processes.folder}
Ctrl-C ends everything, and says what was lost.
`);
const flags = Object.entries(load).flatMap(([name, value]) => [`--${name}`, value]);
await processes.inFront(process.execPath, [here('load.mjs'), ...flags, ...urls], { TOKEN_SECRET });
