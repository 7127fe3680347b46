#include "net/server/namespace_check.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

NamespaceConfig with_history() {
  NamespaceConfig settings;
  settings.history_size = 100;
  settings.history_ttl = seconds(300);
  return settings;
}

// "" if nothing is wrong, else "KEY TEXT".
std::string fault(const NamespaceConfig& settings, BrokerKind broker = BrokerKind::kMemory) {
  const auto found = find_fault(settings, {broker, seconds(40)});
  return found ? std::string(found->key) + " " + found->text : "";
}

#define EXPECT_FAULT(settings, text) \
  EXPECT_NE(fault(settings).find(text), std::string::npos) << fault(settings)

TEST(NamespaceCheck, FindsNothingWrongWithWhatWorks) {
  EXPECT_EQ(fault({}), "");
  EXPECT_EQ(fault({}, BrokerKind::kNats), "");
  NamespaceConfig all = with_history();
  all.presence = all.join_leave = all.recover = all.position = all.delta = true;
  all.delivery = DeliveryMode::kRecoverable;
  all.allow_history = all.allow_presence = all.allow_publish = {.clients = true};
  EXPECT_EQ(fault(all), "");
  all.delta = false;
  all.payload = PayloadKind::kBinary;
  EXPECT_EQ(fault(all), "");
}

TEST(NamespaceCheck, WantsSizeAndAgeOfHistory) {
  NamespaceConfig size_only;
  size_only.history_size = 100;
  EXPECT_FAULT(size_only, "history_size is 100, but there is no history_ttl");
  NamespaceConfig age_only;
  age_only.history_ttl = seconds(300);
  EXPECT_FAULT(age_only, "history_ttl is 5m, but history_size is 0");
  NamespaceConfig short_meta = with_history();
  short_meta.history_meta_ttl = seconds(299);
  EXPECT_FAULT(short_meta, "history_meta_ttl is 299s and history_ttl 5m");
  short_meta.history_meta_ttl = seconds(300);
  EXPECT_EQ(fault(short_meta), "");
}

// A namespace's own settings may say nothing of positions: tokens and clients ask for them too.
TEST(NamespaceCheck, WantsAPositionToOutliveTwoChecks) {
  NamespaceConfig settings = with_history();
  settings.history_ttl = seconds(10);
  settings.history_meta_ttl = milliseconds(79'999);
  EXPECT_EQ(fault(settings),
            "history_meta_ttl is 79999ms and limits.position_check 40s, so the position of a quiet "
            "channel would be forgotten between two checks and its subscribers lose it; write "
            "history_meta_ttl = \"80s\" or more, or a shorter position_check");
  settings.history_meta_ttl = milliseconds(80'000);
  EXPECT_EQ(fault(settings), "");
  settings.history_meta_ttl = milliseconds(80'001);
  EXPECT_EQ(fault(settings), "");
  settings.history_meta_ttl = seconds(10);
  EXPECT_FALSE(find_fault(settings, {BrokerKind::kMemory, seconds(5)}));
  settings.history_size = 0;
  settings.history_ttl = {};
  EXPECT_EQ(fault(settings), "") << "nothing is kept";
}

TEST(NamespaceCheck, WantsHistoryForWhatIsMadeOfIt) {
  const auto with = [](auto change) {
    NamespaceConfig settings;
    change(settings);
    return settings;
  };
  EXPECT_FAULT(with([](auto& s) { s.recover = true; }), "recover is true, but");
  EXPECT_FAULT(with([](auto& s) { s.position = true; }), "position is true, but");
  EXPECT_FAULT(with([](auto& s) { s.delta = true; }), "delta is true, but");
  EXPECT_FAULT(with([](auto& s) { s.delivery = DeliveryMode::kRecoverable; }),
               "delivery is recoverable, but the namespace keeps no history; write history_size");
  EXPECT_FAULT(with([](auto& s) { s.allow_history.subscribers = true; }), "allow_history is not");
}

TEST(NamespaceCheck, WantsPresenceForWhoReadsIt) {
  NamespaceConfig settings;
  settings.allow_presence.clients = true;
  EXPECT_FAULT(settings, "allow_presence is not empty, but presence is false");
  settings.join_leave = true;
  EXPECT_FAULT(settings, "allow_presence");
  settings.presence = true;
  EXPECT_EQ(fault(settings), "");
}

TEST(NamespaceCheck, KeepsDeltaToJson) {
  NamespaceConfig settings = with_history();
  settings.delta = true;
  EXPECT_EQ(fault(settings), "");
  settings.payload = PayloadKind::kBinary;
  EXPECT_FAULT(settings, "delta is true, but payload is binary");
}

TEST(NamespaceCheck, SaysWhatNatsCanNotDo) {
  EXPECT_EQ(fault(with_history(), BrokerKind::kNats), "") << "JetStream keeps it";
  NamespaceConfig settings;
  settings.presence = true;
  settings.join_leave = true;
  EXPECT_EQ(fault(settings, BrokerKind::kNats), "") << "nodes tell each other";
}

TEST(NamespaceCheck, AsksNobodyWhereNothingIsAsked) {
  NamespaceConfig settings;
  NamespaceWorld world{BrokerKind::kNats, seconds(40)};
  const auto fault_in = [&] {
    const auto found = find_fault(settings, world);
    return found ? std::string(found->key) : "";
  };
  settings.proxy_subscribe = true;
  EXPECT_EQ(fault_in(), "proxy_subscribe");
  world.asks_subscribe = true;
  settings.proxy_publish = true;
  EXPECT_EQ(fault_in(), "proxy_publish");
  world.asks_publish = true;
  settings.proxy_sub_refresh = true;
  EXPECT_EQ(fault_in(), "proxy_sub_refresh");
  world.asks_sub_refresh = true;
  EXPECT_EQ(fault_in(), "");
}

TEST(NamespaceCheck, TheApplicationIsAskedOverNats) {
  Config config;
  EXPECT_EQ(proxy_fault(config), std::nullopt);
  config.proxy.send.on = true;
  EXPECT_NE(proxy_fault(config)->find("the broker is memory"), std::string::npos);
  config.broker.kind = BrokerKind::kNats;
  EXPECT_EQ(proxy_fault(config), std::nullopt);
}

}  // namespace
}  // namespace millrace
