// Shards whose server API is called by hand, at the desk of any of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/api/api_desk.h"
#include "tests/support/session_world.h"

namespace millrace {

class ApiWorld : public SessionWorld, public ApiTaker {
 public:
  explicit ApiWorld(std::size_t shards = 2,
                    const ClientShardOptions& options = SessionWorld::options())
      : SessionWorld(options, shards) {}

  void on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant) override {
    if (answers_.size() <= token) answers_.resize(token + 1);
    CHECK(answers_[token].empty());
    answers_[token] = outcome.malformed ? "malformed: " + outcome.text : api_answer(outcome);
  }

  // Begins a call; its answer is answer(what this returns).
  std::uint64_t begin(ApiMethod method, const std::string& params, std::size_t shard = 0) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
    this->shard(shard).api().take(method, params, ApiScope::kCluster, *this, ++last_,
                                  clock().now());
    return last_;
  }
  // Empty while it is due.
  [[nodiscard]] std::string answer(std::uint64_t token) const {
    return token < answers_.size() ? answers_[token] : "";
  }
  std::string call(ApiMethod method, const std::string& params, std::size_t shard = 0) {
    const std::uint64_t token = begin(method, params, shard);
    turn();
    return answer(token);
  }
  // The code of its error; 0 for a result.
  unsigned code(ApiMethod method, const std::string& params, std::size_t shard = 0) {
    const std::string text = value_of(call(method, params, shard), "code");
    return text.empty() ? 0 : static_cast<unsigned>(std::stoul(text));
  }

 private:
  std::vector<std::string> answers_;
  std::uint64_t last_ = 0;
};

}  // namespace millrace
