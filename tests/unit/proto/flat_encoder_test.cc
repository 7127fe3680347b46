#include "proto/flat_encoder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "proto/millrace_generated.h"

namespace millrace {
namespace {

using flat::MessageBody;

std::string str(const flatbuffers::String* text) { return text == nullptr ? "" : text->str(); }
std::string str(const flatbuffers::Vector<std::uint8_t>* bytes) {
  if (bytes == nullptr) return "";
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

// What an encoder appended, through flatc's verifier and reader.
class FlatEncoderTest : public testing::Test {
 protected:
  const flat::ServerMessage& read(MessageBody type, std::uint32_t id) {
    EXPECT_EQ(out_.size() % 8, 0U);
    words_.assign(out_.size() / 8, 0);
    out_.copy(reinterpret_cast<char*>(words_.data()), out_.size());
    const auto* const start = reinterpret_cast<const std::uint8_t*>(words_.data());
    flatbuffers::Verifier verifier(start, out_.size());
    const bool good =
        verifier.VerifySizePrefixedBuffer<flat::ServerMessage>(flat::CommandIdentifier());
    EXPECT_TRUE(good);
    if (!good) std::abort();
    out_.clear();
    const auto* const message = flatbuffers::GetSizePrefixedRoot<flat::ServerMessage>(start);
    EXPECT_EQ(message->body_type(), type);
    EXPECT_EQ(message->id(), id);
    EXPECT_NE(message->body(), nullptr);
    return *message;
  }

  const FlatEncoder encoder_;
  const ClientInfo ann_{
      .user = "ann", .client = "uuid", .conn_info = "{\"a\":1}", .chan_info = "[]"};
  std::string out_;
  std::vector<std::uint64_t> words_;
};

TEST_F(FlatEncoderTest, FramesAreBinaryWithNothingBetween) {
  EXPECT_TRUE(encoder_.binary());
  EXPECT_TRUE(encoder_.separator().empty());
}

TEST_F(FlatEncoderTest, Connect) {
  const std::vector<PublicationOut> missed{{.data = "one", .offset = 8}, {.data = "two"}};
  const std::vector<ServerSubscription> subs{
      {"a", {.recoverable = true, .epoch = "e", .offset = 9, .publications = missed}}, {"b", {}}};
  encoder_.connect(out_, 1,
                   {.client = "uuid",
                    .version = "0.1",
                    .expires = true,
                    .ttl = 60,
                    .ping_seconds = 25,
                    .pong = true,
                    .data = Bytes("\0\xff", 2),
                    .subs = subs,
                    .session = "s",
                    .node = "n"});
  const auto& got = *read(MessageBody::ConnectResult, 1).body_as_ConnectResult();
  EXPECT_EQ(str(got.client()), "uuid");
  EXPECT_EQ(str(got.version()), "0.1");
  EXPECT_TRUE(got.expires());
  EXPECT_EQ(got.ttl(), 60U);
  EXPECT_EQ(got.ping(), 25U);
  EXPECT_TRUE(got.pong());
  EXPECT_EQ(str(got.data()), std::string("\0\xff", 2));
  EXPECT_EQ(str(got.session()), "s");
  EXPECT_EQ(str(got.node()), "n");
  ASSERT_EQ(got.subs()->size(), 2U);
  EXPECT_EQ(str(got.subs()->Get(0)->channel()), "a");
  const auto& first = *got.subs()->Get(0)->result();
  EXPECT_TRUE(first.recoverable());
  EXPECT_EQ(str(first.epoch()), "e");
  EXPECT_EQ(first.offset(), 9U);
  ASSERT_EQ(first.publications()->size(), 2U);
  EXPECT_EQ(str(first.publications()->Get(0)->data()), "one");
  EXPECT_EQ(first.publications()->Get(0)->offset(), 8U);
  EXPECT_EQ(str(first.publications()->Get(1)->data()), "two");
  EXPECT_EQ(str(got.subs()->Get(1)->channel()), "b");
  EXPECT_EQ(got.subs()->Get(1)->result()->publications(), nullptr);
}

TEST_F(FlatEncoderTest, Subscribe) {
  const std::vector<PublicationOut> missed{{.data = "one", .info = ann_, .offset = 1}};
  encoder_.subscribe(out_, 2,
                     {.expires = true,
                      .ttl = 5,
                      .recoverable = true,
                      .positioned = true,
                      .epoch = "abcdefgh",
                      .offset = ~std::uint64_t{0},
                      .publications = missed,
                      .was_recovering = true,
                      .recovered = true,
                      .delta = true,
                      .data = "data"});
  const auto& got = *read(MessageBody::SubscribeResult, 2).body_as_SubscribeResult();
  EXPECT_TRUE(got.expires());
  EXPECT_EQ(got.ttl(), 5U);
  EXPECT_TRUE(got.recoverable());
  EXPECT_TRUE(got.positioned());
  EXPECT_EQ(str(got.epoch()), "abcdefgh");
  EXPECT_EQ(got.offset(), ~std::uint64_t{0});
  EXPECT_TRUE(got.was_recovering());
  EXPECT_TRUE(got.recovered());
  EXPECT_TRUE(got.delta());
  EXPECT_EQ(str(got.data()), "data");
  ASSERT_EQ(got.publications()->size(), 1U);
  EXPECT_EQ(str(got.publications()->Get(0)->info()->user()), "ann");

  encoder_.subscribe(out_, 3, {});
  EXPECT_FALSE(read(MessageBody::SubscribeResult, 3).body_as_SubscribeResult()->recoverable());
}

TEST_F(FlatEncoderTest, RepliesWithoutFields) {
  encoder_.unsubscribe(out_, 3);
  read(MessageBody::UnsubscribeResult, 3);
  encoder_.publish(out_, 4'294'967'295U);
  read(MessageBody::PublishResult, 4'294'967'295U);
}

TEST_F(FlatEncoderTest, Presence) {
  const std::vector<ClientInfo> members{ann_, {.client = "other"}};
  encoder_.presence(out_, 5, members);
  const auto& got = *read(MessageBody::PresenceResult, 5).body_as_PresenceResult();
  ASSERT_EQ(got.members()->size(), 2U);
  EXPECT_EQ(str(got.members()->Get(0)->user()), "ann");
  EXPECT_EQ(str(got.members()->Get(0)->client()), "uuid");
  EXPECT_EQ(str(got.members()->Get(0)->conn_info()), "{\"a\":1}");
  EXPECT_EQ(str(got.members()->Get(0)->chan_info()), "[]");
  EXPECT_EQ(str(got.members()->Get(1)->client()), "other");
  encoder_.presence(out_, 5, {});
  EXPECT_EQ(read(MessageBody::PresenceResult, 5).body_as_PresenceResult()->members(), nullptr);

  encoder_.presence_stats(out_, 6, {.clients = 100'000, .users = 7});
  const auto& stats = *read(MessageBody::PresenceStatsResult, 6).body_as_PresenceStatsResult();
  EXPECT_EQ(stats.clients(), 100'000U);
  EXPECT_EQ(stats.users(), 7U);
}

TEST_F(FlatEncoderTest, History) {
  std::vector<PublicationOut> publications;
  for (std::uint64_t i = 0; i < 300; ++i) publications.push_back({.data = "x", .offset = i + 1});
  encoder_.history(out_, 7, {.publications = publications, .epoch = "e", .offset = 300});
  const auto& got = *read(MessageBody::HistoryResult, 7).body_as_HistoryResult();
  EXPECT_EQ(str(got.epoch()), "e");
  EXPECT_EQ(got.offset(), 300U);
  ASSERT_EQ(got.publications()->size(), 300U);
  for (flatbuffers::uoffset_t i = 0; i < 300; ++i) {
    EXPECT_EQ(got.publications()->Get(i)->offset(), i + 1U);
  }
}

TEST_F(FlatEncoderTest, RpcAndRefreshes) {
  encoder_.rpc(out_, 8, "answer");
  EXPECT_EQ(str(read(MessageBody::RpcResult, 8).body_as_RpcResult()->data()), "answer");
  encoder_.refresh(out_, 9, {.client = "uuid", .version = "1", .expires = true, .ttl = 3});
  const auto& refresh = *read(MessageBody::RefreshResult, 9).body_as_RefreshResult();
  EXPECT_EQ(str(refresh.client()), "uuid");
  EXPECT_EQ(str(refresh.version()), "1");
  EXPECT_TRUE(refresh.expires());
  EXPECT_EQ(refresh.ttl(), 3U);
  encoder_.sub_refresh(out_, 10, {.expires = true, .ttl = 4});
  EXPECT_EQ(read(MessageBody::SubRefreshResult, 10).body_as_SubRefreshResult()->ttl(), 4U);
}

TEST_F(FlatEncoderTest, Errors) {
  encoder_.error(out_, 11, ErrorCode::kTooManyRequests);
  const auto& got = *read(MessageBody::ErrorResult, 11).body_as_ErrorResult();
  EXPECT_EQ(got.code(), 111U);
  EXPECT_EQ(str(got.message()), error_text(ErrorCode::kTooManyRequests));
  EXPECT_TRUE(got.temporary());
  encoder_.error(out_, 11, ErrorCode::kBadRequest);
  EXPECT_FALSE(read(MessageBody::ErrorResult, 11).body_as_ErrorResult()->temporary());
  encoder_.application_error(out_, 12, {1'000, "no \xc3\xa9", true});
  const auto& own = *read(MessageBody::ErrorResult, 12).body_as_ErrorResult();
  EXPECT_EQ(own.code(), 1'000U);
  EXPECT_EQ(str(own.message()), "no \xc3\xa9");
  EXPECT_TRUE(own.temporary());
}

TEST_F(FlatEncoderTest, PublicationPushes) {
  const std::string data("\0\xff\n{", 4);
  encoder_.publication_push(out_, "news", {.data = data, .info = ann_, .offset = 5});
  const auto& got = *read(MessageBody::PublicationPush, 0).body_as_PublicationPush();
  EXPECT_EQ(str(got.channel()), "news");
  EXPECT_EQ(str(got.publication()->data()), data);
  EXPECT_EQ(got.publication()->offset(), 5U);
  EXPECT_EQ(str(got.publication()->info()->chan_info()), "[]");
  EXPECT_FALSE(got.publication()->delta());

  encoder_.publication_push(out_, "news", {.data = {}, .form = DataForm::kFull});
  const auto& full = *read(MessageBody::PublicationPush, 0).body_as_PublicationPush();
  EXPECT_EQ(full.publication()->data(), nullptr);
  EXPECT_EQ(full.publication()->info(), nullptr);
  EXPECT_FALSE(full.publication()->delta());
  encoder_.publication_push(out_, "news", {.data = "patch", .form = DataForm::kPatch});
  EXPECT_TRUE(
      read(MessageBody::PublicationPush, 0).body_as_PublicationPush()->publication()->delta());
}

// The room that is made first is enough for all, or a payload would be copied when it grows.
TEST_F(FlatEncoderTest, APublicationPushGrowsItsStringOnce) {
  const std::string name(255, 'n');
  const std::string data(100'000, 'x');
  const ClientInfo info{.user = name, .client = name, .conn_info = data, .chan_info = data};
  encoder_.publication_push(out_, name, {.data = data, .info = info, .offset = 1});
  const std::size_t fixed = out_.size() - 3 * name.size() - 3 * data.size();
  EXPECT_LE(fixed, 192U);
}

TEST_F(FlatEncoderTest, OtherPushes) {
  encoder_.join_push(out_, "room", ann_);
  const auto& join = *read(MessageBody::JoinPush, 0).body_as_JoinPush();
  EXPECT_EQ(str(join.channel()), "room");
  EXPECT_EQ(str(join.info()->user()), "ann");
  encoder_.leave_push(out_, "room", ann_);
  EXPECT_EQ(str(read(MessageBody::LeavePush, 0).body_as_LeavePush()->info()->client()), "uuid");
  encoder_.unsubscribe_push(out_, "room", UnsubscribeCode::kExpired);
  const auto& unsubscribe = *read(MessageBody::UnsubscribePush, 0).body_as_UnsubscribePush();
  EXPECT_EQ(str(unsubscribe.channel()), "room");
  EXPECT_EQ(unsubscribe.code(), 2501U);
  EXPECT_EQ(str(unsubscribe.reason()), unsubscribe_text(UnsubscribeCode::kExpired));
  encoder_.subscribe_push(
      out_, "room",
      {.recoverable = true, .positioned = true, .epoch = "e", .offset = 6, .data = "d"});
  const auto& subscribe = *read(MessageBody::SubscribePush, 0).body_as_SubscribePush();
  EXPECT_TRUE(subscribe.recoverable());
  EXPECT_TRUE(subscribe.positioned());
  EXPECT_EQ(str(subscribe.epoch()), "e");
  EXPECT_EQ(subscribe.offset(), 6U);
  EXPECT_EQ(str(subscribe.data()), "d");
  encoder_.message_push(out_, "m");
  EXPECT_EQ(str(read(MessageBody::MessagePush, 0).body_as_MessagePush()->data()), "m");
  encoder_.refresh_push(out_, true, 12);
  EXPECT_TRUE(read(MessageBody::RefreshPush, 0).body_as_RefreshPush()->expires());
  encoder_.ping(out_);
  read(MessageBody::Ping, 0);
}

TEST_F(FlatEncoderTest, MessagesStandOneBehindTheOther) {
  encoder_.ping(out_);
  const std::string ping = out_;
  encoder_.publish(out_, 3);
  encoder_.ping(out_);
  EXPECT_EQ(out_.substr(0, ping.size()), ping);
  EXPECT_EQ(out_.substr(out_.size() - ping.size()), ping);
  out_ = out_.substr(ping.size(), out_.size() - 2 * ping.size());
  read(MessageBody::PublishResult, 3);
}

}  // namespace
}  // namespace millrace
