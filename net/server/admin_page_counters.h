// The half of the admin page's script that shows the counters. Part of admin_page.cc.
#pragma once

namespace millrace {

inline constexpr char kAdminPageCounters[] = R"js(
'use strict';
// Foreign text enters the page as textContent only: names and payloads come from anybody.
const byId = (id) => document.getElementById(id);
const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const show = (node, text) => { setText(node, text); node.hidden = text === ''; };

const kPollMs = 1000;
const kAnswerMs = 4000;
const kSamples = 120;
const kNone = '\u2013';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function countText(value) {
  return value >= 0 ? whole.format(value) : kNone;
}

function rateText(value) {
  if (value === null) return kNone;
  return (value > 0 && value < 100 ? tenths : whole).format(value);
}

function bytesText(value) {
  if (value === null) return kNone;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) { value /= 1024; ++unit; }
  return (unit === 0 ? whole : tenths).format(value) + ' ' + units[unit];
}

function timeText(seconds) {
  if (seconds < 60) return tenths.format(seconds) + ' s';
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = parts.findIndex(([size]) => seconds >= size);
  return parts.slice(first, first + 2).map(([size, name], i) => {
    const count = Math.floor((i === 0 ? seconds : seconds % parts[first][0]) / size);
    return count + ' ' + name;
  }).join(' ');
}

// What the console asks for too.
const server = { stats: null, rejected: null };
let before = null;  // the sample before: {at, stats}
let mostShards = 0;
const past = { deliveries: [], connections: [] };

async function get(path) {
  const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(kAnswerMs) });
  return { status: response.status, text: await response.text() };
}

// {connection_limit: 0, origin: 3, ...}
function rejectedOf(metrics) {
  const found = metrics.matchAll(/^millrace_connections_rejected_total\{reason="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, reason, count]) => [reason, Number(count)]));
}

async function fetchRejected() {
  return rejectedOf((await get('metrics')).text);
}

// Counts a second, or null where there is nothing to compare: the first sample, a restart.
function rateOf(counters, earlier, name, seconds) {
  const value = earlier ? (counters[name] - earlier[name]) / seconds : -1;
  return value >= 0 ? value : null;
}

function fill(attribute, text) {
  for (const node of document.querySelectorAll('[' + attribute + ']')) {
    setText(node, text(node.getAttribute(attribute)));
  }
}

function drawGraph(name, values) {
  const top = Math.max(1, ...values);
  const left = kSamples - values.length;
  const points = values.map((value, i) => {
    return (left + i) + ',' + (38 - (value / top) * 35).toFixed(2);
  });
  const graph = byId(name + '-graph');
  graph.querySelector('.line').setAttribute('points', points.join(' '));
  const area = points.length > 1 ? left + ',40 ' + points.join(' ') + ' 119,40' : '';
  graph.querySelector('.area').setAttribute('points', area);
  const most = Math.max(0, ...values);
  setText(byId(name + '-top'), values.length > 1 ? 'most ' + rateText(most) : '');
}

function remember(name, value) {
  if (value === null) return;
  past[name].push(value);
  if (past[name].length > kSamples) past[name].shift();
  drawGraph(name, past[name]);
}

function showTotals(stats, earlier, seconds) {
  const total = stats.total;
  const rate = (name) => rateOf(total, earlier && earlier.total, name, seconds);
  fill('data-total', (name) => countText(total[name]));
  fill('data-bytes', (name) => bytesText(total[name]));
  fill('data-rate', (name) => rateText(rate(name)));
  fill('data-byte-rate', (name) => bytesText(rate(name)));
  remember('deliveries', rate('deliveries_total'));
  remember('connections', total.connections);
  setText(byId('connections-cap'), 'of at most ' + whole.format(stats.max_connections));
  const dropped = ['subject', 'payload', 'full']
    .map((why) => total['broker_dropped_' + why + '_total']);
  setText(byId('dropped'), countText(dropped.reduce((sum, count) => sum + count, 0)));
  setText(byId('outage'), timeText(total.broker_outage_milliseconds_total / 1000));
}

function showBroker(stats) {
  const shards = stats.shards.length;
  const ready = stats.total.broker_ready;
  const some = ready === 0 ? 'away' : 'ready on ' + ready + '/' + shards;
  const state = ready === shards ? 'ready' : some;
  setText(byId('broker'), stats.broker === 'nats' ? 'NATS' : stats.broker);
  setText(byId('broker-state'), state);
  const facts = ['version ' + stats.version, 'up ' + timeText(stats.uptime_seconds),
    'clients at ' + stats.listen.join(', ')];
  if (stats.insecure) facts.push('--insecure: no tokens needed');
  setText(byId('facts'), facts.join(' \u00b7 '));
}

function showRejected(rejected) {
  const counts = Object.entries(rejected).filter(([, count]) => count > 0);
  setText(byId('rejected'), countText(counts.reduce((sum, [, count]) => sum + count, 0)));
  const why = counts.map(([reason, count]) => reason.replace('_', ' ') + ' ' + whole.format(count));
  show(byId('rejected-why'), why.length === 0 ? '' : 'Refused because of: ' + why.join(', '));
}

function shardCells(shard, earlier, seconds, name) {
  const rate = (counter) => rateText(rateOf(shard, earlier, counter, seconds));
  return [name, countText(shard.connections), countText(shard.clients),
    countText(shard.subscriptions), countText(shard.channels), rate('deliveries_total'),
    rate('sends_total'), tenths.format(shard.longest_turn_microseconds / 1000) + ' ms',
    shard.broker_ready ? 'ready' : 'away'];
}

// /stats leaves out a shard that does not answer, so then the rows can't be told apart by number.
function showShards(stats, earlier, seconds) {
  mostShards = Math.max(mostShards, stats.shards.length);
  const missing = mostShards - stats.shards.length;
  const body = byId('shards');
  while (body.rows.length > stats.shards.length) body.deleteRow(-1);
  stats.shards.forEach((shard, i) => {
    const row = body.rows[i] || body.insertRow();
    const old = earlier && earlier.shards[i];
    shardCells(shard, old, seconds, missing ? '?' : String(i)).forEach((text, column) => {
      setText(row.cells[column] || row.insertCell(), text);
    });
  });
  const text = missing + (missing === 1 ? ' shard does' : ' shards do') + ' not answer';
  show(byId('shards-missing'), missing ? text + '; the causes above name it.' : '');
}

function showReady(kind, word, title, causes) {
  const pill = byId('ready');
  setText(pill, word);
  pill.className = 'pill ' + kind;
  const banner = byId('causes');
  banner.hidden = title === '';
  setText(byId('causes-title'), title);
  byId('causes-list').replaceChildren(...causes.map((cause) => {
    const item = document.createElement('li');
    item.textContent = cause;
    return item;
  }));
}

function showAnswer(ready) {
  if (ready.status === 200) return showReady('good', 'ready', '', []);
  const causes = ready.text.split('\n').filter((line) => line !== '' && line !== 'not ready');
  showReady('bad', 'not ready', 'The server is not ready', causes);
}

function showSample(stats, rejected, at) {
  // A sum over fewer shards, or of a new process, compares with nothing.
  const comparable = before && before.stats.shards.length === stats.shards.length &&
    before.stats.uptime_seconds <= stats.uptime_seconds;
  const earlier = comparable ? before.stats : null;
  const seconds = comparable ? (at - before.at) / 1000 : 1;
  showTotals(stats, earlier, seconds);
  showBroker(stats);
  showRejected(rejected);
  showShards(stats, earlier, seconds);
  before = { at, stats };
  server.stats = stats;
  server.rejected = rejected;
  document.dispatchEvent(new Event('stats'));
}

async function poll() {
  const began = performance.now();
  try {
    const [stats, ready, metrics] = await Promise.all(['stats', 'readyz', 'metrics'].map(get));
    if (stats.status !== 200) throw new Error('/stats answered ' + stats.status);
    showSample(JSON.parse(stats.text), rejectedOf(metrics.text), performance.now());
    showAnswer(ready);
  } catch (error) {
    before = null;
    const why = error.name === 'TimeoutError' ? 'no answer within 4 s' : error.message;
    showReady('bad', 'no answer', 'The admin port does not answer', [why +
      '; has the server ended? The numbers are the last ones that came; asking again.']);
  }
  setTimeout(poll, Math.max(100, kPollMs - (performance.now() - began)));
}

poll();
)js";

}  // namespace millrace
