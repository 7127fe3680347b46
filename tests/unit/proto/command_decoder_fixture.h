// A decoder and what it handed over, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/command_decoder.h"

namespace millrace::test {

// Keeps the commands as they were handed over: their views are read after decode() has returned,
// which the contract allows and which address sanitizer checks.
class Collector : public CommandSink {
 public:
  bool on_command(const Command& command, Bytes rest) override {
    commands.push_back(command);
    rests.emplace_back(rest);
    return commands.size() != stop_after;
  }

  std::vector<Command> commands;
  std::vector<std::string> rests;
  std::size_t stop_after = std::numeric_limits<std::size_t>::max();
};

class CommandDecoderFixture : public testing::Test {
 protected:
  JsonCommandDecoder::Outcome decode(std::string frame) {
    sink_.commands.clear();
    sink_.rests.clear();
    frame_ = std::move(frame);
    return decoder_.decode(frame_, sink_);
  }

  // The one command of a good frame.
  Command one(std::string frame) {
    EXPECT_EQ(decode(std::move(frame)), JsonCommandDecoder::Outcome::kDone)
        << frame_ << ": " << decoder_.bad_reason();
    EXPECT_EQ(sink_.commands.size(), 1U) << frame_;
    return sink_.commands.empty() ? Command{} : sink_.commands.front();
  }

  template <typename Body>
  Body body(std::string frame) {
    const Command command = one(std::move(frame));
    EXPECT_TRUE(std::holds_alternative<Body>(command.body)) << frame_;
    const Body* found = std::get_if<Body>(&command.body);
    return found == nullptr ? Body{} : *found;
  }

  void expect_bad(const std::string& frame) {
    EXPECT_EQ(decode(frame), JsonCommandDecoder::Outcome::kBad) << frame;
    EXPECT_TRUE(sink_.commands.empty()) << frame;
    EXPECT_FALSE(decoder_.bad_reason().empty()) << frame;
  }

  JsonCommandDecoder decoder_;
  Collector sink_;
  std::string frame_;
};

}  // namespace millrace::test
