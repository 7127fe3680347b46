// Runs bytes through a RequestParser the way a connection does, in whatever pieces they come.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "net/http/request_parser.h"

namespace millrace {

// All that a parser said about a stream of bytes, for comparing two ways of cutting it.
struct ParserRun {
  std::vector<std::string> requests;  // each as one text with all its parts
  unsigned refused = 0;               // the status, or 0
  std::string reason;
  bool started = false;  // bytes of an unfinished request wait

  bool operator==(const ParserRun&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const ParserRun& run) {
  for (const std::string& request : run.requests) out << "[" << request << "] ";
  return out << run.refused << " " << run.reason << (run.started ? " (started)" : "");
}

inline std::string to_text(const HttpRequest& request) {
  std::string text;
  for (const Bytes part : {request.method, request.target, request.path, request.query}) {
    text.append(part).append("|");
  }
  text += std::to_string(request.version) + (request.keep_alive ? "|keep|" : "|close|");
  for (const HttpField& field : request.fields) {
    text.append(field.name).append("=").append(field.value).append("|");
  }
  return text.append(request.body);
}

// Each piece is a heap block of its own that dies behind its feed(), so that the address sanitizer
// sees a view that was kept.
inline ParserRun run_parser(const std::vector<std::string>& pieces, const HttpLimits& limits = {}) {
  RequestParser parser(limits);
  ParserRun run;
  for (const std::string& piece : pieces) {
    if (parser.state() == RequestParser::State::kRefused) break;
    {
      const std::vector<char> block(piece.begin(), piece.end());
      parser.feed(Bytes(block.data(), block.size()));
    }
    while (parser.state() == RequestParser::State::kComplete) {
      run.requests.push_back(to_text(parser.request()));
      parser.next();
    }
  }
  run.started = parser.started();
  if (parser.state() == RequestParser::State::kRefused) {
    run.refused = parser.refusal().status;
    run.reason = parser.refusal().reason;
  }
  return run;
}

// As run_parser() for the whole, having checked that no cut changes the outcome: in two pieces at
// every offset, and byte by byte.
inline ParserRun run_every_split(const std::string& raw, const HttpLimits& limits = {}) {
  const ParserRun whole = run_parser({raw}, limits);
  for (std::size_t at = 0; at <= raw.size(); ++at) {
    EXPECT_EQ(whole, run_parser({raw.substr(0, at), raw.substr(at)}, limits)) << "cut at " << at;
  }
  std::vector<std::string> bytes;
  for (const char c : raw) bytes.emplace_back(1, c);
  EXPECT_EQ(whole, run_parser(bytes, limits)) << "byte by byte";
  return whole;
}

}  // namespace millrace
