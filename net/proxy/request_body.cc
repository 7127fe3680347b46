#include "net/proxy/request_body.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "net/auth/base64url.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

class Body {
 public:
  Body() { out_.push_back('{'); }

  void text(Bytes name, Bytes value) {
    member(name);
    append_text(value);
  }
  void text_if_any(Bytes name, Bytes value) {
    if (!value.empty()) text(name, value);
  }
  void json_if_any(Bytes name, Bytes value) {
    if (value.empty()) return;
    member(name);
    append_json_value(out_, value);
  }
  void data(const ApplicationQuestion& question) {
    if (question.data_is_json) return json_if_any("data", question.data);
    if (!question.data.empty()) text("b64data", encode_base64(question.data));
  }
  void number(Bytes name, std::uint32_t value) {
    member(name);
    out_ += std::to_string(value);
  }
  void place(const ClientPlace& place) {
    text_if_any("address", place.address);
    text_if_any("path", place.path);
    if (place.headers.empty()) return;
    member("headers");
    char before = '{';
    for (const auto& [name, value] : place.headers) {
      out_.push_back(before);
      before = ',';
      append_text(name);
      out_.push_back(':');
      append_text(value);
    }
    out_.push_back('}');
  }
  std::string finish() {
    out_.push_back('}');
    return std::move(out_);
  }

 private:
  void member(Bytes name) {
    if (out_.size() > 1) out_.push_back(',');
    out_.append("\"").append(name).append("\":");
  }
  void append_text(Bytes value) {
    if (utf8_valid(value)) return append_json_string(out_, value);
    std::string ascii(value);
    std::replace_if(
        ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; },
        '?');
    append_json_string(out_, ascii);
  }

  std::string out_;
};

bool header_may_carry(Bytes user) {
  constexpr Bytes kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.@=+";
  return !user.empty() && user.find_first_not_of(kAlphabet) == Bytes::npos;
}

}  // namespace

std::string proxy_request_body(const ApplicationQuestion& question, Bytes node) {
  const Bytes format = question.flat ? "flatbuffers" : "json";
  Body body;
  body.text("client", question.client);
  body.text("transport", "websocket");
  body.text("protocol", format);
  body.text("encoding", question.flat ? "binary" : "json");
  body.text_if_any("node", node);
  if (question.method != ProxyMethod::kConnect) body.text("user", question.user);
  body.text_if_any("channel", question.channel);
  if (question.method == ProxyMethod::kRpc) body.text("method", question.rpc_method);
  body.text_if_any("token", question.token);
  body.text_if_any("name", question.name);
  body.text_if_any("version", question.version);
  body.data(question);
  if (question.place != nullptr) body.place(*question.place);
  body.json_if_any("meta", question.meta);
  if (question.method == ProxyMethod::kDisconnect) {
    body.number("code", question.code);
    body.text("reason", question.reason);
  }
  return body.finish();
}

std::vector<std::pair<std::string, std::string>> proxy_request_headers(
    const ApplicationQuestion& question) {
  std::vector<std::pair<std::string, std::string>> headers{
      {"Millrace-Method", proxy_method_name(question.method)},
      {"Millrace-Client", std::string(question.client)}};
  if (header_may_carry(question.user)) {
    headers.emplace_back("Millrace-User", std::string(question.user));
  }
  return headers;
}

std::string proxy_subject_rest(ProxyMethod method) {
  return std::string("proxy.") + proxy_method_name(method);
}

}  // namespace millrace
