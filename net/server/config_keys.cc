#include "net/server/config_keys.h"

#include "net/server/config_key_rows.h"

namespace millrace {
namespace {

Slot insecure_slot(Target target) { return &target.config->insecure; }
Slot join_slot(Target target) { return &target.config->join; }

constexpr ConfigKey kStartRows[] = {
    {.section = "",
     .name = "insecure",
     .kind = ValueKind::kBool,
     .slot = insecure_slot,
     .example = "true",
     .flag = "--insecure",
     .help = "Anyone may connect, without a token, and do everything; for a try on one's own "
             "machine."},
    {.section = "",
     .name = "join",
     .kind = ValueKind::kBool,
     .slot = join_slot,
     .example = "true",
     .flag = "--join",
     .help = "Share the ports of the clients with a running server, to take its place without a "
             "gap; needs an --admin of its own."},
};

std::vector<ConfigKey> all_rows() {
  std::vector<ConfigKey> all;
  for (const auto part :
       {server_keys, limit_keys, protocol_keys, proxy_keys, namespace_keys, start_keys}) {
    const std::span<const ConfigKey> rows = part();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

}  // namespace

std::span<const ConfigKey> start_keys() { return kStartRows; }

std::span<const ConfigKey> config_keys() {
  static const std::vector<ConfigKey> kAll = all_rows();
  return kAll;
}

const ConfigKey* find_key(std::string_view section, std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

const ConfigKey* find_flag(std::string_view flag) {
  if (flag.empty()) return nullptr;
  for (const ConfigKey& key : config_keys()) {
    if (key.flag == flag) return &key;
  }
  return nullptr;
}

}  // namespace millrace
