// Heads that a proxy and a server may read in two ways, and the status that refuses each.
#pragma once

#include <string>
#include <vector>

namespace millrace {

struct SmugglingCase {
  unsigned status;
  std::string head;  // what the case is about; the inner request is put behind it
};

// Fields behind "POST / HTTP/1.1" and a Host.
inline const std::vector<SmugglingCase> kFieldCases = {
    // Lengths that contradict, or that readers disagree on.
    {400, "Content-Length: 5\r\nContent-Length: 5\r\n"},
    {400, "Content-Length: 5\r\nContent-Length: 33\r\n"},
    {400, "Content-Length: 0\r\ncontent-length: 33\r\n"},
    {400, "Content-Length: 5, 5\r\n"},
    {400, "Content-Length: 5,33\r\n"},
    {400, "Content-Length: +5\r\n"},
    {400, "Content-Length: -5\r\n"},
    {400, "Content-Length: 0x5\r\n"},
    {400, "Content-Length: 5 5\r\n"},
    {400, "Content-Length: 5;\r\n"},
    {400, "Content-Length: '5'\r\n"},
    {400, "Content-Length:\r\n"},
    {400, "Content-Length: \xef\xbc\x95\r\n"},
    {413, "Content-Length: 18446744073709551621\r\n"},
    {413, "Content-Length: 99999999999\r\n"},
    // Fields whose name one reader repairs.
    {400, "Content-Length : 5\r\n"},
    {400, "Content-Length\t: 5\r\n"},
    {400, " Content-Length: 5\r\n"},
    {400, "\tContent-Length: 5\r\n"},
    {400, "Content Length: 5\r\n"},
    {400, "Content-Length 5\r\n"},
    {400, "Content-Length\x0b: 5\r\n"},
    {400, "Content-Length\x0c: 5\r\n"},
    {400,
     "\x0b"
     "Content-Length: 5\r\n"},
    {400, "Content-Length\x7f: 5\r\n"},
    {400, "Content-Length\xa0: 5\r\n"},
    {400, "\"Content-Length\": 5\r\n"},
    {400, "(x)Content-Length: 5\r\n"},
    {400, "Content-Length;x: 5\r\n"},
    {400, "Content-Length/: 5\r\n"},
    {400, "Content-Length=5\r\n"},
    {400, ": 5\r\n"},
    {400, "{}: 5\r\n"},
    {400, "@: 5\r\n"},
    // Transfer codings, well-formed and not.
    {501, "Transfer-Encoding: chunked\r\n"},
    {501, "transfer-encoding: CHUNKED\r\n"},
    {501, "Transfer-Encoding: identity\r\n"},
    {501, "Transfer-Encoding: xchunked\r\n"},
    {501, "Transfer-Encoding: chunked, identity\r\n"},
    {501, "Transfer-Encoding:\tchunked\r\n"},
    {501, "Transfer-Encoding: \"chunked\"\r\n"},
    {501, "Transfer-Encoding:\r\n"},
    {501, "Transfer-Encoding:\r\n chunked\r\n"},
    {501, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
    {501, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
    {501, "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"},
    {400, "Transfer-Encoding : chunked\r\n"},
    {400, " Transfer-Encoding: chunked\r\n"},
    {400, "Transfer-Encoding\x0b: chunked\r\n"},
    {400,
     "Transfer-Encoding: \x0b"
     "chunked\r\n"},
    {400, "X: y\nTransfer-Encoding: chunked\r\n"},
    {400, "X: y\rTransfer-Encoding: chunked\r\n"},
    // Folds.
    {400, "X: 1\r\n 2\r\n"},
    {400, "X: 1\r\n\t2\r\n"},
    {400, "X:\r\n 2\r\n"},
    {400, "X: 1\r\n \r\n"},
    {400, "X: 1\r\n Transfer-Encoding: chunked\r\n"},
    {400, "Content-Length: 5\r\n 0\r\n"},
    // Line ends.
    {400, "X: 1\n"},
    {400, "X: 1\r"},
    {400, "X: 1\r\r\n"},
    {400, "X: 1\n\n"},
    {400, "X: 1\r\n\n"},
    {400, "X: 1\n\r\n"},
    {400, "\n"},
    {400, "\r\r\n"},
    {400, "X: a\rb\r\n"},
    {400, "X: a\nb: c\r\n"},
    // Control bytes.
    {400, std::string("X: a\0b\r\n", 8)},
    {400, std::string("X\0: a\r\n", 7)},
    {400, "X: \x01\r\n"},
    {400, "X: \x08\r\n"},
    {400, "X: \x0b\r\n"},
    {400, "X: \x0c\r\n"},
    {400, "X: \x1b[2J\r\n"},
    {400, "X: \x1f\r\n"},
    {400, "X: \x7f\r\n"},
    // Hosts.
    {400, "Host: a\r\n"},
    {400, "host: b\r\n"},
    {400, "HOST:\r\n"},
    {400, "Host : b\r\n"},
    // Others.
    {400, "Connection: close, (\r\n"},
    {400, "Connection: \"\r\n"},
    {417, "Expect: 100-continue\r\n"},
    {417, "Expect: x\r\n"},
};

// Whole heads, up to where the inner request follows.
inline const std::vector<SmugglingCase> kHeadCases = {
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
    {400, "GET /\r\nHost: a\r\n\r\n"},
    {400, "GET /\r\n\r\n"},
    {400, "GET\r\n\r\n"},
    {400, "GET / \r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
    {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1x\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTPS/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / ICY\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/9.9\r\nHost: a\r\n\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {400, "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"},
    {400, "GET file:///etc HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET ../x HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "\n"},
    {400, "\r\n\r\n"},
    {400, "\r\r\n"},
    {400, "\r\n\n"},
    {400, " \r\n"},
    {400, ":\r\n\r\n"},
    {400, "\x16\x03\x01\x02"},
    {400, std::string("\0", 1)},
    {400, "\xff\xfe\r\n\r\n"},
};

inline std::vector<SmugglingCase> smuggling_cases() {
  std::vector<SmugglingCase> cases = kHeadCases;
  for (const SmugglingCase& one : kFieldCases) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    cases.push_back({one.status, start + one.head + "\r\n"});
    cases.push_back({one.status, start + one.head + "X-Behind: 1\r\n\r\n"});
  }
  return cases;
}

}  // namespace millrace
