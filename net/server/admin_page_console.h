// The half of the admin page's script that connects, subscribes and publishes: a small client of
// the protocol in docs/PROTOCOL.md. Part of admin_page.cc.
#pragma once

namespace millrace {

inline constexpr char kAdminPageConsole[] = R"js(
const kLogLines = 200;
const kShownChars = 4000;
const kReplyMs = 10000;
const kDepth = 62;  // levels that the server leaves to a payload

const notInsecure = 'This server runs without --insecure, so it lets nobody in without a token, ' +
  'and this page has none. To try it on your own machine, start it with --insecure.';

const errorHints = {
  100: 'The broker could not take it now; try again.',
  102: 'The namespace in front of the ":" is not configured: add it as [namespaces.NAME].',
  103: 'The namespace does not allow that to everybody: see allow_... in docs/NAMESPACES.md.',
  105: 'This connection is subscribed to it already.',
  106: 'This connection has as many channels as the limits allow.',
  107: 'A name has no "." before its first ":" and no empty part, does not begin with "_" or ' +
    '"millrace", and has at most 255 bytes; or the message is larger than the limits allow.',
  108: 'The server does not offer this; payloads of the namespace may be binary.',
  111: 'Too much at once, from this page or of all clients; try again.',
};

const closeHints = {
  1006: 'The connection was lost without a goodbye: the server or the network has gone.',
  1009: 'The message is larger than the server takes.',
  3001: 'The server is shutting down.',
  3008: 'This page read too slowly.',
  3010: 'This page missed something; connect again.',
  3012: 'This page answered no ping in time; a sleeping tab can be the cause.',
  3013: 'This page sent far more commands than limits.commands_per_second allows.',
  3501: 'The server could not read what this page sent.',
  3502: 'Nothing came from this page in time.',
  3504: 'The user has as many connections as the limits allow.',
  3509: 'Too many commands of this page failed.',
};

// How a handshake was refused is hidden from scripts, but the server counts why.
const refusalHints = {
  origin: () => 'The server refused this page\'s origin. Allow it: --allowed-origin ' +
    location.origin + ', or add it to server.allowed_origins in the configuration.',
  connection_limit: () => 'The server is full: it has reached server.max_connections.',
  descriptors: () => 'The server is full: it has no file slot left.',
  draining: () => 'The server is shutting down.',
  handshake: () => 'The server refused the handshake; is the path /connection/websocket?',
  timeout: () => 'The handshake took too long.',
};

// --- the log -------------------------------------------------------------------------------------

let unshown = [];

function timeOfDay(date) {
  const two = (value) => String(value).padStart(2, '0');
  return two(date.getHours()) + ':' + two(date.getMinutes()) + ':' + two(date.getSeconds()) + '.' +
    String(date.getMilliseconds()).padStart(3, '0');
}

function span(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

// Lines that came within one frame are shown together, so that a flood can't stop the page.
function log(kind, title, text) {
  if (unshown.length === 0) setTimeout(showLog, 50);
  unshown.push({ at: new Date(), kind, title, text });
  if (unshown.length > kLogLines) unshown.shift();
}

function showLog() {
  const list = byId('log');
  const items = unshown.map(({ at, kind, title, text }) => {
    const item = span('li', kind, '');
    const cut = text.length > kShownChars ? text.slice(0, kShownChars) + ' \u2026' : text;
    item.append(span('time', '', timeOfDay(at)), ' ', span('b', '', title), ' ',
      span('span', 'text', cut));
    return item;
  });
  list.prepend(...items.reverse());
  while (list.children.length > kLogLines) list.lastChild.remove();
  unshown = [];
}

// --- the session ---------------------------------------------------------------------------------

let session = null;  // {socket, connected, ending, nextId, waiting, channels, rejected}

function setState(kind, text) {
  const pill = byId('state');
  setText(pill, text);
  pill.className = 'pill ' + kind;
  const connected = session !== null && session.connected;
  setText(byId('connect'), session === null ? 'Connect' : 'Disconnect');
  byId('connect').classList.toggle('main', session === null);
  byId('address').readOnly = session !== null;
  byId('subscribe').disabled = !connected;
  byId('publish').disabled = !connected;
  byId('publish').classList.toggle('main', connected);
}

// The reply comes as {error} or {result}; none within kReplyMs is an error too.
function call(name, parameters, done) {
  const mine = session;
  const id = mine.nextId++;
  const late = setTimeout(() => {
    mine.waiting.delete(id);
    log('error', name, 'no reply within 10 s');
  }, kReplyMs);
  mine.waiting.set(id, { name, done, late });
  mine.socket.send('{"id":' + id + ',"' + name + '":' + parameters + '}');
}

function onReply(message) {
  const waiting = session.waiting.get(message.id);
  if (!waiting) return;
  session.waiting.delete(message.id);
  clearTimeout(waiting.late);
  if (!message.error) return waiting.done(message[waiting.name] || {});
  const { code, message: text } = message.error;
  log('error', waiting.name, 'error ' + code + ', ' + text + '. ' + (errorHints[code] || ''));
}

function onPush(push) {
  const channel = String(push.channel);
  if (push.pub) return log('message', channel, JSON.stringify(push.pub.data));
  if (push.unsubscribe) {
    session.channels.delete(channel);
    showChips();
    const { code, reason } = push.unsubscribe;
    return log('error', channel, 'the server ended the subscription: ' + code + ' ' + reason);
  }
  log('message', channel, JSON.stringify(push));
}

function onFrame(text) {
  for (const line of text.split('\n')) {
    const message = JSON.parse(line);
    if (message.push) onPush(message.push);
    else if (message.id) onReply(message);
    else session.socket.send('{}');  // a ping, which is answered alike
  }
}

async function refusalText(earlier) {
  let now = null;
  try { now = await fetchRejected(); } catch { return 'Nothing answers; has the server ended?'; }
  const reason = Object.keys(refusalHints).find((name) => earlier && now[name] > earlier[name]);
  if (reason) return refusalHints[reason]();
  return 'Nothing answered as a WebSocket server there. Is the address right, and reachable from ' +
    'this browser? An origin that is not in server.allowed_origins would look the same.';
}

function closeText(code, reason) {
  const said = 'closed with ' + code + (reason ? ', ' + reason : '') + '. ';
  const refused = (code === 3500 || code === 3501) && server.stats && !server.stats.insecure;
  return said + (refused ? notInsecure : closeHints[code] || '');
}

async function onClose(ended, event) {
  for (const { late } of ended.waiting.values()) clearTimeout(late);
  const current = session === ended;
  if (current) session = null;
  if (current) setState(ended.ending ? '' : 'bad', ended.ending ? 'not connected' : 'disconnected');
  ended.channels.clear();
  showChips();
  if (ended.ending) return log('info', 'connection', 'disconnected');
  const text = ended.opened ? closeText(event.code, event.reason) :
    await refusalText(ended.rejected);
  log('error', 'connection', text);
  if (session === null) show(byId('connect-wrong'), text);
}

function connect(address) {
  show(byId('connect-wrong'), '');
  let socket;
  try {
    socket = new WebSocket(address);
  } catch (error) {
    const text = error.name === 'SecurityError' ?
      'A page that came by https may only connect to wss:// addresses.' :
      'An address looks like ws://HOST:PORT/connection/websocket.';
    return show(byId('connect-wrong'), text);
  }
  const mine = { socket, opened: false, connected: false, ending: false, nextId: 1,
    waiting: new Map(), channels: new Set(), rejected: server.rejected };
  session = mine;
  setState('', 'connecting');
  socket.onopen = () => {
    mine.opened = true;
    if (mine.ending) return;
    call('connect', '{"name":"page"}', (result) => {
      mine.connected = true;
      setState('good', 'connected');
      log('info', 'connection', 'connected to ' + address + ' as ' + result.client);
    });
  };
  socket.onmessage = (event) => { if (session === mine) onFrame(event.data); };
  socket.onclose = (event) => onClose(mine, event);
}

// --- the forms -----------------------------------------------------------------------------------

// The client address that fits the name under which this page was reached.
function defaultAddress(listen) {
  const split = listen.map((one) => /^(.*):(\d+)$/.exec(one)).filter(Boolean);
  const here = split.find(([, host]) => host === location.hostname);
  const any = split.find(([, host]) => host === '0.0.0.0' || host === '[::]');
  const [, host, port] = here || any || split[0] || ['', '0.0.0.0', '8000'];
  const open = host === '0.0.0.0' || host === '[::]';
  return 'ws://' + (open ? location.hostname : host) + ':' + port + '/connection/websocket';
}

document.addEventListener('stats', () => {
  const field = byId('address');
  if (field.value === '') field.value = defaultAddress(server.stats.listen);
  if (!server.stats.insecure && session === null && byId('connect-wrong').hidden) {
    show(byId('connect-wrong'), notInsecure);
  }
});

function checked(field, wrong, text) {
  show(wrong, text);
  field.setAttribute('aria-invalid', String(text !== ''));
  if (text !== '' && document.activeElement !== field) field.focus();
  return text === '';
}

function channelName() {
  const name = byId('channel').value;
  const text = name === '' ? 'A channel needs a name, such as news or game:abc.' : '';
  return checked(byId('channel'), byId('channel-wrong'), text) ? name : null;
}

function depthOf(value) {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Object.values(value).reduce((most, one) => Math.max(most, depthOf(one)), 0);
}

function whatIsWrong(text) {
  if (text.trim() === '') return 'Write a JSON value, such as {"text": "hello"} or 42.';
  try {
    const value = JSON.parse(text, (key, part) => {
      encodeURIComponent(key + (typeof part === 'string' ? part : ''));
      return part;
    });
    return depthOf(value) > kDepth ? 'It nests deeper than ' + kDepth + ' levels.' : '';
  } catch (error) {
    if (error instanceof URIError) return 'A text has half of a surrogate pair.';
    if (error instanceof RangeError) return 'It nests too deep.';
    return 'This is not JSON: ' + error.message + '. Nothing was sent.';
  }
}

function showChips() {
  const channels = session === null ? [] : [...session.channels];
  byId('chips').hidden = channels.length === 0;
  byId('chips').replaceChildren(...channels.map((channel) => {
    const button = span('button', 'mono', channel + ' \u00d7');
    button.type = 'button';
    button.title = 'Unsubscribe';
    button.setAttribute('aria-label', 'Unsubscribe from ' + channel);
    button.onclick = () => unsubscribe(channel);
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
}

function unsubscribe(channel) {
  const mine = session;
  call('unsubscribe', JSON.stringify({ channel }), () => {
    mine.channels.delete(channel);
    showChips();
    log('info', channel, 'unsubscribed');
    byId('channel').focus();
  });
}

byId('connect-form').onsubmit = (event) => {
  event.preventDefault();
  if (session === null) return connect(byId('address').value.trim());
  session.ending = true;
  session.socket.close(1000);
};

byId('subscribe-form').onsubmit = (event) => {
  event.preventDefault();
  const mine = session;
  const channel = channelName();
  if (channel === null || mine === null || !mine.connected) return;
  call('subscribe', JSON.stringify({ channel }), () => {
    mine.channels.add(channel);
    showChips();
    log('info', channel, 'subscribed');
  });
};

// The text goes out as it was written: parsed and printed again, large numbers would change.
byId('publish-form').onsubmit = (event) => {
  event.preventDefault();
  const field = byId('data');
  const channel = channelName();
  if (channel === null || session === null || !session.connected) return;
  if (!checked(field, byId('data-wrong'), whatIsWrong(field.value))) return;
  const data = field.value.replace(/[\r\n]+/g, ' ').trim();
  const heard = session.channels.has(channel);
  call('publish', '{"channel":' + JSON.stringify(channel) + ',"data":' + data + '}', () => {
    log('info', channel, heard ? 'published' : 'published; this page is not subscribed to it');
  });
};

byId('data').onkeydown = (event) => {
  const asked = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
  if (asked && session !== null && session.connected) byId('publish-form').requestSubmit();
};
byId('data').oninput = () => {
  if (!byId('data-wrong').hidden) {
    checked(byId('data'), byId('data-wrong'), whatIsWrong(byId('data').value));
  }
};
byId('clear').onclick = () => byId('log').replaceChildren();
)js";

}  // namespace millrace
