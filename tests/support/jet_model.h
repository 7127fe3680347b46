// JetStream, as much of it as millrace uses: streams with republishing, in memory, without time of
// its own. It answers what nats-server 2.9 answers (measured), and can be told to lose, to lag and
// to be silent.
//
// Owner: a test or a simulator; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "net/nats/nats_message.h"

namespace millrace {

// Whether a subject is one of `pattern`, which may have * and a last >.
bool subject_matches(Bytes pattern, Bytes subject);

struct ModelMessage {
  std::string subject;
  std::string data;
  std::vector<std::pair<std::string, std::string>> headers;
  std::int64_t time = 0;  // seconds since 1970
};

struct ModelStream {
  std::string config;
  std::string created;
  std::vector<std::string> subjects;
  std::string source;  // of the republishing
  std::string destination;
  std::uint64_t per_subject = 0;
  std::uint64_t last = 0;
  std::map<std::uint64_t, ModelMessage> messages;
  std::map<std::string, std::uint64_t> ids;  // of messages, to their sequence

  [[nodiscard]] std::uint64_t first() const {
    return messages.empty() ? (last == 0 ? 0 : last + 1) : messages.begin()->first;
  }
  [[nodiscard]] std::vector<std::uint64_t> of(Bytes subject) const;
};

class JetModel {
 public:
  using Deliver = std::function<void(const NatsPost&)>;

  // `republish` gets what streams send out.
  explicit JetModel(Deliver republish) : republish_(std::move(republish)) {}

  // What a client publishes. The answer, if it has a reply subject and somebody answers; a status
  // 503 without data where nobody listens.
  std::optional<NatsPost> handle(const NatsPost& post);

  // Stored, and republished if `loud`.
  std::uint64_t store(ModelStream& stream, const NatsPost& post, bool loud = true);
  ModelStream& stream(const std::string& name) { return streams_.at(name); }
  [[nodiscard]] bool has(const std::string& name) const { return streams_.contains(name); }
  void erase(const std::string& name) { streams_.erase(name); }
  // The oldest messages go, as max_bytes or max_age let them.
  static void evict(ModelStream& stream, std::uint64_t below);

  bool silent = false;                 // no answers from JetStream
  bool elects = false;                 // publications find nobody
  std::uint64_t lag = UINT64_MAX;      // replicas know nothing behind it
  std::uint64_t deposed = UINT64_MAX;  // who still answers as the leader knows nothing behind it
  std::int64_t time = 1'700'000'000;
  std::map<std::string, std::uint64_t> asked;  // by kind: "INFO", "DIRECT", ...
  bool acks = true;                            // false: stored, and the acknowledgement is lost

 private:
  std::string api(Bytes kind, const std::string& name, Bytes body);
  std::string create(const std::string& name, Bytes body);
  std::string update(const std::string& name, Bytes body);
  std::string info(const std::string& name, Bytes body);
  std::string get(const std::string& name, Bytes body);
  std::string purge(const std::string& name, Bytes body);
  NatsPost direct(const std::string& name, Bytes body);
  std::optional<NatsPost> publish(const NatsPost& post);
  void configure(ModelStream& stream, Bytes body);

  Deliver republish_;
  std::map<std::string, ModelStream> streams_;
  std::uint64_t lives_ = 0;
};

}  // namespace millrace
