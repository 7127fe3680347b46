#include "tests/limits/no_limits.h"

#include <initializer_list>

namespace millrace {
namespace {

using Names = std::initializer_list<const char*>;

void add(std::map<std::string, std::string>& all, const char* what, Names names) {
  for (const char* name : names) all[name] = what;
}

void add_formats(std::map<std::string, std::string>& all) {
  add(all, "a format's own size or bit",
      {"base64url.cc:kForeign",
       "public_key.cc:kBytes",
       "kernel_features.cc:kRegisterMemoryRegion",
       "client_info.cc:kParts",
       "interest_table.h:kMaxName",
       "subscription_notes.h:kNoToken",
       "client_header.cc:kControlBit",
       "client_header.cc:kFinBit",
       "client_header.cc:kIn16Bits",
       "client_header.cc:kIn64Bits",
       "client_header.cc:kLengthBits",
       "client_header.cc:kMaskBit",
       "client_header.cc:kMaskingKeySize",
       "client_header.cc:kOpcodeBits",
       "client_header.cc:kReservedBits",
       "client_header.cc:kStartSize",
       "client_header.h:kMaxClientHeader",
       "flat_decoder.cc:kLeastMessage",
       "flat_decoder.cc:kMaxDepth",
       "flat_decoder.cc:kPrefix",
       "flat_decoder.cc:kWord",
       "flat_writer.cc:kSlot",
       "flat_writer.cc:kVtableStart",
       "flat_writer.cc:kWide",
       "flat_writer.h:kReference",
       "frame_decoder.cc:kCloseCodeSize",
       "frame_header.cc:kCloseCodeSize",
       "frame_header.cc:kControlBit",
       "frame_header.cc:kFinBit",
       "frame_header.cc:kMax16Bits",
       "frame_header.cc:kMax7Bits",
       "frame_header.h:kMaxServerHeader",
       "history_bytes.cc:kParts",
       "identity.cc:kFar",
       "identity.h:kHasInfo",
       "identity.h:kNever",
       "identity.h:kProofBytes",
       "keyed_quota.cc:kStateShift",
       "keyed_quota.cc:kVersionShift",
       "keyed_quota.h:kMostUnits",
       "network.cc:kBits",
       "network.cc:kLongestAddress",
       "network.cc:kV4Bits",
       "network.cc:kV4Keys",
       "network.cc:kV4Start",
       "listen_socket.cc:kFlags",
       "listen_socket.cc:kSyn",
       "listen_socket.cc:kSynAck",
       "stream.h:kLetters",
       "subject.cc:kEscaped",
       "upgrade.cc:kKeyChars",
       "upgrade.cc:kSha1Bytes",
       "fossil_delta.cc:kBitsPerDigit",
       "fossil_delta.cc:kInsertHead",
       "fossil_delta.cc:kMarks",
       "utf8.cc:kHighBits",
       "ws_transport.cc:kAbnormal",
       "ws_transport.cc:kFirstPrivate",
       "node_id.h:kBytes",
       "presence_wire.cc:kClosing",
       "presence_wire.cc:kDigits"});
}

void add_units(std::map<std::string, std::string>& all) {
  add(all, "a unit, or the shape of a text",
      {"config_key_rows.h:kKeyGiB", "config_key_rows.h:kKeyHour", "config_key_rows.h:kKeyKiB",
       "config_key_rows.h:kKeyMiB", "config_key_rows.h:kKeyMinute", "config_key_rows.h:kKeySecond",
       "fair_use.cc:kMask", "fair_use.cc:kSecondNs", "fair_use.h:kErrorBits",
       "help_text.cc:kColumns", "help_text.cc:kIndent", "server.cc:kTicksPerSecond"});
  add(all, "an exit code",
      {"command_line.h:kExitConfiguration", "command_line.h:kExitUsage",
       "memory_reserve.h:kExitCode", "random.cc:kNoRandomExitCode", "server.h:kExitAddress",
       "server.h:kExitSystem", "server.h:kExitUnavailable"});
}

void add_insides(std::map<std::string, std::string>& all) {
  add(all, "a mark or a mask",
      {"SubscribeOptions.ticket", "api_desk.h:kOfKey", "client_app.cc:kTransportErrors",
       "command.h:kRejectUnrecovered", "connection_table.cc:kOrphan", "hub.h:kNotFound",
       "hub_streams.cc:kAskerShift", "node_directory.cc:kNeverBack", "shard_check.h:kNoShard",
       "slab.h:kGenerationMask", "slab.h:kNone", "uring.cc:kBufferGroup", "uring.cc:kWakeData"});
  add(all, "how many kinds there are",
      {"fanout.cc:kForms", "mutant.h:kMutants", "op.h:kOpKinds",
       "shard_metrics.h:kHistoryEvictions", "shard_metrics.h:kProxyMethods",
       "shard_metrics.h:kProxyOutcomes", "shard_metrics.h:kRejectReasons",
       "shard_metrics.h:kTokenRefusals", "token_algorithm.h:kTokenAlgorithms",
       "token_signature.h:kHashes"});
  add(all, "the shape of a structure that grows or spans everything",
      {"chain_table.h:kChunk", "chunked_array.h:kChunk", "keyed_quota.h:kWindow", "lane.h:kSegment",
       "json_encoder.cc:kFixed", "flat_encoder.cc:kFixed", "flat_writer.h:kMaxFields",
       "timer_wheel.h:kLevels", "timer_wheel.h:kSlotBits", "timer_wheel.h:kSlots"});
  add(all, "the width of a field; what it holds has rows of its own",
      {"cluster_presence.cc:kMost", "connection.h:kMaxLinger", "delivery_sink.h:kIdBits",
       "node_beat.cc:kLongestUptime"});
  add(all, "how often nodes are heard, and how long the end of one waits: node_beats_test.cc",
      {"cluster_node.h:kLeavePatience", "node_beats.cc:kSpread", "node_beats.h:kHelloPause",
       "node_directory.h:kBeatInterval", "node_directory.h:kBeatJitter",
       "node_directory.h:kMissedBeats"});
  add(all, "how much of a thing is made, not how much is let in",
      {"AdminOptions.client_shards", "ClientShardOptions.client_shards", "ShardGroupOptions.shards",
       "ShardGroupOptions.unpinned", "admin_shard.cc:kBufferSize", "admin_shard.cc:kBuffers"});
  add(all, "how input is waited for, not how much: connection_table_receiving_busy_test.cc",
      {"connection_table.h:kBusyInputs", "connection_table.h:kQuietAfter",
       "connection_table_receiving.cc:kCoarse", "connection_table_receiving.cc:kQuietSteps"});
  add(all, "told to people, not held",
      {"AdminOptions.descriptors", "AdminOptions.direct_slots", "AdminOptions.drain_timeout",
       "AdminOptions.max_connections"});
  add(all, "how hard a shorter patch is looked for: fossil_delta_test.cc",
      {"fossil_delta.cc:kBlock", "fossil_delta.cc:kComparedPerByte", "fossil_delta.cc:kGoodCopy",
       "fossil_delta.cc:kLookAhead", "fossil_delta.cc:kMaxProbes"});
  add(all, "how often a line is logged: admission_test.cc and token_refusals_test.cc",
      {"admission.h:kLogInterval", "proxy_door.h:kLogInterval", "token_refusals.h:kLogInterval"});
  add(all, "how often something is looked at, or how exactly",
      {"drain.h:kParts", "drain.h:kStep", "drain_log.h:kBetweenLines", "drain_pace.h:kLate",
       "memory_broker.h:kSweepPause", "readiness.h:kDeadAfter", "watchdog.h:kBetweenLooks"});
  add(all, "how exactly pings and timers keep time: ping_schedule_test.cc",
      {"connection_table.cc:kFarBack", "reactor.h:kMostFullBatches", "session.h:kLateShard",
       "ping_schedule.h:kLongestStep", "ping_schedule.h:kTogether", "expiry_pace.h:kAtOnce",
       "expiry_pace.h:kWindow"});
  add(all, "what --insecure is given, not what is let in: namespace_plan_test.cc",
      {"namespace_plan.cc:kInsecureHistoryAge", "namespace_plan.cc:kInsecureHistorySize"});
  add(all, "a span that an answer is spread over",
      {"refusal.h:kLongestRetry", "refusal.h:kShortestRetry", "retry_plan.h:kFirst",
       "retry_plan.h:kLongest", "session_refresh.cc:kAskAgain"});
}

// The machine's limits, and what we advise; what stands here is judged by
// tests/unit/net/machine and tests/unit/net/server/limit_check*_test.cc.
void add_machine(std::map<std::string, std::string>& all) {
  add(all, "what the check reads at most, tested beside itself",
      {"cgroup_facts.cc:kMaxGroupDepth", "fact_files.h:kMaxFactFile", "machine_facts.cc:kMaxWord",
       "machine_facts.h:kCountedDescriptors"});
  add(all, "a part of a sum that has a limit",
      {"session_settings.h:kAroundAnswer", "presence_gather.cc:kAround",
       "presence_table.h:kMemberEnvelope", "stream_store.h:kPageEnvelope"});
  add(all, "a part of a formula that says what a number of connections needs",
      {"limit_needs.cc:kLeastClosing", "limit_needs.cc:kLeastDeviceBacklog",
       "limit_needs.cc:kLeastMappings", "limit_needs.cc:kLeastQueue",
       "limit_needs.cc:kLeastReceiveBuffer", "limit_needs.cc:kMostAcceptQueue",
       "limit_needs.cc:kMostDeviceBacklog", "limit_needs.cc:kMostQuickPorts",
       "limit_needs.cc:kMostReceiveBuffer", "limit_needs.cc:kMostSynBacklog",
       "limit_needs.cc:kPortsPerLink", "limit_needs.h:kBytesPerConnection",
       "limit_needs.h:kKernelBytesPerConnection", "limit_needs.h:kUserBytesPerConnection",
       "sysctl_settings.cc:kFilesPerConnection", "sysctl_settings.cc:kLeastOpen",
       "sysctl_settings.cc:kLeastWmemMax", "sysctl_settings.h:kFolderConnections",
       "sysctl_settings.h:kFolderMemory"});
  add(all, "what the kernel or a library takes, measured",
      {"limit_check.cc:kBufferBytes", "limit_check.cc:kCompletionBytes",
       "limit_check.cc:kEntryBytes", "limit_check.cc:kIndexBytes", "limit_check.cc:kNatsThreads",
       "limit_check.cc:kNatsThreadsPerLink", "limit_check.cc:kOtherRingBytes",
       "limit_check.cc:kPageBytes", "limit_check.cc:kQueueHeadBytes"});
  add(all, "the kernel's own number, or a unit",
      {"cgroup_facts.cc:kNoLimitV1", "limit_rules_bounds.cc:kMebibyte",
       "limit_rules_bounds.cc:kOldestMajor", "limit_rules_bounds.cc:kOldestMinor",
       "machine_facts.cc:kKibibyte", "machine_facts.h:kCapIpcLock", "machine_facts.h:kCapSysAdmin",
       "machine_facts.h:kCapSysResource", "machine_facts.h:kUnlimited"});
  add(all, "the shape of a text",
      {"limit_report.cc:kIndent", "limit_report.h:kReportColumns", "sysctl_settings.cc:kColumns"});
}

void add_kept_elsewhere(std::map<std::string, std::string>& all) {
  add(all, "the kernel's, set in net/tcp/listen_socket.cc and read back by its test",
      {"ListenOptions.backlog", "ListenOptions.user_timeout_ms"});
  add(all, "the ring's, on a real kernel: tests/unit/core/ring",
      {"UringOptions.completion_entries", "UringOptions.files", "UringOptions.submission_entries",
       "uring.cc:kRefusedPause"});
  add(all, "the machine's: tests/unit/net/server/socket_plan_test.cc",
      {"admin_shard.h:kFiles", "kernel_features.cc:kCommonLimit",
       "socket_plan.cc:kAdminDescriptors", "socket_plan.cc:kDeviations",
       "socket_plan.cc:kFixedDescriptors", "socket_plan.cc:kMaxRingFiles",
       "socket_plan.cc:kNatsDescriptors", "socket_plan.cc:kOwnDescriptors",
       "socket_plan.cc:kShardDescriptors"});
  add(all, "the end of a key of [limits]: LimitTable.EndsOfKeysAreWhatTheCodeHolds",
      {"fair_use.h:kMostCommands", "fair_use.h:kMostErrors", "recv_buffers.h:kMaxCount"});
  add(all, "when JetStream is asked again, and how often: tests/unit/net/jet",
      {"jet_broker.h:kCheckLife", "jet_broker.h:kGrace", "jet_broker.h:kDoubtsOut",
       "jet_broker.h:kRenewStep", "jet_broker.h:kRenewPause", "jet_publisher.h:kAckPatience",
       "jet_publisher.h:kFirstRetry", "jet_publisher.h:kLastRetry", "jet_remover.h:kPatience",
       "stream_keeper.h:kCheckEvery", "stream_keeper.h:kPatience", "stream_keeper.h:kRetry",
       "stream_keeper.h:kRefusedRetry", "stream_keeper.h:kMakeAgain", "stream_reader.h:kPatience",
       "stream_reader.h:kRetry", "stream_reader.h:kMaxAsked", "stream_plan.cc:kDuplicateWindow"});
  add(all, "an error's number, or the width of a field",
      {"jet_json.h:kJetNameInUse", "jet_json.h:kJetNotFound", "jet_publisher.cc:kMayPass",
       "stream_keeper.cc:kBusy", "stream_keeper.cc:kStepShift",
       "stream_reader_answers.cc:kNoMessage", "jet_broker.h:kAskerShift"});
  add(all, "a part of a sum that has a limit, or how a page is read",
      {"edge_cache.h:kOverhead", "jet_broker_history.cc:kWholeHistory"});
  add(all, "as many as the hub has: limits.channels_per_shard", {"JetLimits.channels"});
  add(all, "a pace of notices: tests/unit/net/server/gap_notices_test.cc",
      {"gap_notices.h:kNoticesAStep", "gap_notices.h:kSlotsAStep", "gap_notices.h:kStep"});
  add(all, "how much of the server API is done a turn, and when again: tests/unit/net/api",
      {"api_nodes.h:kAgain", "api_nodes.h:kFreshSign", "api_nodes.h:kNodePatience",
       "api_orders.h:kUsersATime", "api_series.h:kMaxSeriesSteps", "api_series.h:kMaxStepsInFlight",
       "api_series.h:kStepBytesInFlight", "channel_listing.h:kSlotsPerTurn",
       "channel_listing.h:kStepsPerTurn", "session_walk.h:kSlotsPerTurn"});
  add(all, "of threads beside the shards, in real time: tests/unit/net/nats",
      {"NatsOptions.connect_timeout_ms", "NatsOptions.flush_timeout_ms",
       "NatsOptions.ping_interval_ms", "NatsOptions.reconnect_wait_ms",
       "NatsOptions.wait_connected_ms", "nats_port.cc:kStaleEnds", "nats_port.cc:kWaitSliceMs",
       "nats_link.cc:kBatch", "nats_link.cc:kLibraryQueueMessages", "nats_link.cc:kMaxPingsOut",
       "nats_link.cc:kNoteBytes", "nats_link.cc:kNotes", "nats_link.cc:kPauseMs",
       "nats_link.cc:kProbeMs", "nats_subscriptions.cc:kQuietMs", "server.cc:kNatsStartWaitMs"});
  add(all,
      "of a move to another NATS server, in real time: tests/unit/net/nats, nats_cluster.test.mjs",
      {"nats_link_move.cc:kDrainMs", "nats_link_move.cc:kMostUrl", "nats_link_move.cc:kMoveRetryMs",
       "nats_link_move.cc:kSettleMs", "nats_link_move.cc:kTailMs", "nats_overlap.h:kCopyLateMs",
       "nats_overlap.h:kRememberMs", "nats_overlap.h:kRepeatLateMs", "nats_overlap.h:kRepeats",
       "nats_wire.cc:kClosedCallbackMs"});
  add(all, "a bit of a word that two threads share",
      {"nats_inbox.h:kStageBits", "nats_link.h:kCountShift", "nats_link.h:kLive",
       "nats_link.h:kPhaseBits", "nats_link.h:kPhaseMask", "nats_link.h:kWireMask",
       "nats_link.h:kWireShift"});
  add(all, "no amount, but which order of servers", {"NatsOptions.spread", "server.cc:kSpreads"});
  add(all, "a key's own size or bit, as NATS has it",
      {"nkey.cc:kBitsOfLetter", "nkey.cc:kCrcPolynomial", "nkey.cc:kKeyBytes", "nkey.cc:kSeedKind",
       "nkey.cc:kSeedRawBytes", "nkey.cc:kSize", "nkey.cc:kUserKind", "nkey.h:kNkeySeedBytes"});
  add(all, "when a table gives memory back: tests/unit/core/mem, tests/unit/net/nats",
      {"nats_broker.cc:kSparse", "sparse_slots.h:kAll", "sparse_slots.h:kChunk"});
  add(all, "of memory that is out: tests/faults",
      {"memory_reserve.h:kBetweenTriesNs", "main.cc:kCopies", "main.cc:kShardCopies",
       "thread_arenas.h:kAllArenas", "memory_watch.h:kBetweenTries", "memory_reserve.h:kLeastBytes",
       "memory_reserve.h:kMostFailures", "thread_arenas.cc:kCacheBytes",
       "memory_watch.h:kLogInterval", "memory_watch.h:kLogLines"});
}

}  // namespace

std::map<std::string, std::string> no_limits() {
  std::map<std::string, std::string> all;
  add_formats(all);
  add_units(all);
  add_insides(all);
  add_machine(all);
  add_kept_elsewhere(all);
  return all;
}

}  // namespace millrace
