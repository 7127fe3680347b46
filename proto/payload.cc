#include "proto/payload.h"

#include <algorithm>
#include <iterator>

#include "proto/json_text.h"

namespace millrace {

struct JsonPayloadChecker::State {
  JsonValidator validator;
  std::string joined;
};

JsonPayloadChecker::JsonPayloadChecker() : state_(std::make_unique<State>()) {}
JsonPayloadChecker::~JsonPayloadChecker() = default;

bool JsonPayloadChecker::check(Bytes payload, Bytes& out) {
  if (!state_->validator.valid(payload)) return false;
  out = payload;
  // JSON has no raw control characters inside strings, so each of these stands between tokens.
  const bool broken = payload.find('\n') != Bytes::npos || payload.find('\r') != Bytes::npos;
  if (!broken) return true;
  state_->joined.clear();
  state_->joined.reserve(payload.size());
  std::copy_if(payload.begin(), payload.end(), std::back_inserter(state_->joined),
               [](char c) { return c != '\r' && c != '\n'; });
  out = state_->joined;
  return true;
}

}  // namespace millrace
