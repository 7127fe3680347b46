// The counters of one shard: plain integers that its thread alone writes. Nobody reads them from
// outside; a snapshot is copied and sent by message (core/shard/message.h).
//
// core/metrics/registry.cc gives each its name, help and type. Gauges are marked; the rest only
// grow.
#pragma once

#include <array>
#include <cstdint>
#include <map>

namespace millrace {

// Why a connection was refused before it was a client. Label `reason`.
enum class RejectReason : std::uint8_t {
  kConnectionLimit,  // the configured cap
  kDescriptors,      // the ring's file table or the process's limit
  kHandshake,        // not a valid upgrade or request
  kOrigin,
  kTimeout,  // the handshake's deadline
  kDraining,
  kMemory,    // the memory reserve was given back
  kHalfOpen,  // too many that have not said what they want
  kAddress,   // too many of one address
};
inline constexpr std::size_t kRejectReasons = 9;
const char* reject_reason_name(RejectReason reason);

// What there was no more room for when kept publications were dropped early. Label `reason`.
enum class HistoryEviction : std::uint8_t { kBytes, kPublications, kStreams };
inline constexpr std::size_t kHistoryEvictions = 3;
const char* history_eviction_name(HistoryEviction reason);

// Why a token was not accepted, in the kinds that a dashboard tells apart. Label `cause`.
enum class TokenRefusal : std::uint8_t {
  kForm,       // not even a token
  kKey,        // no key here is for it
  kSignature,  // not made with the key
  kClaims,     // of a wrong type, or more than allowed
  kExpired,
  kTooEarly,
  kPurpose,  // good, but for somebody or something else
  kRevoked,
};
inline constexpr std::size_t kTokenRefusals = 8;
const char* token_refusal_name(TokenRefusal cause);

// What the application behind the server is asked or told. Label `method`.
enum class ProxyMethod : std::uint8_t {
  kConnect,
  kSubscribe,
  kPublish,
  kRpc,
  kRefresh,
  kSubRefresh,
  kSend,        // told
  kDisconnect,  // the same
};
inline constexpr std::size_t kProxyMethods = 8;
const char* proxy_method_name(ProxyMethod method);

// What became of that. Label `outcome`.
enum class ProxyOutcome : std::uint8_t {
  kAllowed,
  kRefused,       // an error of the application's
  kDisconnected,  // by it
  kTold,
  kNoResponders,
  kTimeout,
  kLost,  // the connection to NATS was away, or its lane full
  kBadReply,
  kBreakerOpen,
  kFull,       // too many were out
  kForgotten,  // who asked had gone
};
inline constexpr std::size_t kProxyOutcomes = 11;
const char* proxy_outcome_name(ProxyOutcome outcome);

struct ShardMetrics {
  // Connections
  std::uint64_t connections = 0;  // gauge: sockets, from accept to close
  std::uint64_t half_open = 0;    // gauge: admitted, and have not said what they want
  std::uint64_t clients = 0;      // gauge: connected by the client protocol
  std::uint64_t accepts_total = 0;
  std::uint64_t accept_errors_total = 0;
  std::array<std::uint64_t, kRejectReasons> rejected_total{};
  std::array<std::uint64_t, kTokenRefusals> tokens_refused_total{};
  std::map<std::uint16_t, std::uint64_t> disconnects_total;  // by close code that we sent or got
  std::uint64_t slow_disconnects_total = 0;
  std::uint64_t io_errors_total = 0;  // receives and sends, a peer's reset among them
  // Bytes and frames
  std::uint64_t bytes_received_total = 0;
  std::uint64_t bytes_sent_total = 0;
  std::uint64_t messages_received_total = 0;
  std::uint64_t sends_total = 0;  // send operations handed to the ring
  std::uint64_t short_sends_total = 0;
  std::uint64_t recv_parked_total = 0;  // receives that ended for want of a buffer
  std::uint64_t busy_connections = 0;   // gauge: with a multishot receive instead of a poll
  std::uint64_t turned_busy_total = 0;
  std::uint64_t turned_quiet_total = 0;
  std::uint64_t queued_bytes = 0;        // gauge: all send queues
  std::uint64_t unsent_bytes_total = 0;  // dropped from them
  // Hub
  std::uint64_t channels = 0;            // gauge
  std::uint64_t subscriptions = 0;       // gauge
  std::uint64_t publications_total = 0;  // that reached this shard's hub with a subscriber here
  std::uint64_t publications_repeated_total = 0;  // that had come by already, by their offset
  std::uint64_t recoveries_total = 0;             // subscribes that got all that was missed
  std::uint64_t unrecovered_total = 0;            // that were told that they can't
  std::uint64_t positions_lost_total = 0;         // holes and new epochs that subscribers were told
  std::uint64_t gap_notices_total = 0;            // subscriptions ended because NATS had been away
  std::uint64_t encodes_total = 0;
  std::uint64_t deliveries_total = 0;       // references put into send queues
  std::uint64_t presence_pushes_total = 0;  // frames of joins and leaves, by receiver
  std::uint64_t client_publishes_total = 0;
  std::uint64_t api_publishes_total = 0;
  std::uint64_t api_calls_total = 0;   // of the server API; what a batch has in it counts, too
  std::uint64_t api_errors_total = 0;  // of them, answered with an error
  // Broker
  std::uint64_t broker_ready = 1;  // gauge: 0 or 1
  std::uint64_t broker_outages_total = 0;
  std::uint64_t broker_outage_ms_total = 0;  // time without the broker
  std::uint64_t broker_received_total = 0;   // messages from NATS
  std::uint64_t broker_published_total = 0;
  std::uint64_t broker_publish_failures_total = 0;
  std::uint64_t broker_dropped_subject_total = 0;  // not the one spelling of a channel
  std::uint64_t broker_dropped_payload_total = 0;  // not what the namespace takes
  std::uint64_t broker_dropped_full_total = 0;     // the inbox, a lane or the library was full
  std::uint64_t nats_subscriptions = 0;            // gauge
  // History, of the channels that this shard owns
  std::uint64_t history_streams = 0;       // gauge
  std::uint64_t history_publications = 0;  // gauge
  std::uint64_t history_bytes = 0;         // gauge
  std::uint64_t history_reads_total = 0;
  std::uint64_t history_refused_total = 0;  // reads that were not answered for want of room
  std::array<std::uint64_t, kHistoryEvictions> history_evicted_total{};  // publications
  std::uint64_t history_streams_evicted_total = 0;
  // Streams at NATS, of the channels that this shard listens to
  std::uint64_t stream_holes_total = 0;            // found: a message had not come by
  std::uint64_t stream_filled_total = 0;           // publications that were read to close them
  std::uint64_t stream_lost_total = 0;             // holes that could not be closed
  std::uint64_t stream_checks_total = 0;           // questions to leaders about tops and streams
  std::uint64_t stream_cache_hits_total = 0;       // answers that needed nothing of the stream
  std::uint64_t stream_reads_total = 0;            // those that did
  std::uint64_t stream_cache_bytes = 0;            // gauge
  std::uint64_t stream_reborn_total = 0;           // deleted and made again
  std::uint64_t stream_refused_total = 0;          // for want of room
  std::uint64_t stream_publish_retries_total = 0;  // of our own publications
  std::uint64_t stream_duplicates_total = 0;       // that were there already
  // Presence, in the channels that this shard owns
  std::uint64_t presence_members = 0;                // gauge
  std::uint64_t presence_channels = 0;               // gauge
  std::uint64_t presence_refused_total = 0;          // members that found the table full
  std::uint64_t presence_batches_total = 0;          // of joins and leaves
  std::uint64_t presence_changes_total = 0;          // in them
  std::uint64_t presence_changes_dropped_total = 0;  // more than a batch holds
  // The application behind it, by method
  std::array<std::array<std::uint64_t, kProxyOutcomes>, kProxyMethods> proxy_requests_total{};
  std::array<std::uint64_t, kProxyMethods> proxy_retries_total{};
  std::array<std::uint64_t, kProxyMethods> proxy_waited_us_total{};  // of what was answered or not
  std::array<std::uint64_t, kProxyMethods> proxy_breaker_state{};    // gauge: 0 closed, 2 open
  std::uint64_t proxy_inflight = 0;                                  // gauge
  // Between nodes
  std::uint64_t nodes_known = 0;  // gauge: other nodes; the shard that speaks for its node tells it
  std::uint64_t nodes_gone_total = 0;             // the same
  std::uint64_t node_messages_dropped_total = 0;  // from other nodes: malformed, or too many nodes
  std::uint64_t presence_gathers_total = 0;       // questions that all other nodes were asked
  std::uint64_t presence_gathers_failed_total = 0;  // a node did not answer
  // Between shards
  std::uint64_t mailbox_refused_total = 0;
  // Ring and loop (copied from their own stats at the snapshot)
  std::uint64_t ring_enters_total = 0;
  std::uint64_t ring_submissions_total = 0;
  std::uint64_t ring_completions_total = 0;
  std::uint64_t ring_queue_full_total = 0;
  std::uint64_t ring_overflows_total = 0;
  std::uint64_t turns_total = 0;
  std::uint64_t turns_long_total = 0;     // Heartbeat::kLongTurn
  std::uint64_t longest_turn_us = 0;      // gauge
  std::uint64_t recv_buffers_leased = 0;  // gauge
  std::uint64_t decoders_lent = 0;        // gauge
  // Of the whole process; one shard tells it.
  std::uint64_t allocation_failures_total = 0;
};

}  // namespace millrace
