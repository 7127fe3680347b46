// What the store has room for, what goes for want of it, and what each costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/hub/stream_store.h"
#include "tests/support/allocated_bytes.h"
#include "tests/unit/core/hub/stream_store_fixture.h"

namespace millrace {
namespace {

class StreamStoreOfFour : public StreamStoreTest {
 protected:
  StreamStoreOfFour() : StreamStoreTest({.publications = 4}) {}
};

TEST_F(StreamStoreOfFour, TheOldestOverAllChannelsGoesFirstAndIsCounted) {
  publish_many("a", 2, at(0));
  publish_many("b", 2, at(1));
  publish_many("c", 1, at(2));
  EXPECT_EQ(count_of(metrics_, HistoryEviction::kPublications), 1U);
  EXPECT_FALSE(since(0, at(2)).complete);
  EXPECT_TRUE(since(1, at(2)).complete);
  publish_many("b", 2, at(3));
  EXPECT_FALSE(since(1, at(3)).complete) << "never a hole that is not told";
  EXPECT_TRUE(since(2, at(3)).complete);
  EXPECT_EQ(count_of(metrics_, HistoryEviction::kPublications), 3U);
  EXPECT_EQ(metrics_.history_publications, 4U);
}

class StreamStoreOfFewBytes : public StreamStoreTest {
 protected:
  StreamStoreOfFewBytes() : StreamStoreTest({.bytes = 200}) {}
};

TEST_F(StreamStoreOfFewBytes, BytesAreBounded) {
  for (int i = 0; i < 5; ++i) publish("a", "0123456789");
  EXPECT_EQ(store_.bytes(), 200U);
  EXPECT_EQ(store_.publications(), 4U);
  EXPECT_EQ(count_of(metrics_, HistoryEviction::kBytes), 1U);
}

TEST_F(StreamStoreOfFewBytes, WhatIsLargerThanAllRoomHasAnOffsetAndIsNotKept) {
  publish("a", "x");
  EXPECT_EQ(publish("a", std::string(161, 'x')).offset, 2U);
  EXPECT_EQ(store_.publications(), 0U);
  EXPECT_FALSE(since(1).complete);
  EXPECT_EQ(publish("a", std::string(160, 'x')).offset, 3U);
  EXPECT_TRUE(since(2).complete);
}

class StreamStoreOfThreeStreams : public StreamStoreTest {
 protected:
  StreamStoreOfThreeStreams() : StreamStoreTest({.streams = 3}) {}
};

TEST_F(StreamStoreOfThreeStreams, TheLeastUsedWithoutPublicationsGoesFirst) {
  publish("a", "x", at(0));
  const Epoch b = epoch("b");
  const Epoch c = epoch("c");
  EXPECT_EQ(epoch("b"), b) << "used after c";
  publish("d", "x", at(0));
  EXPECT_EQ(store_.streams(), 3U);
  EXPECT_EQ(metrics_.history_streams_evicted_total, 1U);
  EXPECT_EQ(count_of(metrics_, HistoryEviction::kStreams), 0U);
  EXPECT_EQ(epoch("b"), b);
  EXPECT_NE(epoch("c"), c) << "another life, and b is gone for it";
}

TEST_F(StreamStoreOfThreeStreams, WithPublicationsInAllTheLeastUsedGoes) {
  const StreamPosition a = publish("a", "x", at(0));
  publish_many("b", 2, at(0));
  publish("c", "x", at(0));
  EXPECT_EQ(epoch("a"), a.epoch);
  publish("d", "x", at(0));
  EXPECT_EQ(count_of(metrics_, HistoryEviction::kStreams), 2U);
  EXPECT_EQ(epoch("a"), a.epoch);
}

// 001-4.
TEST_F(StreamStoreTest, AMillionChannelsComeAndGoAndLeaveNothing) {
  options_ = {.size = 3, .age = seconds(10), .meta_age = seconds(20)};
  const std::int64_t before = allocated_bytes();
  std::int64_t most = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string name = "ephemeral:" + std::to_string(i);
    store_.append(name, "hello", {}, options_, at(i));
    if (i % 10'000 == 0) {
      while (store_.sweep(at(i)) <= at(i)) {
      }
      most = std::max(most, allocated_bytes() - before);
    }
  }
  EXPECT_LT(store_.streams(), 40'000U) << "as many as come in meta_age, and those since a sweep";
  EXPECT_LT(most, 40'000 * 400);
  while (store_.sweep(at(2'000'000)) <= at(2'000'000)) {
  }
  EXPECT_EQ(store_.streams(), 0U);
  EXPECT_EQ(allocated_bytes(), before);
}

TEST_F(StreamStoreTest, AMillionChannelsAtOnceLeaveNothing) {
  const std::int64_t before = allocated_bytes();
  for (int i = 0; i < 1'000'000; ++i) {
    store_.read("ephemeral:" + std::to_string(i), {}, options_, at(0));
  }
  const std::int64_t each = (allocated_bytes() - before) / 1'000'000;
  EXPECT_LE(each, 180);
  while (store_.sweep(at(3'600'000)) <= at(3'600'000)) {
  }
  EXPECT_EQ(store_.streams(), 0U);
  EXPECT_EQ(allocated_bytes(), before);
  RecordProperty("bytes_per_stream", static_cast<int>(each));
}

TEST_F(StreamStoreTest, APublicationCostsItsBytesAndLittleMore) {
  options_.size = 100'000;
  publish("a", "x");
  const std::int64_t before = allocated_bytes();
  for (int i = 0; i < 65'535; ++i) publish("a", std::string(100, 'x'));
  const std::int64_t each = (allocated_bytes() - before) / 65'535;
  RecordProperty("bytes_per_publication_of_100", static_cast<int>(each));
  EXPECT_LE(each, 172);
}

}  // namespace
}  // namespace millrace
