#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/lines.h"
#include "tests/tidy/tidy.h"

namespace millrace::tidy {
namespace {

// What begins with `from` may include what begins with one of `to`, and its own room. The first row
// that fits decides, so a file's row stands before its room's.
struct Arrow {
  std::string_view from;
  std::vector<std::string_view> to;
};

const auto& arrows() {
  static const auto table = std::to_array<Arrow>({
      {"core/base/", {}},
      {"core/time/", {"core/base/"}},
      {"core/mem/", {"core/base/"}},
      {"core/metrics/", {"core/base/"}},
      {"core/limit/", {"core/base/", "core/time/"}},
      {"core/ring/", {"core/base/", "core/time/", "core/mem/"}},
      // Messages speak of streams and members in the hub's words; values only.
      {"core/shard/message",
       {"core/base/", "core/time/", "core/mem/", "core/metrics/", "core/hub/presence.h",
        "core/hub/stream.h"}},
      {"core/shard/", {"core/base/", "core/time/", "core/mem/", "core/metrics/", "core/ring/"}},
      // These two carry publications between shards, so they see what carries them.
      {"core/hub/memory_broker",
       {"core/base/", "core/time/", "core/mem/", "core/metrics/", "core/shard/"}},
      {"core/hub/relay", {"core/base/", "core/mem/", "core/metrics/", "core/shard/"}},
      {"core/hub/", {"core/base/", "core/time/", "core/mem/", "core/metrics/", "core/limit/"}},
      {"core/", {}},
      {"proto/", {"core/"}},
      {"net/auth/", {"core/", "proto/"}},
      {"net/machine/", {"core/", "proto/"}},
      {"net/tcp/", {"core/"}},
      {"net/http/", {"core/", "proto/", "net/tcp/"}},
      {"net/ws/", {"core/", "net/tcp/"}},
      {"net/nats/", {"core/", "proto/", "net/tcp/"}},
      {"net/jet/", {"core/", "proto/", "net/nats/", "net/auth/base64url.h"}},
      {"net/nodes/", {"core/", "proto/", "net/nats/"}},
      {"net/broker/", {"core/", "proto/", "net/nats/", "net/jet/", "net/nodes/"}},
      {"net/transport/", {"core/", "net/tcp/", "net/http/", "net/ws/"}},
      {"net/session/", {"core/", "proto/", "net/tcp/", "net/ws/", "net/transport/", "net/auth/"}},
      {"net/proxy/",
       {"core/", "proto/", "net/auth/", "net/nats/", "net/session/application.h",
        "net/session/identity.h"}},
      {"net/api/",
       {"core/", "proto/", "net/tcp/", "net/auth/", "net/session/", "net/nats/", "net/nodes/"}},
      {"net/server/", {"core/", "proto/", "net/"}},
      {"net/", {"core/", "proto/"}},
  });
  return table;
}

constexpr std::array<std::string_view, 5> kOurs{"core/", "proto/", "net/", "bench/", "tests/"};

bool starts_with_any(std::string_view path, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [path](std::string_view prefix) { return path.starts_with(prefix); });
}

const Arrow* arrow_of(std::string_view path) {
  const auto& table = arrows();
  const auto* row = std::find_if(table.begin(), table.end(), [path](const Arrow& arrow) {
    return path.starts_with(arrow.from);
  });
  return row == table.end() ? nullptr : row;
}

// "core/a.h" of `#include "core/a.h"`; empty for anything else.
std::string_view included(std::string_view line) {
  constexpr std::string_view kInclude = "#include \"";
  if (!line.starts_with(kInclude)) return {};
  line.remove_prefix(kInclude.size());
  return line.substr(0, line.find('"'));
}

std::string room_of(std::string_view path) {
  const std::size_t slash = path.find('/', path.find('/') + 1);
  return std::string(path.substr(0, slash == std::string_view::npos ? path.find('/') : slash));
}

std::string allowed_text(const Arrow& arrow) {
  std::string text;
  for (const std::string_view to : arrow.to) text += (text.empty() ? "" : ", ") + std::string(to);
  return text.empty() ? "nothing else of ours" : text;
}

}  // namespace

Findings check_includes(const File& file) {
  Findings findings;
  if (!is_source(file.path)) return findings;
  const Arrow* arrow = arrow_of(file.path);
  const std::string own_room = room_of(file.path) + "/";
  std::size_t number = 0;
  for (const std::string_view line : lines_of(file.text)) {
    ++number;
    const std::string_view target = included(line);
    if (target.empty()) continue;
    if (!starts_with_any(target, kOurs)) {
      findings.push_back(at(file.path, number) + "includes \"" + std::string(target) +
                         "\"; name our files from the repository's root, others in <>");
      continue;
    }
    if (arrow == nullptr || target.starts_with(own_room)) continue;
    if (!starts_with_any(target, arrow->to)) {
      findings.push_back(at(file.path, number) + "includes " + std::string(target) +
                         " against the arrows; " + std::string(arrow->from) + " may include " +
                         allowed_text(*arrow));
    }
  }
  return findings;
}

}  // namespace millrace::tidy
