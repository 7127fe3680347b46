// One machine to judge: what differs from the common one, what is asked for, and exactly what
// `millrace check` says of it: its exit code, its first line, and one row with what stands below.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/server/limit_check.h"
#include "tests/support/fake_machine.h"

namespace millrace {

struct Asked {
  std::uint32_t connections = 0;  // 0: auto
  std::uint32_t shards = 2;
  bool nats = false;
  bool conntrack_exempt = false;
};

struct LimitFixture {
  std::string name;
  FakeMachine::Files files;
  Asked asked;
  int exit_code;
  std::string cap;  // the first line
  std::string row;  // the row of `about` and the lines below it
  std::string about;
};

inline Config config_of(const Asked& asked) {
  Config config;
  config.server.listen.resize(1);
  config.server.max_connections = asked.connections;
  config.server.shards = asked.shards;
  config.server.conntrack_exempt = asked.conntrack_exempt;
  if (asked.nats) {
    config.broker.kind = BrokerKind::kNats;
    config.broker.nats = {"nats://127.0.0.1:4222"};
  }
  return config;
}

// The line whose second column begins with `about`, and the indented ones below it.
inline std::string row_about(const std::string& table, const std::string& about) {
  constexpr std::size_t kVerdictColumn = 10;
  std::string row;
  bool inside = false;
  for (std::string_view text = table; !text.empty();) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.starts_with(' ')) {
      inside = line.size() > kVerdictColumn && line.substr(kVerdictColumn).starts_with(about);
    }
    if (inside) row.append(line).append("\n");
  }
  return row;
}

inline void expect_fixture(const LimitFixture& fixture) {
  const FakeMachine machine(fixture.files);
  const CheckResult result =
      run_check(config_of(fixture.asked), {CheckOutput::kTable, machine.root()});
  EXPECT_EQ(result.exit_code, fixture.exit_code);
  EXPECT_EQ(result.text.substr(0, result.text.find('\n')), fixture.cap);
  EXPECT_EQ(row_about(result.text, fixture.about), fixture.row);
}

// So that a failure names its fixture.
inline std::ostream& operator<<(std::ostream& out, const LimitFixture& fixture) {
  return out << fixture.name;
}

inline std::string fixture_name(const testing::TestParamInfo<LimitFixture>& info) {
  return info.param.name;
}

}  // namespace millrace
