// npm centrifuge, unchanged, over npm ws. It reconnects for ever, so it is ended with the file.
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

import { atEnd } from './processes.mjs';

export function sdkClient(server, { query = '', ...options } = {}) {
  const client = new Centrifuge(server.url + query, { websocket: WebSocket, ...options });
  atEnd(() => client.disconnect());
  return client;
}
