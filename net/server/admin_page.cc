#include "net/server/admin_page.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "net/server/admin_page_console.h"
#include "net/server/admin_page_counters.h"
#include "net/server/admin_page_style.h"

namespace millrace {

namespace {

// The policy makes sure of "loads nothing from elsewhere", whatever the script would do.
constexpr char kHead[] = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none';
  form-action 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:;
  connect-src 'self' ws: wss:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>millrace</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'
 viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%230a7285'
 stroke-width='3'/%3E%3C/svg%3E">
<style>)html";

constexpr char kBody[] = R"html(</style>
</head>
<body>
<header>
  <h1>millrace</h1>
  <span class="pill" id="ready" role="status">asking</span>
  <span class="facts" id="facts"></span>
</header>
<main>
  <div class="banner" id="causes" hidden>
    <strong id="causes-title" role="alert"></strong>
    <ul id="causes-list"></ul>
  </div>
  <div class="counters">
    <div class="graphs">
      <figure class="sheet">
        <figcaption>Deliveries a second</figcaption>
        <div class="value" id="deliveries" data-rate="deliveries_total">&ndash;</div>
        <svg class="graph" id="deliveries-graph" viewBox="0 0 119 40" preserveAspectRatio="none"
          role="img" aria-label="Deliveries a second over the last two minutes">
          <polygon class="area" points=""/><polyline class="line" points=""/>
        </svg>
        <figcaption class="least"><span>last two minutes</span>
          <span class="numbers" id="deliveries-top"></span></figcaption>
      </figure>
      <figure class="sheet">
        <figcaption>Connections</figcaption>
        <div class="value" id="connections" data-total="connections">&ndash;</div>
        <svg class="graph" id="connections-graph" viewBox="0 0 119 40" preserveAspectRatio="none"
          role="img" aria-label="Connections over the last two minutes">
          <polygon class="area" points=""/><polyline class="line" points=""/>
        </svg>
        <figcaption class="least"><span id="connections-cap"></span>
          <span class="numbers" id="connections-top"></span></figcaption>
      </figure>
    </div>
    <section class="sheet" aria-labelledby="now-title">
      <h2 id="now-title">Now</h2>
      <dl class="tiles">
        <div><dt>Clients</dt><dd data-total="clients">&ndash;</dd></div>
        <div><dt>Subscriptions</dt><dd data-total="subscriptions">&ndash;</dd></div>
        <div title="A channel counts once on every shard that has a subscriber of it">
          <dt>Channels</dt><dd data-total="channels">&ndash;</dd></div>
        <div><dt>Waiting to be sent</dt><dd data-bytes="queued_bytes">&ndash;</dd></div>
      </dl>
    </section>
    <section class="sheet" aria-labelledby="rates-title">
      <h2 id="rates-title">Each second</h2>
      <dl class="tiles six">
        <div title="A publication counts once on every shard that has a subscriber of its channel">
          <dt>Publications</dt><dd data-rate="publications_total">&ndash;</dd></div>
        <div><dt>Deliveries</dt><dd data-rate="deliveries_total">&ndash;</dd></div>
        <div><dt>Encodes</dt><dd data-rate="encodes_total">&ndash;</dd></div>
        <div><dt>Sends</dt><dd data-rate="sends_total">&ndash;</dd></div>
        <div><dt>Bytes sent</dt><dd data-byte-rate="bytes_sent_total">&ndash;</dd></div>
        <div><dt>Bytes received</dt><dd data-byte-rate="bytes_received_total">&ndash;</dd></div>
      </dl>
    </section>
    <section class="sheet" aria-labelledby="broker-title">
      <h2 id="broker-title">Broker and refusals</h2>
      <dl class="tiles">
        <div><dt>Broker</dt><dd><span id="broker">&ndash;</span>
          <small id="broker-state"></small></dd></div>
        <div title="Each shard has a connection of its own and counts for itself">
          <dt>Outages</dt><dd data-total="broker_outages_total">&ndash;</dd></div>
        <div title="Summed over the shards"><dt>Time without it</dt>
          <dd id="outage">&ndash;</dd></div>
        <div><dt>Publish failures</dt>
          <dd data-total="broker_publish_failures_total">&ndash;</dd></div>
        <div><dt>Messages dropped</dt><dd id="dropped">&ndash;</dd></div>
        <div><dt>NATS subscriptions</dt><dd data-total="nats_subscriptions">&ndash;</dd></div>
        <div><dt>Connections refused</dt><dd id="rejected">&ndash;</dd></div>
        <div><dt>Closed for slowness</dt><dd data-total="slow_disconnects_total">&ndash;</dd></div>
      </dl>
      <p class="note" id="rejected-why" hidden></p>
    </section>
    <section class="sheet" aria-labelledby="shards-title">
      <h2 id="shards-title">Shards</h2>
      <div class="wide" tabindex="0" role="region" aria-labelledby="shards-title">
        <table>
          <thead><tr><th scope="col">Shard</th><th scope="col">Connections</th>
            <th scope="col">Clients</th><th scope="col">Subscriptions</th>
            <th scope="col">Channels</th><th scope="col">Deliveries/s</th>
            <th scope="col">Sends/s</th><th scope="col">Longest turn</th>
            <th scope="col">Broker</th></tr></thead>
          <tbody id="shards"></tbody>
        </table>
      </div>
      <p class="note" id="shards-missing" hidden></p>
    </section>
  </div>
  <section class="sheet" aria-labelledby="console-title">
    <div class="title">
      <h2 id="console-title">Console</h2>
      <span class="pill" id="state" role="status">not connected</span>
    </div>
    <form id="connect-form">
      <label for="address">Address of the server</label>
      <div class="row">
        <input id="address" class="mono" spellcheck="false" autocomplete="off">
        <button class="main" id="connect">Connect</button>
      </div>
      <p class="wrong" id="connect-wrong" role="alert" hidden></p>
    </form>
    <form id="subscribe-form">
      <label for="channel">Channel</label>
      <div class="row">
        <input id="channel" class="mono" value="news" spellcheck="false" autocomplete="off"
          autocapitalize="off" aria-describedby="channel-wrong">
        <button id="subscribe" disabled>Subscribe</button>
      </div>
      <p class="wrong" id="channel-wrong" role="alert" hidden></p>
    </form>
    <ul class="chips" id="chips" aria-label="Subscribed channels" hidden></ul>
    <form id="publish-form">
      <label for="data">Message, as JSON</label>
      <textarea id="data" spellcheck="false" aria-describedby="data-wrong"
        >{"text": "hello"}</textarea>
      <p class="wrong" id="data-wrong" role="alert" hidden></p>
      <div class="below">
        <span class="hint">Ctrl+Enter publishes too</span>
        <button id="publish" disabled>Publish</button>
      </div>
    </form>
    <div class="title">
      <h2 id="log-title">Log, newest first</h2>
      <button id="clear" type="button">Clear</button>
    </div>
    <ol class="log" id="log" role="log" tabindex="0" aria-labelledby="log-title"></ol>
  </section>
</main>
<noscript><p class="banner">This page needs JavaScript. Without it there are
  /readyz, /stats and /metrics.</p></noscript>
<script>)html";

constexpr char kTail[] = R"html(</script>
</body>
</html>
)html";

// The texts behind each other, without the NULs at their ends.
template <std::size_t... sizes>
constexpr auto join(const char (&... texts)[sizes]) {
  std::array<char, (sizes + ...) - sizeof...(sizes)> joined{};
  char* end = joined.data();
  ((end = std::copy_n(texts, sizes - 1, end)), ...);
  return joined;
}

constexpr auto kJoined =
    join(kHead, kAdminPageStyle, kBody, kAdminPageCounters, kAdminPageConsole, kTail);

}  // namespace

const Bytes kAdminPage(kJoined.data(), kJoined.size());

}  // namespace millrace
