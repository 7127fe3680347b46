#include "net/server/config_value.h"

#include <gtest/gtest.h>

#include "core/base/assert.h"
#include "net/server/config_key_text.h"
#include "net/server/duration_size.h"

namespace millrace {
namespace {

using Texts = std::vector<std::string>;

const ConfigKey& key(std::string_view section, std::string_view name) {
  const ConfigKey* found = find_key(section, name);
  CHECK(found != nullptr);
  return *found;
}

const Source kFromFile{SourceRank::kFile, "a.toml:7"};

// The error's text, or "" if the value was taken; with `after`, the value that is stored then.
std::string assign(const ConfigKey& which, const RawValue& raw, std::string* after = nullptr) {
  Config config;
  NamespaceConfig name_space;
  const Target target{.config = &config, .name_space = &name_space};
  const Result<void, Error> done = assign_value(which, raw, kFromFile, target);
  if (after != nullptr) *after = value_text(which, target);
  if (!done) {
    EXPECT_EQ(config, Config{}) << "a refused value leaves no trace";
    EXPECT_EQ(name_space, NamespaceConfig{});
  }
  return done ? "" : done.error().text;
}

// A number of the key as it stands in a file: bare, or with its smallest unit.
RawValue raw_number(const ConfigKey& which, std::int64_t number) {
  const bool span = which.kind == ValueKind::kDuration || which.kind == ValueKind::kWholeSeconds;
  if (which.kind == ValueKind::kSize) return std::to_string(number) + "B";
  if (span) return std::to_string(number) + "ms";
  return number;
}

bool is_ranged(const ConfigKey& key) {
  switch (key.kind) {
    case ValueKind::kCount:
    case ValueKind::kCountOrAuto:
    case ValueKind::kPowerOfTwo:
    case ValueKind::kSize:
    case ValueKind::kDuration:
    case ValueKind::kWholeSeconds:
      return true;
    case ValueKind::kBool:
    case ValueKind::kChoice:
    case ValueKind::kAddress:
    case ValueKind::kAddressList:
    case ValueKind::kOriginList:
    case ValueKind::kNetworkList:
    case ValueKind::kUrlList:
    case ValueKind::kSubjectPrefix:
    case ValueKind::kSecret:
    case ValueKind::kText:
    case ValueKind::kPath:
    case ValueKind::kPathList:
    case ValueKind::kFieldList:
    case ValueKind::kAudience:
    case ValueKind::kPattern:
      return false;
  }
  return false;
}

// What is stored for `number`, as text.
std::string stored_text(const ConfigKey& which, std::int64_t number) {
  if (which.kind == ValueKind::kSize) return size_text(number);
  if (std::holds_alternative<std::string>(raw_number(which, number))) {
    return duration_text(milliseconds(number));
  }
  return std::to_string(number);
}

TEST(ConfigValue, EveryRangeEndsWhereItSays) {
  int ranges = 0;
  for (const ConfigKey& which : config_keys()) {
    if (!is_ranged(which)) continue;
    ++ranges;
    SCOPED_TRACE(full_name(which));
    // The nearest neighbours of the ends that are values of this kind at all.
    std::int64_t step = which.kind == ValueKind::kWholeSeconds ? 1'000 : 1;
    const bool power = which.kind == ValueKind::kPowerOfTwo;
    const std::int64_t above_min = power ? which.min * 2 : which.min + step;
    const std::int64_t below_max = power ? which.max / 2 : which.max - step;
    const std::int64_t above_max = power ? which.max * 2 : which.max + step;
    for (const std::int64_t good : {which.min, above_min, below_max, which.max}) {
      std::string after;
      EXPECT_EQ(assign(which, raw_number(which, good), &after), "") << good;
      EXPECT_EQ(after, stored_text(which, good));
    }
    for (const std::int64_t bad : {which.min - step, above_max, std::int64_t{INT64_MAX}}) {
      const std::string text = assign(which, raw_number(which, bad));
      EXPECT_NE(text, "") << bad;
      EXPECT_NE(text.find(allowed_text(which)), std::string::npos) << text;
      EXPECT_NE(text.find(std::to_string(bad)), std::string::npos) << text;
    }
  }
  EXPECT_EQ(ranges, 56);
}

TEST(ConfigValue, EveryListEndsWhereItSays) {
  const auto items = [](std::int64_t count, const std::string& before, const std::string& after) {
    Texts texts;
    for (std::int64_t i = 1; i <= count; ++i) texts.push_back(before + std::to_string(i) + after);
    return texts;
  };
  const ConfigKey& listen = key("server", "listen");
  EXPECT_NE(assign(listen, Texts{}), "") << "there is nothing to serve";
  const ConfigKey& nats = key("broker", "nats");
  const ConfigKey& origins = key("server", "allowed_origins");
  EXPECT_EQ(assign(nats, Texts{}), "");
  EXPECT_EQ(assign(origins, Texts{}), "");
  EXPECT_EQ(listen.max, 16);
  for (const std::int64_t count : {1, 15, 16}) {
    EXPECT_EQ(assign(listen, items(count, "127.0.0.1:", "")), "");
    EXPECT_EQ(assign(nats, items(count, "nats://h", ":4222")), "");
  }
  EXPECT_NE(assign(listen, items(17, "127.0.0.1:", "")), "");
  EXPECT_NE(assign(nats, items(17, "nats://h", ":4222")), "");
  EXPECT_EQ(assign(origins, items(255, "http://h", "")), "");
  EXPECT_EQ(assign(origins, items(256, "http://h", "")), "");
  EXPECT_NE(assign(origins, items(257, "http://h", "")), "");
  const ConfigKey& proxies = key("server", "trusted_proxies");
  EXPECT_EQ(assign(proxies, Texts{}), "");
  EXPECT_EQ(assign(proxies, items(256, "fd00::", "")), "");
  EXPECT_NE(assign(proxies, items(257, "fd00::", "")), "");
}

TEST(ConfigValue, ProxiesAreNetworks) {
  const ConfigKey& proxies = key("server", "trusted_proxies");
  for (const char* good : {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "0.0.0.0/0"}) {
    EXPECT_EQ(assign(proxies, Texts{good}), "") << good;
  }
  for (const char* bad : {"", "10.0.0.1/8", "10.0.0.0/33", "proxy.example.org", "*", "[::1]"}) {
    const std::string text = assign(proxies, Texts{bad});
    EXPECT_NE(text.find("no bit set beyond BITS"), std::string::npos) << text;
  }
  EXPECT_NE(assign(proxies, Texts{"10.0.0.0/8", "10.0.0.0/8"}), "") << "twice";
}

TEST(ConfigValue, TheErrorSaysAll) {
  EXPECT_EQ(assign(key("server", "shards"), std::int64_t{-1}),
            "a.toml:7: server.shards is -1; allowed: a whole number from 0 to 1024; for example: "
            "shards = 4");
  EXPECT_EQ(assign(key("limits", "queue_size"), std::int64_t{65536}),
            "a.toml:7: limits.queue_size is 65536 (a number without a unit); allowed: a size from "
            "1KiB to 256MiB (units B, KiB, MiB, GiB); for example: queue_size = \"1MiB\"");
  EXPECT_EQ(assign(key("broker", "kind"), std::string("redis")),
            "a.toml:7: broker.kind is \"redis\"; allowed: memory or nats; for example: kind = "
            "\"nats\"");
  const auto by_variable = assign_value(key("server", "pin"), std::string("yes"),
                                        {SourceRank::kEnvironment, "MILLRACE_SERVER_PIN"}, {});
  EXPECT_NE(by_variable.error().text.find("for example: MILLRACE_SERVER_PIN=false"),
            std::string::npos);
  const auto by_flag =
      assign_value(key("server", "shards"), std::string("x"), {SourceRank::kFlag, "--shards"}, {});
  EXPECT_NE(by_flag.error().text.find("for example: --shards 4"), std::string::npos);
}

TEST(ConfigValue, RefusesEveryOtherType) {
  const std::vector<RawValue> all{true, std::int64_t{1}, std::string("\x01 no such value"),
                                  Texts{"\x01 no such value"}, OtherValue{"a date"}};
  for (const ConfigKey& which : config_keys()) {
    Config config;
    NamespaceConfig name_space;
    const auto slot = which.slot({.config = &config, .name_space = &name_space});
    for (const RawValue& raw : all) {
      const bool fits =
          (std::holds_alternative<bool>(raw) && std::holds_alternative<bool*>(slot)) ||
          (std::holds_alternative<std::int64_t>(raw) &&
           std::holds_alternative<std::uint32_t*>(slot));
      EXPECT_EQ(assign(which, raw).empty(), fits) << full_name(which) << " " << raw.index();
      EXPECT_EQ(assign(which, raw).find_first_of("\x01\n"), std::string::npos);
    }
  }
}

TEST(ConfigValue, KnowsPowersOfTwo) {
  const ConfigKey& buffers = key("limits", "recv_buffers");
  for (const std::int64_t good : {1, 2, 1024, 32'768}) EXPECT_EQ(assign(buffers, good), "");
  for (const std::int64_t bad : {0, 3, 1023, 1025, 32'767, -2}) EXPECT_NE(assign(buffers, bad), "");
  EXPECT_NE(assign(buffers, std::int64_t{INT64_MIN}), "");
}

TEST(ConfigValue, KnowsWholeSeconds) {
  const ConfigKey& ping = key("limits", "ping_interval");
  EXPECT_EQ(assign(ping, std::string("2000ms")), "");
  EXPECT_NE(assign(ping, std::string("1500ms")), "");
  EXPECT_EQ(assign(key("limits", "pong_timeout"), std::string("1500ms")), "");
}

TEST(ConfigValue, KnowsAuto) {
  std::string after;
  EXPECT_EQ(assign(key("server", "max_connections"), std::string("auto"), &after), "");
  EXPECT_EQ(after, "auto");
  EXPECT_NE(assign(key("server", "max_connections"), std::string("Auto")), "");
  EXPECT_NE(assign(key("server", "max_connections"), std::int64_t{0}), "");
  EXPECT_NE(assign(key("server", "shards"), std::string("auto")), "") << "a number that can be 0";
}

TEST(ConfigValue, UrlsOfNatsMayAskForTls) {
  EXPECT_EQ(assign(key("broker", "nats"), Texts{"tls://h:4222"}), "");
  EXPECT_NE(assign(key("broker", "nats"), Texts{"https://h:4222"}), "");
}

TEST(ConfigValue, TakesWordsForAnAudience) {
  const ConfigKey& publish = key("namespaces", "allow_publish");
  std::string after;
  EXPECT_EQ(assign(publish, Texts{}, &after), "");
  EXPECT_EQ(after, "");
  EXPECT_EQ(assign(publish, Texts{"anonymous", "client"}, &after), "");
  EXPECT_EQ(after, "client,anonymous");
  EXPECT_NE(assign(publish, Texts{"anonymous"}).find("alone it names nobody"), std::string::npos);
  EXPECT_NE(assign(publish, Texts{"client", "client"}).find("twice"), std::string::npos);
  EXPECT_NE(assign(publish, Texts{"clients"}), "");
  EXPECT_NE(assign(publish, std::string("client")).find("not a list"), std::string::npos);
  EXPECT_NE(assign(key("namespaces", "allow_subscribe"), Texts{"subscriber"}), "");
}

TEST(ConfigValue, ShowsNoKeyThatStandsWhereAPathShould) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
  for (const std::string& error :
       {assign(key("token", "jwks"), pem), assign(key("token", "public_keys"), Texts{"/a", pem})}) {
    EXPECT_NE(error.find("name that"), std::string::npos) << error;
    EXPECT_EQ(error.find("hunter2"), std::string::npos) << error;
  }
}

TEST(ConfigValue, RefusesTheSameTwice) {
  EXPECT_NE(assign(key("server", "listen"), Texts{"[::1]:80", "[0:0::1]:80"}).find("twice"),
            std::string::npos);
  EXPECT_NE(assign(key("broker", "nats"), Texts{"nats://a", "nats://a"}), "");
  EXPECT_NE(assign(key("server", "allowed_origins"), Texts{"*", "*"}), "");
}

TEST(ConfigValue, ChecksUrlsOriginsAndPrefixes) {
  for (const char* bad : {"", "h:4222", "http://h:4222", "nats://", "nats://h:0", "nats://h:65536",
                          "nats://h/x", "nats://h h"}) {
    EXPECT_NE(assign(key("broker", "nats"), Texts{bad}), "") << bad;
  }
  EXPECT_EQ(assign(key("broker", "nats"), Texts{"nats://h:4222", "nats://[::1]:4222"}), "");
  EXPECT_NE(assign(key("server", "allowed_origins"), Texts{"https://example.org/"}), "");
  for (const char* bad : {"a b", "a.", ".a", "a..b", "_a", "millrace", ">", "a\r\nb"}) {
    EXPECT_NE(assign(key("broker", "subject_prefix"), std::string(bad)), "") << bad;
  }
  EXPECT_EQ(assign(key("broker", "subject_prefix"), std::string("eu.staging-1")), "");
  EXPECT_EQ(assign(key("broker", "subject_prefix"), std::string()), "");
  EXPECT_EQ(assign(key("broker", "subject_prefix"), std::string(63, 'a')), "");
  EXPECT_EQ(assign(key("broker", "subject_prefix"), std::string(64, 'a')), "");
  EXPECT_NE(assign(key("broker", "subject_prefix"), std::string(65, 'a')), "");
  EXPECT_NE(assign(key("server", "admin"), std::string("localhost:1")).find("write 127.0.0.1"),
            std::string::npos);
}

TEST(ConfigValue, BoundsTheKeyOfTheApi) {
  const ConfigKey& secret = key("api", "key");
  for (const std::size_t good : {16, 17, 255, 256}) {
    EXPECT_EQ(assign(secret, std::string(good, 'k')), "") << good;
  }
  for (const std::size_t bad : {0, 1, 15, 257}) {
    EXPECT_NE(assign(secret, std::string(bad, 'k')), "") << bad;
  }
  EXPECT_NE(assign(secret, std::string("0123456789 abcdef")), "");
  EXPECT_NE(assign(secret, std::string("0123456789\nabcdef")), "");
  EXPECT_NE(assign(secret, std::string("0123456789\x7f") + "abcdef"), "");
}

TEST(ConfigValue, TellsNoSecret) {
  const ConfigKey& secret = key("api", "key");
  for (const RawValue& raw :
       std::vector<RawValue>{std::string("hunter2"), Texts{"hunter2"},
                             std::string("hunter2 ") + std::string(300, 'x')}) {
    const std::string text = assign(secret, raw);
    EXPECT_NE(text, "");
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
  EXPECT_EQ(assign(secret, std::int64_t{31415926}).find("31415926"), std::string::npos);
  const ConfigKey& nats = key("broker", "nats");
  for (const Texts& urls :
       {Texts{"nats://u:hunter2@h:bad"}, Texts{"tls://u:hunter2@h:0"}, Texts{"u:hunter2@h"},
        Texts{"nats://u:hunter2", "x@h"}, Texts{"nats://u:hunter2@h", "nats://u:hunter2@h"},
        Texts(17, "nats://u:hunter2@h")}) {
    const std::string text = assign(nats, urls);
    EXPECT_NE(text, "");
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  }
  const std::string not_list = assign(nats, std::string("nats://u:hunter2@h"));
  EXPECT_NE(not_list, "");
  EXPECT_EQ(not_list.find("hunter2"), std::string::npos);
}

TEST(ConfigValue, UnderstandsTexts) {
  EXPECT_EQ(raw_from_texts(key("server", "pin"), {"true"}), RawValue(true));
  EXPECT_EQ(raw_from_texts(key("server", "pin"), {"1"}), RawValue(true));
  EXPECT_EQ(raw_from_texts(key("server", "pin"), {"false"}), RawValue(false));
  EXPECT_EQ(raw_from_texts(key("server", "pin"), {"0"}), RawValue(false));
  EXPECT_EQ(raw_from_texts(key("server", "pin"), {"yes"}), RawValue(std::string("yes")));
  EXPECT_EQ(raw_from_texts(key("server", "shards"), {"4"}), RawValue(std::int64_t{4}));
  EXPECT_EQ(raw_from_texts(key("server", "shards"), {"-4"}), RawValue(std::int64_t{-4}));
  for (const char* odd : {"", "4x", " 4", "+4", "4.0", "99999999999999999999"}) {
    EXPECT_EQ(raw_from_texts(key("server", "shards"), {odd}), RawValue(std::string(odd)));
  }
  EXPECT_EQ(raw_from_texts(key("server", "listen"), {"a,b", "c"}), RawValue(Texts{"a", "b", "c"}));
  EXPECT_EQ(raw_from_texts(key("server", "listen"), {""}), RawValue(Texts{}));
  EXPECT_EQ(raw_from_texts(key("api", "key"), {"true"}), RawValue(std::string("true")));
}

}  // namespace
}  // namespace millrace
