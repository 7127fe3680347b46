#include "core/hub/hub_client.h"

#include "core/base/assert.h"

namespace millrace {

void HubClient::on_subscribed(Bytes, std::uint32_t, const SubscribeOutcome&) { CHECK(false); }
void HubClient::on_lost(Bytes, bool) { CHECK(false); }
void HubClient::on_held(const SharedBytes&) { CHECK(false); }
void HubClient::on_published(std::uint32_t, bool) { CHECK(false); }
void HubClient::on_history(std::uint32_t, const HistoryPage&) { CHECK(false); }
void HubClient::on_presence(std::uint32_t, const PresencePage&) { CHECK(false); }
void HubClient::on_presence_counts(std::uint32_t, const PresencePage&) { CHECK(false); }

ClientInfo HubClient::member(Bytes) {
  CHECK(false);
  return {};
}

}  // namespace millrace
