// What the application reads: the JSON body and the headers of a question (docs/APPLICATION.md).
// Pure.
//
// Whatever a client says is a JSON string in it, or JSON that has been checked, so nothing that it
// says can become another member. Text that is not UTF-8 has '?' for its odd bytes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/session/application.h"

namespace millrace {

// `node` is the name of who asks; empty: not told.
// REQUIRES: `data` is JSON if `data_is_json`; `meta` is JSON.
std::string proxy_request_body(const ApplicationQuestion& question, Bytes node);

// Values are of a fixed alphabet: a user whose id is not has no header, and is in the body only.
std::vector<std::pair<std::string, std::string>> proxy_request_headers(
    const ApplicationQuestion& question);

// Where it is sent to, behind "millrace.": "proxy.connect".
std::string proxy_subject_rest(ProxyMethod method);

}  // namespace millrace
