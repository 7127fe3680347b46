// Starts everything: nats-server, two millrace nodes, two application servers, and the site.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { numbers, startCluster } from '../common/cluster.mjs';
import { answers } from '../common/processes.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const { ports: first } = numbers({ ports: 3100 });
const { processes, nats, urls } = await startCluster('realms', first, {
  nodes: 2,
  config: here('millrace.toml'),
});
const TOKEN_SECRET = process.env.TOKEN_SECRET ?? randomBytes(32).toString('hex');
for (const name of ['app-1', 'app-2']) {
  await processes.start(name, process.execPath, [here('app.mjs'), name], {
    env: { NATS_URL: nats, TOKEN_SECRET },
    ready: (said) => said().includes(`${name} ready`),
  });
}
const site = `http://127.0.0.1:${first}`;
await processes.start('page', process.execPath, [here('page.mjs'), first, ...urls], {
  env: { TOKEN_SECRET },
  ready: () => answers(site),
});

const pid = (name) => processes.pid(name);
console.log(`
realms ready: ${site}/

  1. Open it in two tabs, and log in as ann and as ben. ann begins a game, ben joins it.
  2. Open it in a third tab, log in as eve, and watch the game: she sees both hands.
  3. Look at "What this tab hears": each hears its own realm, and nothing else.

End what you like; it starts again:
  kill -9 ${pid('app-1')}   app-1        kill -9 ${pid('app-2')}   app-2
  kill -9 ${pid('node-1')}   node-1       kill -9 ${pid('node-2')}   node-2
  kill -9 ${pid('nats')}   nats

Counters: http://127.0.0.1:${first + 3}/ of node-1, http://127.0.0.1:${first + 5}/ of node-2
NATS: ${nats}        logs: ${processes.folder}
Ctrl-C ends everything.
`);
