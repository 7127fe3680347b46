// Asks the other nodes for their share of a call, and tells the desk what each answered.
//
//   desk -> millrace.node.<id>.api.<method>, a question each -> ApiDoor there -> answer -> desk
//
// Each has kNodePatience. One that nobody answers for is asked again while the directory knows it
// (it may just be coming), and is left out once it is gone: what it had is gone with it. One that
// gives signs of life and no answer is error 100. While this shard hears no others, or not long
// enough to know all (NodeDirectory::settled()), a call is carried out here and is error 100: it
// may not have reached everybody.
//
// Owner: the shard. Limits: the desk's calls times the directory's nodes; the port's questions.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/time/timer_wheel.h"
#include "net/api/api_desk.h"
#include "net/nats/nats_port.h"
#include "net/nodes/node_directory.h"

namespace millrace {

class ApiNodes final : public ApiPeers,
                       private NatsAsker,
                       private NodeWatcher,
                       private TimerHandler {
 public:
  static constexpr Duration kNodePatience = seconds(2);
  // Until who had nobody to answer is asked again.
  static constexpr Duration kAgain = milliseconds(250);
  // Of a node that is alive, the last sign is not older.
  static constexpr Duration kFreshSign = NodeDirectory::kBeatInterval * 2;

  // All must outlive it.
  ApiNodes(NatsPort& port, NodeDirectory& directory, TimerWheel& timers, ApiDesk& desk);
  ~ApiNodes();
  ApiNodes(const ApiNodes&) = delete;
  ApiNodes& operator=(const ApiNodes&) = delete;

  Asked ask(std::uint64_t call, ApiMethod method, Bytes params, Instant now) override;
  [[nodiscard]] std::size_t questions() const { return questions_.size(); }

 private:
  struct Question {
    std::uint64_t call = 0;
    ApiMethod method = ApiMethod::kInfo;
    NodeId node;
    std::string params;
    NatsQuestionId out = 0;  // 0: nobody is asked right now
    Instant until{};         // when it is given up
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_node_gone(const NodeId& node, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;
  // False if the port takes no question.
  [[nodiscard]] bool send(std::uint64_t token, Question& question, Instant now);
  void end(std::uint64_t token, NodeAnswer answer, Instant now);

  NatsPort& port_;
  NodeDirectory& directory_;
  TimerWheel& timers_;
  ApiDesk& desk_;
  JsonValidator validator_;
  boost::unordered_flat_map<std::uint64_t, Question> questions_;
  std::uint64_t last_ = 0;
  Timer again_;
};

}  // namespace millrace
