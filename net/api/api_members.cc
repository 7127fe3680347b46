#include "net/api/api_members.h"

#include <charconv>
#include <utility>

#include "core/hub/channel_name.h"
#include "net/auth/base64url.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

template <typename Number>
bool parse_number(Bytes text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

std::string quoted(Bytes name) { return "`" + std::string(name) + "`"; }

}  // namespace

ApiMembers::ApiMembers(Bytes object) {
  if (!object_.read(object, kMaxApiMembers)) {
    malformed("the body is not an object, has too many members, or one of them twice");
  }
}

void ApiMembers::malformed(std::string text) {
  if (!fault_) fault_ = ApiFault{true, ErrorCode::kBadRequest, std::move(text)};
}

void ApiMembers::refuse(ErrorCode code, std::string text) {
  if (!fault_) fault_ = ApiFault{false, code, std::move(text)};
}

std::optional<Bytes> ApiMembers::find(Bytes name) const {
  const auto value = object_.find(name);
  return value == "null" ? std::nullopt : value;
}

std::string ApiMembers::text_of(Bytes name, Bytes value, std::size_t most) {
  auto text = json_string(value);
  if (!text) {
    malformed(quoted(name) + " is not text");
    return {};
  }
  if (text->size() > most) {
    refuse(ErrorCode::kBadRequest,
           quoted(name) + " is longer than " + std::to_string(most) + " bytes");
    return {};
  }
  return *std::move(text);
}

std::string ApiMembers::text(Bytes name, std::size_t most) {
  const auto value = find(name);
  return value ? text_of(name, *value, most) : std::string();
}

std::string ApiMembers::needed_text(Bytes name, std::size_t most) {
  std::string taken = text(name, most);
  if (taken.empty()) refuse(ErrorCode::kBadRequest, quoted(name) + " is missing");
  return taken;
}

std::string ApiMembers::channel(Bytes name) {
  std::string taken = needed_text(name, kMaxChannelName);
  const ChannelNameError error = check_channel_name(taken);
  if (error != ChannelNameError::kOk) {
    refuse(ErrorCode::kBadRequest, std::string(channel_name_error_text(error)));
  }
  return taken;
}

std::vector<std::string> ApiMembers::texts(Bytes name, std::size_t most_texts, std::size_t most) {
  std::vector<std::string> taken;
  const auto value = find(name);
  if (!value) return taken;
  if (!value->starts_with('[')) {
    malformed(quoted(name) + " is not a list");
    return taken;
  }
  JsonElements list(*value);
  while (ok() && list.next()) {
    if (taken.size() == most_texts) {
      refuse(ErrorCode::kBadRequest,
             quoted(name) + " has more than " + std::to_string(most_texts) + " elements");
      break;
    }
    taken.push_back(text_of(name, list.value(), most));
  }
  return taken;
}

bool ApiMembers::flag(Bytes name) {
  const auto value = find(name);
  if (!value) return false;
  const auto taken = json_bool(*value);
  if (!taken) malformed(quoted(name) + " is neither true nor false");
  return taken.value_or(false);
}

std::uint64_t ApiMembers::number(Bytes name) {
  std::uint64_t taken = 0;
  const auto value = find(name);
  if (value && !parse_number(*value, taken)) malformed(quoted(name) + " is not a whole number");
  return taken;
}

std::int64_t ApiMembers::whole(Bytes name) {
  std::int64_t taken = 0;
  const auto value = find(name);
  if (value && !parse_number(*value, taken)) malformed(quoted(name) + " is not a whole number");
  return taken;
}

std::int64_t ApiMembers::time(Bytes name) {
  const auto value = find(name);
  if (!value) return 0;
  const auto taken = json_time(*value, Fraction::kCut);
  if (!taken) {
    malformed(quoted(name) + " is not seconds since 1970 (milliseconds are too many)");
  }
  return taken.value_or(0);
}

std::string ApiMembers::decoded(Bytes name, Bytes value) {
  std::string bytes;
  const auto text = json_string(value);
  if (!text || !decode_base64(*text, bytes)) malformed(quoted(name) + " is not base64");
  return ok() ? bytes : std::string();
}

std::string ApiMembers::info(Bytes name, std::size_t most) {
  std::string taken;
  if (const auto value = find(name)) append_json_value(taken, *value);
  const std::string encoded_name = "b64" + std::string(name);
  if (const auto value = find(encoded_name)) {
    const std::string json = decoded(encoded_name, *value);
    JsonValidator validator;
    if (!validator.valid(json)) {
      malformed(quoted(encoded_name) + " does not hold JSON");
      return {};
    }
    taken.clear();
    append_json_value(taken, json_trim(json));
  }
  if (taken.size() > most) {
    refuse(ErrorCode::kBadRequest,
           quoted(name) + " is longer than " + std::to_string(most) + " bytes");
  }
  return taken;
}

}  // namespace millrace
