// Every limit at L-1, L and L+1, and none that is not in the table.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/mem/recv_buffers.h"
#include "core/shard/mailbox.h"
#include "net/server/config_keys.h"
#include "net/session/fair_use.h"
#include "tests/limits/limit.h"
#include "tests/limits/no_limits.h"
#include "tests/limits/source_names.h"

namespace millrace {

Limits all_limits() {
  Limits all;
  for (const auto room :
       {frame_limits,    http_limits,  session_limits, connection_limits, admission_limits,
        time_limits,     name_limits,  config_limits,  nats_limits,       jet_limits,
        admin_limits,    core_limits,  drain_limits,   history_limits,    presence_limits,
        fair_use_limits, token_limits, flat_limits,    client_limits,     proxy_limits,
        node_limits,     api_limits}) {
    for (Limit& limit : room()) all.push_back(std::move(limit));
  }
  return all;
}

namespace {

class EveryLimit : public testing::TestWithParam<Limit> {};

TEST_P(EveryLimit, HoldsBesideAndAtItself) {
  const Limit& limit = GetParam();
  const std::uint64_t below = limit.value - limit.step;
  const std::uint64_t above = limit.value + limit.step;
  ASSERT_LT(below, above);
  ASSERT_FALSE(limit.refusal.empty());
  switch (limit.edge) {
    case Edge::kMost:
      EXPECT_EQ(limit.attempt(below), "");
      EXPECT_EQ(limit.attempt(limit.value), "");
      EXPECT_EQ(limit.attempt(above), limit.refusal);
      break;
    case Edge::kLeast:
      EXPECT_EQ(limit.attempt(below), limit.refusal);
      EXPECT_EQ(limit.attempt(limit.value), "");
      EXPECT_EQ(limit.attempt(above), "");
      break;
    case Edge::kDeadline:
      EXPECT_EQ(limit.attempt(below), "");
      EXPECT_EQ(limit.attempt(limit.value), limit.refusal);
      EXPECT_EQ(limit.attempt(above), limit.refusal);
      break;
  }
}

std::string test_name(const testing::TestParamInfo<Limit>& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name.push_back(c);
    } else if (!name.empty() && name.back() != '_') {
      name.push_back('_');
    }
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Limits, EveryLimit, testing::ValuesIn(all_limits()), test_name);

std::set<std::string> covered() {
  std::set<std::string> names;
  for (const Limit& limit : all_limits()) names.insert(limit.covers.begin(), limit.covers.end());
  return names;
}

// The default of a key, in the unit of its row.
std::uint64_t default_of(const ConfigKey& key) {
  Config config;
  NamespaceConfig name_space;
  return std::visit(
      [](auto* slot) -> std::uint64_t {
        using T = std::remove_pointer_t<decltype(slot)>;
        if constexpr (std::is_same_v<T, Duration>) {
          return static_cast<std::uint64_t>(slot->to_ms());
        } else if constexpr (std::is_integral_v<T>) {
          return *slot;
        } else {
          return 0;
        }
      },
      key.slot({&config, &name_space}));
}

// A row of a key's own value: one with the default would hold for a key that reaches nothing.
TEST(LimitTable, EveryKeyOfLimitsHasARowThatMeetsIt) {
  const Limits all = all_limits();
  for (const ConfigKey& key : config_keys()) {
    if (key.section != "limits") continue;
    const std::string name = "limits." + std::string(key.name);
    const auto row = std::find_if(all.begin(), all.end(), [&name](const Limit& limit) {
      return std::find(limit.covers.begin(), limit.covers.end(), name) != limit.covers.end();
    });
    ASSERT_NE(row, all.end()) << name << " has no row in tests/limits that runs into it";
    EXPECT_NE(row->value, default_of(key)) << name << ": take another value than the default";
  }
}

TEST(LimitTable, EveryNumberInTheSourcesIsARowOrNoLimit) {
  const std::set<std::string> names = covered();
  const std::map<std::string, std::string> others = no_limits();
  const std::set<std::string> found = names_in_sources(MILLRACE_SOURCE_DIR);
  EXPECT_GT(found.size(), 100U);
  for (const std::string& name : found) {
    EXPECT_NE(names.contains(name), others.contains(name))
        << name
        << ": give it a row in tests/limits, or say in tests/limits/no_limits.cc what it is";
  }
  for (const auto& [name, what] : others) {
    EXPECT_TRUE(found.contains(name)) << name << " is not in the sources; take it out of the list";
    EXPECT_FALSE(what.empty()) << name;
  }
}

TEST(LimitTable, RowsStandForWhatThereIs) {
  const std::set<std::string> found = names_in_sources(MILLRACE_SOURCE_DIR);
  for (const std::string& name : covered()) {
    const std::size_t dot = name.find('.');
    const bool is_key =
        dot != std::string::npos && find_key(name.substr(0, dot), name.substr(dot + 1)) != nullptr;
    EXPECT_TRUE(is_key || found.contains(name)) << name;
  }
}

// The code CHECKs these, so a configuration must not get past them.
TEST(LimitTable, EndsOfKeysAreWhatTheCodeHolds) {
  EXPECT_EQ(find_key("limits", "recv_buffers")->max, std::int64_t{RecvBuffers::kMaxCount});
  EXPECT_EQ(RecvBuffers(RecvBuffers::kMaxCount, 64).count(), RecvBuffers::kMaxCount);
  EXPECT_DEATH(RecvBuffers(2 * RecvBuffers::kMaxCount, 64), "kMaxCount");
  EXPECT_EQ(find_key("limits", "commands_burst")->max, std::int64_t{FairUse::kMostCommands});
  EXPECT_EQ(find_key("limits", "commands_per_second")->max, std::int64_t{FairUse::kMostCommands});
  EXPECT_EQ(find_key("limits", "errors_per_connection")->max, std::int64_t{FairUse::kMostErrors});
  const auto shards = static_cast<std::size_t>(find_key("server", "shards")->max);
  EXPECT_EQ(MailboxNetwork(shards + 1).shards(), shards + 1);  // and the admin shard
}

TEST(LimitTable, NamesAreDifferent) {
  std::set<std::string> names;
  for (const Limit& limit : all_limits()) EXPECT_TRUE(names.insert(limit.name).second) << limit;
}

// --- What looks for names ------------------------------------------------------------------------

TEST(SourceNames, FindsConstants) {
  const std::string text =
      "inline constexpr std::size_t kMaxA = 64;\n"
      "  static constexpr Duration kB = seconds(1);\n"
      "constexpr int kC{3};\n"
      "static constexpr unsigned kD\n    = 4;\n"
      "constexpr Bytes kText = \"x\";\n"
      "constexpr std::array<Unit, 4> kUnits{{}};\n"
      "const std::size_t kNot = 1;\n";
  EXPECT_EQ(constants_of("x.h", text),
            (std::set<std::string>{"x.h:kMaxA", "x.h:kB", "x.h:kC", "x.h:kD"}));
}

TEST(SourceNames, FindsFields) {
  const std::string text =
      "struct HttpLimits {\n  std::size_t head_bytes = 8 * 1024;  // with\n"
      "  // 12\n  std::uint32_t fields = 64;\n  Duration request{};\n  std::string name;\n"
      "  bool operator==(const HttpLimits&) const = default;\n};\n"
      "struct Other {\n  std::size_t size = 0;\n};\n"
      "struct SomeOptions {\n  [[nodiscard]] bool valid() const {\n    return true;\n  }\n"
      "  int time_ms = 1;\n};\n";
  EXPECT_EQ(fields_of(text), (std::set<std::string>{"HttpLimits.head_bytes", "HttpLimits.fields",
                                                    "HttpLimits.request", "SomeOptions.time_ms"}));
}

}  // namespace
}  // namespace millrace
