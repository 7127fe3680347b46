// The members of one object of a call (api_request.h), taken by name and type. The first that is
// not as it must be is kept as the fault; what is taken after it is of no use.
//
// `null` is the same as not there. Owner: a function that reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "net/api/api_request.h"

namespace millrace {

class ApiMembers {
 public:
  // REQUIRES: JsonValidator has accepted `object`, which must stay where it is.
  explicit ApiMembers(Bytes object);

  [[nodiscard]] bool ok() const { return !fault_; }
  // REQUIRES: !ok().
  [[nodiscard]] const ApiFault& fault() const { return *fault_; }
  // The first one stays.
  void malformed(std::string text);
  void refuse(ErrorCode code, std::string text);

  [[nodiscard]] std::optional<Bytes> find(Bytes name) const;
  // The same, but `null` is a value.
  [[nodiscard]] std::optional<Bytes> raw(Bytes name) const { return object_.find(name); }
  // Of at most `most` bytes; empty if it is not there.
  std::string text(Bytes name, std::size_t most);
  // The same; and it must be there.
  std::string needed_text(Bytes name, std::size_t most);
  std::string channel(Bytes name);
  std::vector<std::string> texts(Bytes name, std::size_t most_texts, std::size_t most);
  bool flag(Bytes name);
  std::uint64_t number(Bytes name);
  // May be negative.
  std::int64_t whole(Bytes name);
  std::int64_t time(Bytes name);
  // Raw JSON in one line, of `name` or, winning, `b64name`; empty if neither is there.
  std::string info(Bytes name, std::size_t most);

 private:
  std::string text_of(Bytes name, Bytes value, std::size_t most);
  std::string decoded(Bytes name, Bytes value);

  JsonObject object_;
  std::optional<ApiFault> fault_;
};

}  // namespace millrace
