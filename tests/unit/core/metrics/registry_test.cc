#include "core/metrics/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace millrace {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; std::getline(in, word, ' ');) words.push_back(word);
  return words;
}

bool is_made_of(const std::string& text, const char* alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string::npos;
}

std::string text_of(const ShardMetrics& metrics) {
  return prometheus_text(std::span<const ShardMetrics>(&metrics, 1));
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Registry, HasTheNamesThatScriptsRelyOn) {
  ShardMetrics metrics;
  metrics.disconnects_total[1000] = 1;
  const std::string text = text_of(metrics);
  for (const char* line : {"millrace_connections 0",
                           "millrace_subscriptions 0",
                           "millrace_publications_total 0",
                           "millrace_encodes_total 0",
                           "millrace_deliveries_total 0",
                           "millrace_sends_total 0",
                           "millrace_nats_subscriptions 0",
                           "millrace_connections_rejected_total{reason=\"connection_limit\"} 0",
                           "millrace_connections_rejected_total{reason=\"memory\"} 0",
                           "millrace_tokens_refused_total{cause=\"form\"} 0",
                           "millrace_tokens_refused_total{cause=\"key\"} 0",
                           "millrace_tokens_refused_total{cause=\"signature\"} 0",
                           "millrace_tokens_refused_total{cause=\"claims\"} 0",
                           "millrace_tokens_refused_total{cause=\"expired\"} 0",
                           "millrace_tokens_refused_total{cause=\"too_early\"} 0",
                           "millrace_tokens_refused_total{cause=\"purpose\"} 0",
                           "millrace_tokens_refused_total{cause=\"revoked\"} 0",
                           "millrace_history_evicted_total{reason=\"bytes\"} 0",
                           "millrace_history_evicted_total{reason=\"publications\"} 0",
                           "millrace_history_evicted_total{reason=\"streams\"} 0",
                           "millrace_history_streams 0",
                           "millrace_allocation_failures_total 0",
                           "millrace_io_errors_total 0",
                           "millrace_disconnects_total{code=\"1000\"} 1"}) {
    EXPECT_TRUE(has_line(text, line)) << line;
  }
}

// The text format 0.0.4: HELP, TYPE, then the samples of that name, and every name once.
TEST(Registry, IsValidPrometheusText) {
  ShardMetrics metrics;
  metrics.disconnects_total = {{1000, 1}, {3008, 2}};
  const std::string text = text_of(metrics);
  EXPECT_TRUE(text.ends_with("\n"));
  std::set<std::string> names, samples;
  std::string current, kind;
  for (const std::string& line : lines_of(text)) {
    const std::vector<std::string> words = words_of(line);
    ASSERT_GE(words.size(), 2U) << line;
    if (line.starts_with("# HELP ")) {
      ASSERT_GT(words.size(), 3U) << line;
      current = words[2];
      kind.clear();
      EXPECT_EQ(line.find('\\'), std::string::npos) << line;
      EXPECT_TRUE(current.starts_with("millrace_")) << line;
      EXPECT_TRUE(is_made_of(current, "abcdefghijklmnopqrstuvwxyz_")) << line;
      EXPECT_TRUE(names.insert(current).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      ASSERT_EQ(words.size(), 4U) << line;
      EXPECT_EQ(words[2], current);
      kind = words[3];
      EXPECT_EQ(kind, current.ends_with("_total") ? "counter" : "gauge") << line;
    } else {
      ASSERT_EQ(words.size(), 2U) << line;
      const std::size_t brace = words[0].find('{');
      EXPECT_EQ(words[0].substr(0, brace), current) << line;
      EXPECT_FALSE(kind.empty()) << line;
      EXPECT_TRUE(is_made_of(words[1], "0123456789")) << line;
      EXPECT_TRUE(samples.insert(words[0]).second) << line;
      if (brace == std::string::npos) continue;
      const std::string label = words[0].substr(brace);
      EXPECT_TRUE(label.starts_with("{code=\"") || label.starts_with("{reason=\"") ||
                  label.starts_with("{cause=\"") || label.starts_with("{method=\""))
          << line;
      EXPECT_TRUE(label.ends_with("\"}")) << line;
    }
  }
  EXPECT_GT(names.size(), 40U);
}

using Fields = std::vector<std::uint64_t*>;

Fields fields_of_connections(ShardMetrics& m) {
  return {&m.connections,
          &m.clients,
          &m.accepts_total,
          &m.accept_errors_total,
          &m.slow_disconnects_total,
          &m.bytes_received_total,
          &m.bytes_sent_total,
          &m.messages_received_total,
          &m.sends_total,
          &m.short_sends_total,
          &m.recv_parked_total,
          &m.busy_connections,
          &m.turned_busy_total,
          &m.turned_quiet_total,
          &m.queued_bytes,
          &m.channels,
          &m.subscriptions,
          &m.publications_total,
          &m.publications_repeated_total,
          &m.recoveries_total,
          &m.unrecovered_total,
          &m.positions_lost_total,
          &m.gap_notices_total,
          &m.presence_pushes_total,
          &m.encodes_total,
          &m.deliveries_total,
          &m.client_publishes_total,
          &m.api_publishes_total,
          &m.api_calls_total,
          &m.api_errors_total,
          &m.recv_buffers_leased,
          &m.decoders_lent,
          &m.rejected_total[0],
          &m.rejected_total[kRejectReasons - 1],
          &m.tokens_refused_total[0],
          &m.tokens_refused_total[kTokenRefusals - 1]};
}

Fields fields_of_the_node(ShardMetrics& m) {
  return {&m.broker_outages_total,
          &m.broker_outage_ms_total,
          &m.broker_received_total,
          &m.broker_published_total,
          &m.broker_publish_failures_total,
          &m.broker_dropped_subject_total,
          &m.broker_dropped_payload_total,
          &m.broker_dropped_full_total,
          &m.nats_subscriptions,
          &m.history_streams,
          &m.history_publications,
          &m.history_bytes,
          &m.history_reads_total,
          &m.history_refused_total,
          &m.history_streams_evicted_total,
          &m.history_evicted_total[0],
          &m.history_evicted_total[2],
          &m.mailbox_refused_total,
          &m.ring_enters_total,
          &m.ring_submissions_total,
          &m.ring_completions_total,
          &m.ring_queue_full_total,
          &m.ring_overflows_total,
          &m.turns_total,
          &m.longest_turn_us};
}

// Every plain counter has a name of its own: set one, and exactly one sample changes.
TEST(Registry, NamesEveryCounterOnce) {
  const std::string zero = text_of(ShardMetrics{});
  const auto fields = [](ShardMetrics& metrics) {
    Fields all = fields_of_connections(metrics);
    const Fields more = fields_of_the_node(metrics);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  ShardMetrics probe;
  std::set<std::string> changed;
  for (std::size_t i = 0; i < fields(probe).size(); ++i) {
    ShardMetrics metrics;
    *fields(metrics)[i] = 123'456'789;
    const auto before = lines_of(zero);
    const auto after = lines_of(text_of(metrics));
    ASSERT_EQ(before.size(), after.size());
    int differences = 0;
    for (std::size_t line = 0; line < before.size(); ++line) {
      if (before[line] == after[line]) continue;
      ++differences;
      EXPECT_TRUE(after[line].ends_with(" 123456789"));
      EXPECT_TRUE(changed.insert(after[line]).second) << after[line];
    }
    EXPECT_EQ(differences, 1) << "field " << i;
  }
}

TEST(Registry, NamesWhatPresenceCounts) {
  ShardMetrics metrics;
  metrics.presence_members = 11;
  metrics.presence_channels = 12;
  metrics.presence_refused_total = 13;
  metrics.presence_batches_total = 14;
  metrics.presence_changes_total = 15;
  metrics.presence_changes_dropped_total = 16;
  const std::string text = text_of(metrics);
  for (const char* line : {"presence_members 11", "presence_channels 12",
                           "presence_refused_total 13", "presence_batches_total 14",
                           "presence_changes_total 15", "presence_changes_dropped_total 16"}) {
    EXPECT_NE(text.find(std::string("\nmillrace_") + line + "\n"), std::string::npos) << line;
  }
}

TEST(Registry, SumsShardsAndTakesTheLongestTurn) {
  std::vector<ShardMetrics> shards(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    shards[i].connections = 10 + i;
    shards[i].deliveries_total = 100;
    shards[i].longest_turn_us = 50 - i;
    shards[i].rejected_total[static_cast<std::size_t>(RejectReason::kOrigin)] = i;
    shards[i].tokens_refused_total[static_cast<std::size_t>(TokenRefusal::kRevoked)] = i;
    shards[i].disconnects_total[1000] = 1;
  }
  shards[1].broker_ready = 0;
  shards[2].disconnects_total[4000] = 5;
  const std::string text = prometheus_text(shards);
  for (const char* line : {"millrace_connections 33", "millrace_deliveries_total 300",
                           "millrace_longest_turn_microseconds 50", "millrace_broker_ready 2",
                           "millrace_connections_rejected_total{reason=\"origin\"} 3",
                           "millrace_tokens_refused_total{cause=\"revoked\"} 3",
                           "millrace_disconnects_total{code=\"1000\"} 3",
                           "millrace_disconnects_total{code=\"4000\"} 5"}) {
    EXPECT_TRUE(has_line(text, line)) << line;
  }
}

TEST(Registry, CountsStallsByShard) {
  const std::vector<std::uint64_t> stalls{0, 7};
  const std::string text = shard_stalls_text(stalls);
  EXPECT_TRUE(has_line(text, "# TYPE millrace_shard_stalls_total counter"));
  EXPECT_TRUE(has_line(text, "millrace_shard_stalls_total{shard=\"0\"} 0"));
  EXPECT_TRUE(has_line(text, "millrace_shard_stalls_total{shard=\"1\"} 7"));
}

TEST(Registry, NoShardIsNoBroker) {
  EXPECT_TRUE(has_line(prometheus_text({}), "millrace_broker_ready 0"));
  EXPECT_TRUE(has_line(prometheus_text({}), "millrace_connections 0"));
}

TEST(Registry, EveryReasonHasItsLabel) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kRejectReasons; ++i) {
    names.insert(reject_reason_name(static_cast<RejectReason>(i)));
  }
  EXPECT_EQ(names.size(), kRejectReasons);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Registry, TellsTheSameAsJson) {
  ShardMetrics metrics;
  metrics.connections = 7;
  metrics.allocation_failures_total = 9;
  const std::string json = json_text(metrics);
  EXPECT_TRUE(json.starts_with(R"({"connections":7,)")) << json;
  EXPECT_TRUE(json.ends_with(R"("allocation_failures_total":9})")) << json;
  EXPECT_EQ(std::count(json.begin(), json.end(), '{'), 1);
  EXPECT_EQ(std::count(json.begin(), json.end(), ':'),
            std::count(json.begin(), json.end(), ',') + 1);
}

TEST(ProcessText, HasASampleForWhatIsKnown) {
  ProcessMetrics process;
  process.max_connections = 1'000;
  process.deciding_limit = "RLIMIT_NOFILE";
  process.max_fds = 20'000;
  const std::string few = process_text(process);
  EXPECT_TRUE(has_line(few, "millrace_max_connections 1000"));
  EXPECT_TRUE(has_line(few, "millrace_max_fds 20000"));
  EXPECT_TRUE(has_line(few, "millrace_max_connections_limit_info{limit=\"RLIMIT_NOFILE\"} 1"));
  EXPECT_EQ(few.find("open_fds"), std::string::npos);
  EXPECT_EQ(few.find("direct_slots"), std::string::npos);
  process.open_fds = 33;
  process.direct_slots_used = 7;
  process.direct_slots = 40'000;
  process.system_files_open = 1'234;
  process.system_files_max = 2'466'170;
  const std::string all = process_text(process);
  for (const char* line : {"millrace_open_fds 33", "millrace_direct_slots_used 7",
                           "millrace_direct_slots 40000", "millrace_system_files_open 1234",
                           "millrace_system_files_max 2466170", "# TYPE millrace_open_fds gauge"}) {
    EXPECT_TRUE(has_line(all, line)) << line;
  }
}

}  // namespace
}  // namespace millrace
