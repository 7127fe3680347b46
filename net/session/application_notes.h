// What a shard's sessions keep of what they ask the application (application.h): questions that are
// out, answers that wait for their turn, and what the application said of a client. Few clients
// have any of it at a moment, so it does not stand in the session.
//
// Owner: the sessions of a shard share one. A note lives as long as there is something in it; the
// session sees to that. Limits: kMaxQuestions of a client's commands out at once, who has so many
// waits with all that follows; the server's own (refresh) are one a connection and one a
// subscription.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/uuid.h"
#include "core/hub/delivery_sink.h"
#include "net/session/application.h"

namespace millrace {

// A question that is out.
struct ApplicationAsked {
  std::uint64_t ticket = 0;
  ProxyMethod method = ProxyMethod::kRpc;
  std::string channel;  // empty: it is about none
  // The client's command as it came, which is handled with the answer; empty: the server asks.
  std::string command;
};

// An answer that can't be acted on yet.
struct ApplicationDecided {
  std::string command;
  ApplicationAnswer answer;
};

struct ApplicationNote {
  std::vector<ApplicationAsked> asked;
  std::deque<ApplicationDecided> decided;
  std::unique_ptr<ClientPlace> place;  // from the upgrade to the connect command
  Uuid client;                         // the id it will have; none if it was not told to anybody
  std::string meta;                    // raw JSON, as the application gave it
  Instant refresh = Instant::never();  // when to ask whether the connection may go on
  std::uint16_t code = 0;              // why it leaves; 0: by itself
  std::string reason;

  [[nodiscard]] bool says_nothing() const {
    return asked.empty() && decided.empty() && place == nullptr && meta.empty() &&
           refresh == Instant::never() && code == 0;
  }
};

class ApplicationNotes {
 public:
  static constexpr std::size_t kMaxQuestions = 16;

  // The client's; made if it has none.
  ApplicationNote& at(SubscriberId who);
  [[nodiscard]] ApplicationNote* find(SubscriberId who);
  [[nodiscard]] const ApplicationNote* find(SubscriberId who) const;
  void erase(SubscriberId who) { notes_.erase(who); }
  // If it says nothing any more.
  void tidy(SubscriberId who);
  [[nodiscard]] std::size_t size() const { return notes_.size(); }

 private:
  boost::unordered_flat_map<SubscriberId, std::unique_ptr<ApplicationNote>> notes_;
};

}  // namespace millrace
