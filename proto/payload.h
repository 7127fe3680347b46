// The check of a payload where it enters, once.
//
// A `json` namespace takes JSON only. Line breaks between tokens are taken out, because the
// protocol's frames are lines, and one raw line break would make every SDK subscriber reconnect for
// ever. Nothing else is changed: the bytes are the application's.
#pragma once

#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

class JsonPayloadChecker {
 public:
  JsonPayloadChecker();
  ~JsonPayloadChecker();
  JsonPayloadChecker(const JsonPayloadChecker&) = delete;
  JsonPayloadChecker& operator=(const JsonPayloadChecker&) = delete;

  // True if `payload` is one JSON value in UTF-8. `out` is then the payload without CR and LF: a
  // view of `payload` itself when it has none, else of a buffer that the next call reuses.
  [[nodiscard]] bool check(Bytes payload, Bytes& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
