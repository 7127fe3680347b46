#include "net/http/response.h"

#include <algorithm>

#include "core/base/assert.h"
#include "net/http/head_check.h"

namespace millrace {

namespace {

// A line end in a field would let whoever chose its text write fields, or a response, of his own.
// What comes from a peer belongs into a body; in a field it is our mistake.
bool is_field_value(Bytes text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_field_name(Bytes text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// These follow from the response itself; a second one could only contradict it.
bool is_ours(Bytes name) {
  return equals_ignoring_case(name, "Content-Length") ||
         equals_ignoring_case(name, "Content-Type") || equals_ignoring_case(name, "Connection") ||
         equals_ignoring_case(name, "Transfer-Encoding");
}

void append_field(std::string& out, Bytes name, Bytes value) {
  CHECK(is_field_name(name));
  CHECK(is_field_value(value));
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Bytes status_phrase(unsigned status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string serialize(const HttpResponse& response, bool keep_alive, bool head_only) {
  // A 1xx is no final answer, and 101 has a form of its own: upgrade.cc.
  CHECK_GE(response.status, 200U);
  CHECK_LE(response.status, 599U);
  const bool bodiless = response.status == 204 || response.status == 304;

  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(status_phrase(response.status)).append("\r\n");
  bool offers_upgrade = false;
  for (const auto& [name, value] : response.fields) {
    CHECK(!is_ours(name));
    append_field(out, name, value);
    offers_upgrade = offers_upgrade || equals_ignoring_case(name, "Upgrade");
  }
  if (!bodiless) {
    if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
    append_field(out, "Content-Length", std::to_string(response.body.size()));
  }
  // RFC 9110 section 7.8: who sends Upgrade names it in Connection too.
  if (!keep_alive) {
    append_field(out, "Connection", offers_upgrade ? "close, Upgrade" : "close");
  } else if (offers_upgrade) {
    append_field(out, "Connection", "Upgrade");
  }
  out.append("\r\n");
  if (!bodiless && !head_only) out.append(response.body);
  return out;
}

}  // namespace millrace
