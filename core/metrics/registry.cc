#include "core/metrics/registry.h"

#include <algorithm>
#include <array>

#include "core/base/bytes.h"
#include "core/metrics/metric_text.h"
#include "core/metrics/proxy_metrics.h"

namespace millrace {

namespace {

enum class Kind : std::uint8_t { kCounter, kGauge, kLargest };

struct Entry {
  Bytes name;  // without the prefix
  Bytes help;
  Kind kind;
  std::uint64_t ShardMetrics::*field;
};

using M = ShardMetrics;
constexpr Kind kC = Kind::kCounter;
constexpr Kind kG = Kind::kGauge;

constexpr std::array kEntries = {
    Entry{"connections", "Open sockets of clients, from accept to close.", kG, &M::connections},
    Entry{"half_open", "Connections that have neither connected nor asked anything yet.", kG,
          &M::half_open},
    Entry{"clients", "Clients that have connected by the client protocol.", kG, &M::clients},
    Entry{"accepts_total", "Connections taken from the accept queue.", kC, &M::accepts_total},
    Entry{"accept_errors_total", "Accepts that failed for want of a resource.", kC,
          &M::accept_errors_total},
    Entry{"slow_disconnects_total", "Connections closed because they read too slowly.", kC,
          &M::slow_disconnects_total},
    Entry{"io_errors_total", "Receives and sends that failed, resets by peers among them.", kC,
          &M::io_errors_total},
    Entry{"bytes_received_total", "Bytes read from clients.", kC, &M::bytes_received_total},
    Entry{"bytes_sent_total", "Bytes written to clients.", kC, &M::bytes_sent_total},
    Entry{"messages_received_total", "WebSocket messages from clients.", kC,
          &M::messages_received_total},
    Entry{"sends_total", "Send operations handed to the kernel.", kC, &M::sends_total},
    Entry{"short_sends_total", "Sends that took less than was offered.", kC, &M::short_sends_total},
    Entry{"recv_parked_total", "Receives that waited for a buffer.", kC, &M::recv_parked_total},
    Entry{"busy_connections", "Connections with input all the time, which take more memory.", kG,
          &M::busy_connections},
    Entry{"turned_busy_total", "Connections that were quiet and had input all the time.", kC,
          &M::turned_busy_total},
    Entry{"turned_quiet_total", "Connections that were busy and had no input for a while.", kC,
          &M::turned_quiet_total},
    Entry{"queued_bytes", "Bytes in all send queues.", kG, &M::queued_bytes},
    Entry{"unsent_bytes_total",
          "Bytes dropped from send queues: of slow clients, and of those whose connection ended.",
          kC, &M::unsent_bytes_total},
    Entry{"channels", "Channels with a subscriber, a shard each counts its own.", kG, &M::channels},
    Entry{"subscriptions", "Subscriptions of all clients.", kG, &M::subscriptions},
    Entry{"publications_total", "Publications that reached a shard with a subscriber.", kC,
          &M::publications_total},
    Entry{"publications_repeated_total", "Publications dropped: they had come by already.", kC,
          &M::publications_repeated_total},
    Entry{"recoveries_total", "Subscribes that got all that they had missed.", kC,
          &M::recoveries_total},
    Entry{"unrecovered_total", "Subscribes told that not all they had missed is kept.", kC,
          &M::unrecovered_total},
    Entry{"positions_lost_total", "Holes, and streams begun anew, that subscribers were told of.",
          kC, &M::positions_lost_total},
    Entry{"gap_notices_total",
          "Subscriptions to at-most-once channels ended because NATS had been away.", kC,
          &M::gap_notices_total},
    Entry{"encodes_total", "Publications encoded: once a shard and variant.", kC,
          &M::encodes_total},
    Entry{"deliveries_total", "Publications put into clients' send queues.", kC,
          &M::deliveries_total},
    Entry{"presence_pushes_total", "Joins and leaves put into clients' send queues, in frames.", kC,
          &M::presence_pushes_total},
    Entry{"client_publishes_total", "Publish commands of clients.", kC, &M::client_publishes_total},
    Entry{"api_publishes_total", "Publications by the server API.", kC, &M::api_publishes_total},
    Entry{"api_calls_total", "Calls of the server API, each one of a batch counted.", kC,
          &M::api_calls_total},
    Entry{"api_errors_total", "The same, answered with an error.", kC, &M::api_errors_total},
    Entry{"broker_ready", "Shards whose broker is ready.", kG, &M::broker_ready},
    Entry{"broker_outages_total", "Times that a shard lost its broker.", kC,
          &M::broker_outages_total},
    Entry{"broker_outage_milliseconds_total", "Time without the broker, summed over shards.", kC,
          &M::broker_outage_ms_total},
    Entry{"broker_received_total", "Messages from NATS.", kC, &M::broker_received_total},
    Entry{"broker_published_total", "Publications that the broker has taken.", kC,
          &M::broker_published_total},
    Entry{"broker_publish_failures_total", "Publications that the broker did not take.", kC,
          &M::broker_publish_failures_total},
    Entry{"broker_dropped_subject_total", "Messages dropped: no channel is spelled so.", kC,
          &M::broker_dropped_subject_total},
    Entry{"broker_dropped_payload_total", "Messages dropped: not what the namespace takes.", kC,
          &M::broker_dropped_payload_total},
    Entry{"broker_dropped_full_total", "Messages dropped: a queue was full.", kC,
          &M::broker_dropped_full_total},
    Entry{"nats_subscriptions", "Subscriptions held at NATS.", kG, &M::nats_subscriptions},
    Entry{"stream_holes_total", "Holes in streams: messages that had not come by.", kC,
          &M::stream_holes_total},
    Entry{"stream_filled_total", "Publications read from streams to close holes.", kC,
          &M::stream_filled_total},
    Entry{"stream_lost_total", "Holes that could not be closed; subscribers were told.", kC,
          &M::stream_lost_total},
    Entry{"stream_checks_total", "Questions to leaders about tops and streams.", kC,
          &M::stream_checks_total},
    Entry{"stream_cache_hits_total", "Recoveries and history answered from memory.", kC,
          &M::stream_cache_hits_total},
    Entry{"stream_reads_total", "Recoveries and history read from streams.", kC,
          &M::stream_reads_total},
    Entry{"stream_cache_bytes", "Bytes of recent publications of streams.", kG,
          &M::stream_cache_bytes},
    Entry{"stream_reborn_total", "Streams found deleted and made again.", kC,
          &M::stream_reborn_total},
    Entry{"stream_refused_total", "Questions about streams refused for want of room.", kC,
          &M::stream_refused_total},
    Entry{"stream_publish_retries_total", "Publications to streams sent again.", kC,
          &M::stream_publish_retries_total},
    Entry{"stream_duplicates_total", "Publications that the stream had already.", kC,
          &M::stream_duplicates_total},
    Entry{"history_streams", "Channels whose position is known.", kG, &M::history_streams},
    Entry{"history_publications", "Publications that are kept.", kG, &M::history_publications},
    Entry{"history_bytes", "Bytes of publications that are kept.", kG, &M::history_bytes},
    Entry{"history_reads_total", "Reads of what is kept, position checks among them.", kC,
          &M::history_reads_total},
    Entry{"history_refused_total", "Reads refused: too much was on its way or a queue was full.",
          kC, &M::history_refused_total},
    Entry{"history_streams_evicted_total", "Channels forgotten early: there were too many.", kC,
          &M::history_streams_evicted_total},
    Entry{"presence_members", "Members of all channels that keep presence.", kG,
          &M::presence_members},
    Entry{"presence_channels", "Channels with members, or with leaves to tell.", kG,
          &M::presence_channels},
    Entry{"presence_refused_total", "Subscribers that found the presence table full.", kC,
          &M::presence_refused_total},
    Entry{"presence_batches_total", "Batches of joins and leaves told, a channel each.", kC,
          &M::presence_batches_total},
    Entry{"presence_changes_total", "Joins and leaves in those batches.", kC,
          &M::presence_changes_total},
    Entry{"presence_changes_dropped_total", "Joins and leaves not told: more than a batch holds.",
          kC, &M::presence_changes_dropped_total},
    Entry{"proxy_inflight", "Questions to the application that are not answered yet.", kG,
          &M::proxy_inflight},
    Entry{"nodes_known", "Other nodes of the cluster that are there.", kG, &M::nodes_known},
    Entry{"nodes_gone_total", "Nodes that said goodbye, or were not heard any more.", kC,
          &M::nodes_gone_total},
    Entry{"node_messages_dropped_total", "Messages between nodes dropped: not what they should be.",
          kC, &M::node_messages_dropped_total},
    Entry{"presence_gathers_total", "Times that all other nodes were asked who is in a channel.",
          kC, &M::presence_gathers_total},
    Entry{"presence_gathers_failed_total", "Of those, how often a node did not answer.", kC,
          &M::presence_gathers_failed_total},
    Entry{"mailbox_refused_total", "Messages between shards that found a full lane.", kC,
          &M::mailbox_refused_total},
    Entry{"ring_enters_total", "Calls of io_uring_enter.", kC, &M::ring_enters_total},
    Entry{"ring_submissions_total", "Operations handed to the kernel.", kC,
          &M::ring_submissions_total},
    Entry{"ring_completions_total", "Completions taken from the kernel.", kC,
          &M::ring_completions_total},
    Entry{"ring_queue_full_total", "Times that the submission queue was full.", kC,
          &M::ring_queue_full_total},
    Entry{"ring_overflows_total", "Times that the completion queue had overflown.", kC,
          &M::ring_overflows_total},
    Entry{"turns_total", "Turns of the loops.", kC, &M::turns_total},
    Entry{"turns_long_total", "Turns that took, or began, over 100 ms too long.", kC,
          &M::turns_long_total},
    Entry{"longest_turn_microseconds", "The longest turn of any shard since its start.",
          Kind::kLargest, &M::longest_turn_us},
    Entry{"recv_buffers_leased", "Receive buffers in use.", kG, &M::recv_buffers_leased},
    Entry{"decoders_lent", "Frame decoders in use.", kG, &M::decoders_lent},
    Entry{"allocation_failures_total", "Allocations that failed.", kC,
          &M::allocation_failures_total},
};

}  // namespace

const char* reject_reason_name(RejectReason reason) {
  switch (reason) {
    case RejectReason::kConnectionLimit:
      return "connection_limit";
    case RejectReason::kDescriptors:
      return "descriptors";
    case RejectReason::kHandshake:
      return "handshake";
    case RejectReason::kOrigin:
      return "origin";
    case RejectReason::kTimeout:
      return "timeout";
    case RejectReason::kDraining:
      return "draining";
    case RejectReason::kMemory:
      return "memory";
    case RejectReason::kHalfOpen:
      return "half_open";
    case RejectReason::kAddress:
      return "address_limit";
  }
  return "unknown";
}

const char* history_eviction_name(HistoryEviction reason) {
  switch (reason) {
    case HistoryEviction::kBytes:
      return "bytes";
    case HistoryEviction::kPublications:
      return "publications";
    case HistoryEviction::kStreams:
      return "streams";
  }
  return "unknown";
}

const char* token_refusal_name(TokenRefusal cause) {
  switch (cause) {
    case TokenRefusal::kForm:
      return "form";
    case TokenRefusal::kKey:
      return "key";
    case TokenRefusal::kSignature:
      return "signature";
    case TokenRefusal::kClaims:
      return "claims";
    case TokenRefusal::kExpired:
      return "expired";
    case TokenRefusal::kTooEarly:
      return "too_early";
    case TokenRefusal::kPurpose:
      return "purpose";
    case TokenRefusal::kRevoked:
      return "revoked";
  }
  return "unknown";
}

ShardMetrics sum_of(std::span<const ShardMetrics> shards) {
  ShardMetrics sum;
  sum.broker_ready = 0;
  for (const ShardMetrics& shard : shards) {
    for (const Entry& entry : kEntries) {
      std::uint64_t& total = sum.*entry.field;
      const std::uint64_t value = shard.*entry.field;
      total = entry.kind == Kind::kLargest ? std::max(total, value) : total + value;
    }
    for (std::size_t i = 0; i < kRejectReasons; ++i) {
      sum.rejected_total[i] += shard.rejected_total[i];
    }
    for (std::size_t i = 0; i < kHistoryEvictions; ++i) {
      sum.history_evicted_total[i] += shard.history_evicted_total[i];
    }
    for (std::size_t i = 0; i < kTokenRefusals; ++i) {
      sum.tokens_refused_total[i] += shard.tokens_refused_total[i];
    }
    add_proxy(sum, shard);
    for (const auto& [code, count] : shard.disconnects_total) sum.disconnects_total[code] += count;
  }
  return sum;
}

std::string prometheus_text(std::span<const ShardMetrics> shards) {
  const ShardMetrics sum = sum_of(shards);
  std::string out;
  for (const Entry& entry : kEntries) {
    metric_head(out, entry.name, entry.help, entry.kind == Kind::kCounter ? "counter" : "gauge");
    metric_sample(out, entry.name, "", sum.*entry.field);
  }
  metric_head(out, "connections_rejected_total", "Connections refused before they were clients.",
              "counter");
  for (std::size_t i = 0; i < kRejectReasons; ++i) {
    const char* reason = reject_reason_name(static_cast<RejectReason>(i));
    metric_sample(out, "connections_rejected_total", std::string("{reason=\"") + reason + "\"}",
                  sum.rejected_total[i]);
  }
  metric_head(out, "history_evicted_total",
              "Kept publications dropped early, by what there was no more room for.", "counter");
  for (std::size_t i = 0; i < kHistoryEvictions; ++i) {
    const char* reason = history_eviction_name(static_cast<HistoryEviction>(i));
    metric_sample(out, "history_evicted_total", std::string("{reason=\"") + reason + "\"}",
                  sum.history_evicted_total[i]);
  }
  metric_head(out, "tokens_refused_total", "Tokens of clients that were not accepted, by cause.",
              "counter");
  for (std::size_t i = 0; i < kTokenRefusals; ++i) {
    const char* cause = token_refusal_name(static_cast<TokenRefusal>(i));
    metric_sample(out, "tokens_refused_total", std::string("{cause=\"") + cause + "\"}",
                  sum.tokens_refused_total[i]);
  }
  out += proxy_text(sum);
  metric_head(out, "disconnects_total",
              "WebSocket connections that ended, by close code; 1006 is none.", "counter");
  for (const auto& [code, count] : sum.disconnects_total) {
    metric_sample(out, "disconnects_total", "{code=\"" + std::to_string(code) + "\"}", count);
  }
  return out;
}

std::string process_text(const ProcessMetrics& process) {
  struct Gauge {
    Bytes name;
    Bytes help;
    std::optional<std::uint64_t> value;
  };
  const std::array gauges = {
      Gauge{"max_connections", "How many clients at once.", process.max_connections},
      Gauge{"open_fds", "Descriptors that the process has open.", process.open_fds},
      Gauge{"max_fds", "RLIMIT_NOFILE of the process.", process.max_fds},
      Gauge{"direct_slots_used", "Slots of the rings' file tables in use by clients.",
            process.direct_slots_used},
      Gauge{"direct_slots", "Slots of the rings' file tables.", process.direct_slots},
      Gauge{"system_files_open", "Files and sockets open on the machine.",
            process.system_files_open},
      Gauge{"system_files_max", "How many the machine allows (fs.file-max).",
            process.system_files_max},
  };
  std::string out;
  for (const Gauge& gauge : gauges) {
    if (!gauge.value) continue;
    metric_head(out, gauge.name, gauge.help, "gauge");
    metric_sample(out, gauge.name, "", *gauge.value);
  }
  metric_head(out, "max_connections_limit_info", "Which limit millrace_max_connections comes from.",
              "gauge");
  metric_sample(out, "max_connections_limit_info", "{limit=\"" + process.deciding_limit + "\"}", 1);
  return out;
}

std::string shard_stalls_text(std::span<const std::uint64_t> stalls) {
  std::string out;
  metric_head(out, "shard_stalls_total", "Times that a shard gave no sign of life for over 100 ms.",
              "counter");
  for (std::size_t i = 0; i < stalls.size(); ++i) {
    metric_sample(out, "shard_stalls_total", "{shard=\"" + std::to_string(i) + "\"}", stalls[i]);
  }
  return out;
}

std::string json_text(const ShardMetrics& metrics) {
  std::string out = "{";
  for (const Entry& entry : kEntries) {
    if (out.size() > 1) out += ",";
    out.append("\"").append(entry.name).append("\":").append(std::to_string(metrics.*entry.field));
  }
  return out + "}";
}

}  // namespace millrace
