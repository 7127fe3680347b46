#include "core/hub/stream_window.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

TEST(StreamWindow, IsAQueueWithPlaces) {
  std::mt19937 random(3);
  StreamWindow window;
  std::deque<std::string> model;
  for (int step = 0; step < 20'000; ++step) {
    const bool grows = (step / 500) % 2 == 0;
    if (model.empty() || random() % 8 < (grows ? 6 : 2)) {
      model.push_back("data" + std::to_string(step));
      window.push(make_stored_publication(model.back(), {}, {}));
    } else {
      EXPECT_EQ(window.pop()->data(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(window.size(), model.size());
    if (model.empty()) continue;
    const std::size_t i = random() % model.size();
    ASSERT_EQ(window.at(static_cast<std::uint32_t>(i)).data(), model[i]);
  }
}

TEST(StreamWindow, AnEmptyOneOwnsNothing) {
  const std::int64_t before = allocated_bytes();
  StreamWindow window;
  for (int i = 0; i < 100; ++i) window.push(make_stored_publication("x", {}, {}));
  while (!window.empty()) static_cast<void>(window.pop());
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(StoredPublication, HoldsWhatItWasGiven) {
  const ClientInfo info{"user", "client", "{}", "[]"};
  const auto stored = make_stored_publication("data", info, Instant{5});
  EXPECT_EQ(stored->data(), "data");
  EXPECT_EQ(stored->info(), info);
  EXPECT_EQ(stored->at, Instant{5});
  EXPECT_EQ(stored->bytes(), 40 + 4 + pack_client_info(info).size());
  EXPECT_TRUE(make_stored_publication("", {}, {})->info().empty());
}

}  // namespace
}  // namespace millrace
