#include "net/nats/subject.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <unordered_map>

#include "core/hub/channel_name.h"

namespace millrace {
namespace {

bool valid(Bytes channel) { return check_channel_name(channel) == ChannelNameError::kOk; }

// What nats-server takes as one literal subject, and no more: nothing that ends a protocol field.
void expect_harmless(Bytes subject) {
  ASSERT_FALSE(subject.empty());
  ASSERT_NE(subject.front(), '.');
  ASSERT_NE(subject.back(), '.');
  ASSERT_EQ(subject.find(".."), Bytes::npos) << subject;
  for (const char c : subject) {
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || Bytes("_.-=").find(c) != Bytes::npos;
    ASSERT_TRUE(harmless) << testing::PrintToString(std::string(subject));
  }
}

void expect_round_trip(Bytes prefix, Bytes channel) {
  const std::string subject = channel_to_subject(prefix, channel);
  expect_harmless(subject);
  ASSERT_EQ(subject_to_channel(prefix, subject), channel) << subject;
}

TEST(Subject, OfAChannel) {
  EXPECT_EQ(channel_to_subject("", "news"), "news");
  EXPECT_EQ(channel_to_subject("", "game:abc"), "game.abc");
  EXPECT_EQ(channel_to_subject("", "game:abc.def"), "game.abc.def");
  EXPECT_EQ(channel_to_subject("prod.eu", "game:abc"), "prod.eu.game.abc");
  EXPECT_EQ(channel_to_subject("", "a:b:c"), "a.b=3Ac");
  EXPECT_EQ(channel_to_subject("", "a::"), "a.=3A");
  EXPECT_EQ(channel_to_subject("", "a=b"), "a=3Db");
  EXPECT_EQ(channel_to_subject("", "=41"), "=3D41");
  EXPECT_EQ(channel_to_subject("", "a_b-c"), "a_b-c");
  EXPECT_EQ(channel_to_subject("", "caf\xc3\xa9"), "caf=C3=A9");
  EXPECT_EQ(channel_to_subject("", Bytes("\0", 1)), "=00");
  EXPECT_EQ(channel_to_subject("", "$SYS:x"), "=24SYS.x");
  EXPECT_EQ(channel_to_subject("", "a:*.>"), "a.=2A.=3E");
  EXPECT_EQ(channel_to_subject("", "x\r\nPUB y 0\r\n"), "x=0D=0APUB=20y=200=0D=0A");
}

TEST(Subject, HostileChannelsAreRefusedOrHarmless) {
  for (const Bytes channel : {Bytes("a\r\nb"),
                              Bytes("a\r\n"),
                              Bytes("\n"),
                              Bytes("a b"),
                              Bytes(" "),
                              Bytes("\t"),
                              Bytes("*"),
                              Bytes(">"),
                              Bytes("a:*"),
                              Bytes("a:>"),
                              Bytes("a:b.>"),
                              Bytes("a:b.*.c"),
                              Bytes("\0", 1),
                              Bytes("a:\0b", 4),
                              Bytes("_INBOX"),
                              Bytes("_INBOX.x"),
                              Bytes("_INBOX:x"),
                              Bytes("millrace"),
                              Bytes("millrace.api.publish"),
                              Bytes("millrace:api.publish"),
                              Bytes("$SYS"),
                              Bytes("$SYS.>"),
                              Bytes("$SYS:REQ.SERVER"),
                              Bytes("$JS:API"),
                              Bytes("."),
                              Bytes(".."),
                              Bytes("a.b"),
                              Bytes("a.b:c"),
                              Bytes(":x"),
                              Bytes("x:"),
                              Bytes("a:b.c"),
                              Bytes("a:.c"),
                              Bytes("a:b..c"),
                              Bytes("=41"),
                              Bytes("=3a"),
                              Bytes("="),
                              Bytes("a="),
                              Bytes("\x7f"),
                              Bytes("\xc2\x80"),
                              Bytes("\xe2\x80\xa8")}) {
    for (const Bytes prefix : {Bytes(""), Bytes("p"), Bytes("p.q")}) {
      if (valid(channel)) expect_round_trip(prefix, channel);
    }
  }
}

TEST(Subject, OtherSpellingsAreDropped) {
  for (const Bytes subject : {
           "=41",                   // an escape that nobody needed
           "=3a",        "=c3=a9",  // lower case
           "a.b=",       "a=",       "=",           "a=3",      "a=G0",
           "a=0G",       "=3D=",                // not whole
           "=2E",        "a.b=2Ec",             // a dot is a dot
           "a=3Ab",      "=3A",      "a=3A.b",  // the boundary is a dot
           "=5FINBOX.x", "=5F",                 // a reserved name in disguise
           "a:b",        "a b",      "a\r\nb",      "*",        ">",
           "a.*",        "a.>",      "caf\xc3\xa9", "",         ".",
           "..",         ".a",       "a.",          "a..b",     "a.b..c",
           "a.b.",       "_INBOX.x", "_x",          "millrace", "millrace.api.publish",
           "default.x",  "=FF",      "a.=C0=AF",  // not UTF-8
       }) {
    EXPECT_EQ(subject_to_channel("", subject), std::nullopt) << subject;
    EXPECT_EQ(subject_to_channel("p", "p." + std::string(subject)), std::nullopt) << subject;
  }
  EXPECT_EQ(subject_to_channel("", Bytes("a\0b", 3)), std::nullopt);
}

TEST(Subject, OtherPrefixesAreDropped) {
  EXPECT_EQ(subject_to_channel("p", "p.a"), "a");
  EXPECT_EQ(subject_to_channel("p", "p.a.b"), "a:b");
  for (const Bytes subject : {"a", "a.b", "q.a", "p", "p.", "pa", "pp.a", "p-a", "P.a", ".p.a"}) {
    EXPECT_EQ(subject_to_channel("p", subject), std::nullopt) << subject;
  }
  EXPECT_EQ(subject_to_channel("p.q", "p.a"), std::nullopt);
  EXPECT_EQ(subject_to_channel("p.q", "p.q.a"), "a");
}

TEST(Subject, LengthAndTokenLimits) {
  for (const char c : {'x', ' '}) {
    for (const std::size_t size : {kMaxChannelName - 1, kMaxChannelName, kMaxChannelName + 1}) {
      const std::string channel(size, c);
      std::string subject;
      for (std::size_t i = 0; i < size; ++i) subject += c == 'x' ? "x" : "=20";
      if (size <= kMaxChannelName) {
        EXPECT_EQ(channel_to_subject("p", channel), "p." + subject);
        EXPECT_EQ(subject_to_channel("p", "p." + subject), channel);
      } else {
        EXPECT_EQ(subject_to_channel("p", "p." + subject), std::nullopt);
      }
    }
  }
  std::string subject = "ns";
  for (std::size_t tokens = 2; tokens <= kMaxChannelTokens + 1; ++tokens) {
    subject += ".t";
    EXPECT_EQ(subject_to_channel("", subject).has_value(), tokens <= kMaxChannelTokens) << tokens;
  }
}

// Every text of at most six characters over what the mapping treats specially. A subject that
// belonged to two channels would be found here.
TEST(Subject, NoTwoChannelsShareASubject) {
  constexpr std::array<char, 8> kAlphabet = {'a', '.', ':', '=', '*', '>', ' ', '\r'};
  std::unordered_map<std::string, std::string> owner;
  std::size_t valid_names = 0;
  std::uint64_t texts = 1;
  for (std::size_t size = 1; size <= 6; ++size) {
    texts *= kAlphabet.size();
    for (std::uint64_t number = 0; number < texts; ++number) {
      std::string name;
      for (std::uint64_t i = 0, rest = number; i < size; ++i, rest /= kAlphabet.size()) {
        name.push_back(kAlphabet[rest % kAlphabet.size()]);
      }
      if (!valid(name)) continue;
      ++valid_names;
      const std::string subject = channel_to_subject("", name);
      const auto [at, is_new] = owner.emplace(subject, name);
      ASSERT_TRUE(is_new) << testing::PrintToString(name) << " and "
                          << testing::PrintToString(at->second) << " share " << subject;
      expect_harmless(subject);
      ASSERT_EQ(subject_to_channel("", subject), name);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(valid_names, 100'000U);
}

// The other way round: every short text over the subject's own alphabet is one channel's subject,
// or none's.
TEST(Subject, EverySubjectIsTheOneSpellingOrNone) {
  constexpr std::array<char, 9> kAlphabet = {'a', '.', '=', '4', '1', '3', 'A', '_', ':'};
  std::uint64_t texts = 1;
  std::size_t accepted = 0;
  for (std::size_t size = 1; size <= 6; ++size) {
    texts *= kAlphabet.size();
    for (std::uint64_t number = 0; number < texts; ++number) {
      std::string subject;
      for (std::uint64_t i = 0, rest = number; i < size; ++i, rest /= kAlphabet.size()) {
        subject.push_back(kAlphabet[rest % kAlphabet.size()]);
      }
      const auto channel = subject_to_channel("", subject);
      if (!channel) continue;
      ++accepted;
      ASSERT_TRUE(valid(*channel)) << subject;
      ASSERT_EQ(channel_to_subject("", *channel), subject);
    }
  }
  EXPECT_GT(accepted, 10'000U);
}

TEST(Subject, RandomChannelsOfAllBytesRoundTrip) {
  std::mt19937_64 random(5);
  int round_trips = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string name(1 + random() % 12, '\0');
    for (char& c : name) {
      // Half of the names ASCII, so that many are valid; the others of all bytes.
      c = static_cast<char>(random() % (i % 2 == 0 ? 128 : 256));
    }
    if (!valid(name)) continue;
    ++round_trips;
    expect_round_trip(i % 3 == 0 ? "p" : "", name);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(round_trips, 50'000);
}

// Each byte in each place that a token has: valid and whole again, or refused.
TEST(Subject, EveryByteEverywhere) {
  for (int value = 0; value < 128; ++value) {
    const std::string byte(1, static_cast<char>(value));
    for (const std::string& name : {byte, "a" + byte, byte + "a", "a:" + byte, "a:b" + byte,
                                    "a:" + byte + "b", byte + ":a", "a:b." + byte}) {
      if (valid(name)) {
        expect_round_trip("", name);
      } else {
        EXPECT_NE(Bytes(".:_").find(byte), Bytes::npos) << testing::PrintToString(name);
      }
    }
  }
}

TEST(Subject, PrefixValidity) {
  for (const Bytes prefix : {"", "p", "prod.eu", "a-b_c.D9", "x.millrace", "millrace2", "-"}) {
    EXPECT_TRUE(subject_prefix_valid(prefix)) << prefix;
  }
  for (const Bytes prefix : {".", "p.", ".p", "p..q", "_p", "p._q", "millrace", "millrace.x", "p q",
                             "p\r\n", "*", ">", "p.>", "p:q", "p=q", "$SYS", "caf\xc3\xa9"}) {
    EXPECT_FALSE(subject_prefix_valid(prefix)) << prefix;
  }
  EXPECT_FALSE(subject_prefix_valid(Bytes("\0", 1)));
  EXPECT_TRUE(subject_prefix_valid(std::string(63, 'p')));
  EXPECT_TRUE(subject_prefix_valid(std::string(64, 'p')));
  EXPECT_FALSE(subject_prefix_valid(std::string(65, 'p')));
}

// The matching rule of NATS: '*' is one token, '>' at the end is one or more.
bool matches(Bytes pattern, Bytes subject) {
  while (true) {
    if (pattern == ">") return !subject.empty();
    const std::size_t pattern_dot = pattern.find('.');
    const std::size_t subject_dot = subject.find('.');
    const Bytes token = pattern.substr(0, pattern_dot);
    if (token != "*" && token != subject.substr(0, subject_dot)) return false;
    if (pattern_dot == Bytes::npos || subject_dot == Bytes::npos) {
      return pattern_dot == subject_dot;
    }
    pattern.remove_prefix(pattern_dot + 1);
    subject.remove_prefix(subject_dot + 1);
  }
}

TEST(Subject, NamespaceWildcard) {
  EXPECT_EQ(namespace_wildcard("", "game"), "game.>");
  EXPECT_EQ(namespace_wildcard("p", "game"), "p.game.>");
  EXPECT_EQ(namespace_wildcard("p", "default"), "p.*");
  EXPECT_EQ(namespace_wildcard("", "default"), "*");
  EXPECT_EQ(namespace_wildcard("", "a b"), "a=20b.>");
  EXPECT_EQ(namespace_wildcard("", "*"), "=2A.>");
}

// A namespace's wildcard brings each of its channels and none of another's.
TEST(Subject, NamespaceWildcardCoversItsChannelsOnly) {
  const std::array<Bytes, 10> channels = {"news",    "default", "game", "game:a", "game:a.b",
                                          "game2:a", "*",       "*:a",  "a b:c",  "x:game.a"};
  for (const Bytes prefix : {"", "p"}) {
    for (const Bytes name_space : {"default", "game", "game2", "*", "a b", "x"}) {
      const std::string wildcard = namespace_wildcard(prefix, name_space);
      for (const Bytes channel : channels) {
        EXPECT_EQ(matches(wildcard, channel_to_subject(prefix, channel)),
                  channel_namespace(channel) == name_space)
            << wildcard << ' ' << channel;
      }
    }
  }
}

TEST(SubjectDeathTest, AnInvalidChannelHasNoSubject) {
  EXPECT_DEATH(channel_to_subject("", "a.b"), "CHECK failed");
  EXPECT_DEATH(channel_to_subject("", ""), "CHECK failed");
}

}  // namespace
}  // namespace millrace
