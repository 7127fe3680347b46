#include "net/api/revoke_request.h"

#include <optional>
#include <utility>

#include "net/auth/claims_reader.h"
#include "net/auth/token_json.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr Bytes kForms =
    R"(the body is {"user":"..."}, {"token_id":"..."} or {"issued_before":SECONDS})";

// What a member is, if it is there. False if it is something else.
bool take_name(const JsonObject& body, Bytes name, std::optional<std::string>& to) {
  const auto value = body.find(name);
  if (!value) return true;
  to = json_string(*value);
  return to.has_value();
}

bool take_time(const JsonObject& body, Bytes name, std::optional<std::int64_t>& to) {
  const auto value = body.find(name);
  if (!value) return true;
  to = json_time(*value, Fraction::kRaise);
  return to.has_value();
}

}  // namespace

Result<Revocation> read_revoke_request(JsonValidator& validator, Bytes body, std::int64_t now) {
  constexpr std::size_t kMembers = 3;
  JsonObject object;
  if (!validator.valid(body) || !object.read(body, kMembers)) return Error{std::string(kForms)};
  std::optional<std::string> user;
  std::optional<std::string> token_id;
  if (!take_name(object, "user", user) || !take_name(object, "token_id", token_id)) {
    return Error{"user and token_id are texts"};
  }
  std::optional<std::int64_t> before;
  std::optional<std::int64_t> until;
  if (!take_time(object, "issued_before", before) || !take_time(object, "expire_at", until)) {
    return Error{"issued_before and expire_at are seconds since 1970, not milliseconds"};
  }
  const std::size_t known =
      (user ? 1U : 0U) + (token_id ? 1U : 0U) + (before ? 1U : 0U) + (until ? 1U : 0U);
  const bool whom = user.has_value() || token_id.has_value();
  if (known != object.size() || (!whom && !before) || (user && token_id) || (token_id && before) ||
      (!whom && until)) {
    return Error{std::string(kForms)};
  }
  // No token of a later time is accepted anyway, until that time has come.
  if (before && *before > now + kIssuedLeeway) return Error{"issued_before is in the future"};
  Revocation revocation;
  revocation.until = until.value_or(kLatestTokenTime);
  if (token_id) {
    revocation.what = Revocation::What::kToken;
    revocation.name = std::move(*token_id);
    return revocation;
  }
  // A token of this very second may have been made before the order.
  revocation.before = before.value_or(now + 1);
  revocation.what = user ? Revocation::What::kUser : Revocation::What::kEverything;
  if (user) revocation.name = std::move(*user);
  return revocation;
}

std::string revoke_request(const Revocation& revocation) {
  using What = Revocation::What;
  std::string body = "{";
  if (revocation.what != What::kEverything) {
    body.append(revocation.what == What::kUser ? R"("user":)" : R"("token_id":)");
    append_json_string(body, revocation.name);
    body.append(R"(,"expire_at":)").append(std::to_string(revocation.until));
  }
  if (revocation.what != What::kToken) {
    if (body.size() > 1) body.push_back(',');
    body.append(R"("issued_before":)").append(std::to_string(revocation.before));
  }
  return body + "}";
}

}  // namespace millrace
