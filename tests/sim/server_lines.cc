#include "tests/sim/server_lines.h"

#include <algorithm>
#include <charconv>

namespace millrace::sim {

std::uint64_t number_behind(Bytes line, Bytes key) {
  const std::size_t at = line.find(key);
  std::uint64_t number = 0;
  if (at == Bytes::npos) return 0;
  const char* begin = line.data() + at + key.size();
  std::from_chars(begin, line.data() + line.size(), number);
  return number;
}

Bytes string_behind(Bytes line, Bytes key) {
  const std::size_t at = line.find(key);
  if (at == Bytes::npos) return {};
  const Bytes rest = line.substr(at + key.size());
  return rest.substr(0, rest.find('"'));
}

std::vector<ToldPublication> publications_of(Bytes line, std::string& around) {
  constexpr Bytes kBegin = R"("publications":[)";
  constexpr Bytes kData = R"({"data":)";
  std::vector<ToldPublication> found;
  const std::size_t begin = line.find(kBegin);
  const std::size_t end = begin == Bytes::npos ? begin : line.find(']', begin);
  if (end == Bytes::npos) {
    around = line;
    return found;
  }
  Bytes list = line.substr(begin + kBegin.size(), end - begin - kBegin.size());
  around = std::string(line.substr(0, begin)) + std::string(line.substr(end + 1));
  while (list.starts_with(kData)) {
    const Bytes one = list.substr(0, list.find(",{\"data\":"));
    const Bytes data = one.substr(kData.size());
    found.push_back({data.substr(0, data.find('}') + 1), number_behind(one, R"("offset":)")});
    list.remove_prefix(std::min(list.size(), one.size() + 1));
  }
  return found;
}

std::vector<std::string> clients_of(Bytes line) {
  constexpr Bytes kKey = R"("client":")";
  std::vector<std::string> found;
  for (std::size_t at = line.find(kKey); at != Bytes::npos; at = line.find(kKey, at + 1)) {
    found.emplace_back(string_behind(line.substr(at), kKey));
  }
  return found;
}

}  // namespace millrace::sim
