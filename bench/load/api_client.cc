#include "bench/load/api_client.h"

#include <utility>

#include "bench/load/handshake.h"
#include "core/mem/shared_bytes.h"

namespace millrace::load {
namespace {

constexpr std::size_t kMaxShown = 80;  // bytes of an error's text

// What the API answers to a publication that it took begins so; errors are 200 too.
constexpr Bytes kResult = R"({"result")";

std::string error_of(const HttpHead& head, Bytes body) {
  if (head.status == 200 && body.starts_with(kResult)) return {};
  std::string text = "HTTP status " + std::to_string(head.status) + ": ";
  for (const char c : body.substr(0, kMaxShown)) text += c >= ' ' && c <= '~' ? c : ' ';
  return text;
}

}  // namespace

void ApiClient::publish(std::uint32_t id, Bytes channel, Bytes data) {
  std::string body = R"({"channel":")";
  body.append(channel).append(R"(","data":)").append(data).append("}");
  asked_.push_back(id);
  connection_.send(SharedBytes::copy_of(post_request(host_, "/api/publish", key_, body)));
}

std::size_t ApiClient::on_bytes(Bytes bytes, Instant now) {
  std::string whole = std::exchange(rest_, {});
  whole.append(bytes);
  Bytes left = whole;
  while (!left.empty() && connection_.open() && take_answer(left, now)) continue;
  if (connection_.open()) rest_ = left;
  return bytes.size();
}

bool ApiClient::take_answer(Bytes& bytes, Instant now) {
  HttpHead head;
  const HeadOutcome outcome = read_head(bytes, head);
  if (outcome == HeadOutcome::kNotWhole) return false;
  if (outcome == HeadOutcome::kWrong || asked_.empty()) {
    connection_.terminate(now);
    return false;
  }
  if (bytes.size() - head.size < head.content_length) return false;
  const std::string error = error_of(head, bytes.substr(head.size, head.content_length));
  bytes.remove_prefix(head.size + head.content_length);
  const std::uint32_t id = asked_.front();
  asked_.pop_front();
  owner_.on_api_answer(id, error, now);
  if (!head.keep_alive) connection_.terminate(now);
  return true;
}

}  // namespace millrace::load
