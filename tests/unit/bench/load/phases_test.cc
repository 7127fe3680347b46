#include "bench/load/phases.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

TEST(Phases, AreReadAndWrittenAlike) {
  const char* const text = "open,hold=5m,load=10s,broadcast=3,expect=100,cut,pause,drain=90s,close";
  const auto phases = parse_phases(text);
  ASSERT_TRUE(phases.ok());
  ASSERT_EQ(phases->size(), 9U);
  std::string again;
  for (const Phase& phase : *phases) again += (again.empty() ? "" : ",") + phase_text(phase);
  EXPECT_EQ(again, text);
  EXPECT_EQ((*phases)[1].duration, seconds(300));
  EXPECT_EQ((*phases)[3].count, 3U);
}

TEST(Phases, SomeHaveADefault) {
  const auto phases = parse_phases("open,broadcast,drain");
  ASSERT_TRUE(phases.ok());
  EXPECT_EQ((*phases)[1].count, 1U);
  EXPECT_EQ((*phases)[2].duration, seconds(60));
}

TEST(Phases, WhatIsWrongIsRefused) {
  for (const char* text :
       {"", "hold=5m", "open,open", "open,", "open,hold", "open,hold=", "open,hold=5",
        "open,close=1", "open=1", "open,broadcast=0", "open,broadcast=x", "open,expect",
        "open,sleep=5s", "open,close,hold=1s", "open,drain=", "open, close"}) {
    EXPECT_FALSE(parse_phases(text).ok()) << text;
  }
}

}  // namespace
}  // namespace millrace::load
