// HTTP responses as bytes: status line, fields, body, with a right Content-Length and Connection.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"

namespace millrace {

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // further ones
};

// The standard phrase, "Unknown" for a status that we don't use.
Bytes status_phrase(unsigned status);

// The bytes on the wire. `keep_alive` false adds "Connection: close". 204 and 304 carry no body.
std::string serialize(const HttpResponse& response, bool keep_alive, bool head_only = false);

}  // namespace millrace
