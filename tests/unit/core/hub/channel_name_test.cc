#include "core/hub/channel_name.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace millrace {
namespace {

using E = ChannelNameError;

TEST(ChannelName, Valid) {
  for (const Bytes name : {Bytes("news"),
                           Bytes("game:abc"),
                           Bytes("game:abc.def"),
                           Bytes("a:b:c"),
                           Bytes("a:b.c"),
                           Bytes("a::b"),
                           Bytes("a:b:"),
                           Bytes("a::"),
                           Bytes("default"),
                           Bytes("defaults:x"),
                           Bytes("millrace2"),
                           Bytes("Millrace"),
                           Bytes("millrac:e"),
                           Bytes("x:millrace"),
                           Bytes("x:_y"),
                           Bytes("x_"),
                           Bytes("a b"),
                           Bytes("a\r\nPUB x 0"),
                           Bytes("$SYS:x"),
                           Bytes("*"),
                           Bytes(">"),
                           Bytes("a:*"),
                           Bytes("a:>"),
                           Bytes("=41"),
                           Bytes("="),
                           Bytes("\0", 1),
                           Bytes("a:\0.\0", 5),
                           Bytes("caf\xc3\xa9"),
                           Bytes("\xf0\x9f\x8e\xa1:x"),
                           Bytes("#user"),
                           Bytes("-"),
                           Bytes("x:default")}) {
    EXPECT_EQ(check_channel_name(name), E::kOk) << name;
  }
}

TEST(ChannelName, Empty) { EXPECT_EQ(check_channel_name(""), E::kEmpty); }

TEST(ChannelName, EmptyTokens) {
  for (const Bytes name :
       {":", ":x", "x:", "::", ":.", "a:.c", "a:b..c", "a:b.", "a:.", "a:..", ":a.b"}) {
    EXPECT_EQ(check_channel_name(name), E::kEmptyToken) << name;
  }
}

TEST(ChannelName, DotBeforeTheBoundary) {
  for (const Bytes name : {"a.b", "a.b:c", ".", ".a", "a.", "a..b", ".:x", "a.:b", "_INBOX.x",
                           "millrace.api.publish", "$SYS.>"}) {
    EXPECT_EQ(check_channel_name(name), E::kDotBeforeBoundary) << name;
  }
}

TEST(ChannelName, Reserved) {
  for (const Bytes name : {"millrace", "millrace:x", "millrace:a.b", "_", "_x", "_INBOX", "_:x",
                           "_INBOX:x", "_x:y.z"}) {
    EXPECT_EQ(check_channel_name(name), E::kReserved) << name;
  }
}

// The namespace `default` is the names without a boundary, and no others.
TEST(ChannelName, DefaultNamespaceHasNoBoundary) {
  EXPECT_EQ(check_channel_name("default:x"), E::kReserved);
  EXPECT_EQ(check_channel_name("default"), E::kOk);
}

TEST(ChannelName, NotUtf8) {
  for (const Bytes name :
       {"\xff", "a\x80", "a:\xc0\xaf", "\xed\xa0\x80", "caf\xc3", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(check_channel_name(name), E::kNotUtf8) << name;
  }
}

TEST(ChannelName, LengthLimit) {
  EXPECT_EQ(check_channel_name(std::string(kMaxChannelName - 1, 'x')), E::kOk);
  EXPECT_EQ(check_channel_name(std::string(kMaxChannelName, 'x')), E::kOk);
  EXPECT_EQ(check_channel_name(std::string(kMaxChannelName + 1, 'x')), E::kTooLong);
  EXPECT_EQ(check_channel_name("x:" + std::string(kMaxChannelName - 2, 'x')), E::kOk);
  EXPECT_EQ(check_channel_name("x:" + std::string(kMaxChannelName - 1, 'x')), E::kTooLong);
  EXPECT_EQ(check_channel_name(std::string(1'000'000, '.')), E::kTooLong);
}

std::string with_tokens(std::size_t tokens) {
  std::string name = "ns:t";
  for (std::size_t i = 2; i < tokens; ++i) name += ".t";
  return name;
}

TEST(ChannelName, TokenLimit) {
  EXPECT_EQ(with_tokens(3), "ns:t.t");
  EXPECT_EQ(check_channel_name(with_tokens(kMaxChannelTokens - 1)), E::kOk);
  EXPECT_EQ(check_channel_name(with_tokens(kMaxChannelTokens)), E::kOk);
  EXPECT_EQ(check_channel_name(with_tokens(kMaxChannelTokens + 1)), E::kTooManyTokens);
  EXPECT_EQ(check_channel_name(with_tokens(kMaxChannelTokens + 1) + "."), E::kEmptyToken);
}

TEST(ChannelName, Namespace) {
  EXPECT_EQ(channel_namespace("game:abc"), "game");
  EXPECT_EQ(channel_namespace("game:abc:def.ghi"), "game");
  EXPECT_EQ(channel_namespace("news"), "default");
  EXPECT_EQ(channel_namespace("\r\n:x"), "\r\n");
}

TEST(ChannelName, EveryErrorHasATextOfItsOwn) {
  std::set<Bytes> texts;
  for (const E error : {E::kOk, E::kEmpty, E::kTooLong, E::kNotUtf8, E::kDotBeforeBoundary,
                        E::kEmptyToken, E::kReserved, E::kTooManyTokens}) {
    EXPECT_FALSE(channel_name_error_text(error).empty());
    EXPECT_TRUE(texts.insert(channel_name_error_text(error)).second);
  }
  const auto has = [](E error, std::size_t limit) {
    return channel_name_error_text(error).find(std::to_string(limit)) != Bytes::npos;
  };
  EXPECT_TRUE(has(E::kTooLong, kMaxChannelName));
  EXPECT_TRUE(has(E::kTooManyTokens, kMaxChannelTokens));
}

}  // namespace
}  // namespace millrace
