#include "bench/load/recovery.h"

#include <gtest/gtest.h>

#include <string>

#include "bench/load/client_flat.h"
#include "bench/load/client_text.h"
#include "proto/flat_encoder.h"
#include "proto/json_encoder.h"

namespace millrace::load {
namespace {

// What our own encoders write is what is read, over both protocols.
std::string reply(const Encoder& encoder, const SubscribeResult& result) {
  std::string out;
  encoder.subscribe(out, 2, result);
  return out;
}

void expect_all(const SubscribeAnswer& answer) {
  EXPECT_EQ(answer.epoch, "abcdefgh");
  EXPECT_EQ(answer.offset, 9U);
  EXPECT_TRUE(answer.was_recovering);
  EXPECT_TRUE(answer.recovered);
  ASSERT_EQ(answer.publications.size(), 2U);
  EXPECT_EQ(answer.publications[0].offset, 8U);
  EXPECT_NE(answer.publications[0].data.find(R"({"seq":1})"), Bytes::npos);
  EXPECT_EQ(answer.publications[1].offset, 9U);
  EXPECT_NE(answer.publications[1].data.find(R"({"seq":2})"), Bytes::npos);
}

TEST(Recovery, AnAnswerWithWhatWasMissed) {
  std::vector<PublicationOut> publications(2);
  publications[0].data = R"({"seq":1})";
  publications[0].offset = 8;
  publications[1].data = R"({"seq":2})";
  publications[1].offset = 9;
  SubscribeResult result;
  result.recoverable = true;
  result.epoch = "abcdefgh";
  result.offset = 9;
  result.was_recovering = true;
  result.recovered = true;
  result.publications = publications;
  const std::string text = reply(JsonEncoder(), result);
  expect_all(read_subscribe_answer(text));
  const std::string bytes = reply(FlatEncoder(), result);
  Bytes frame = bytes;
  FlatMessages messages;
  ASSERT_TRUE(messages.take(frame).has_value());
  expect_all(messages.subscribe_answer());
}

TEST(Recovery, AnAnswerThatSaysNo) {
  SubscribeResult result;
  result.recoverable = true;
  result.epoch = "abcdefgh";
  result.was_recovering = true;
  const SubscribeAnswer answer = read_subscribe_answer(reply(JsonEncoder(), result));
  EXPECT_TRUE(answer.was_recovering);
  EXPECT_FALSE(answer.recovered);
  EXPECT_EQ(answer.offset, 0U);
  EXPECT_TRUE(answer.publications.empty());
  EXPECT_FALSE(read_subscribe_answer(R"({"id":2,"subscribe":{}})").was_recovering);
}

TEST(Recovery, APlaceIsAskedForFromThen) {
  StreamPlace place;
  EXPECT_TRUE(place.from().recoverable);
  EXPECT_TRUE(place.from().epoch.empty());
  place.set("abcdefgh", 4);
  place.advance(5);
  place.advance(0);  // a publication without an offset
  std::string text;
  append_subscribe(text, 2, "news", place.from());
  EXPECT_EQ(text, R"({"id":2,"subscribe":{"channel":"news","recoverable":true,"recover":true,)"
                  R"("epoch":"abcdefgh","offset":5}})");
  for (const std::size_t size : {StreamPlace::kMostEpoch, StreamPlace::kMostEpoch + 1}) {
    place.set(std::string(size, 'e'), 4);
    EXPECT_EQ(place.from().epoch.size(), size <= StreamPlace::kMostEpoch ? size : 0U);
  }
}

TEST(Recovery, APublicationHasItsOffset) {
  EXPECT_EQ(read_offset(R"(,"pub":{"data":{"seq":1},"offset":18446744073709551615}}})"),
            UINT64_MAX);
  EXPECT_EQ(read_offset(R"(,"pub":{"data":{"seq":1}}}})"), 0U);
}

}  // namespace
}  // namespace millrace::load
