// One thread of the generator: a ring, and the clients that live on it.
//
// Everything but post() is its own thread's. What others want of it is posted as a task and done
// between two turns; what it counted goes back by take_report(). It opens its clients at their pace
// and brings them back after a pause, answers for them through Client, checks what they get, and
// publishes if it has an order to.
//
// Clients are numbered over all threads; a worker has those from `first` on. The publisher of a
// fan-out is one more client, or a connection to the API, on a worker that has no others.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "bench/load/api_client.h"
#include "bench/load/client.h"
#include "bench/load/connector.h"
#include "bench/load/publishing.h"
#include "bench/load/report.h"
#include "bench/load/schedule.h"
#include "bench/load/sequence_check.h"
#include "bench/load/shared.h"
#include "bench/load/slices.h"
#include "core/base/random.h"
#include "core/ring/uring.h"
#include "core/shard/inbox.h"
#include "core/shard/shard_group.h"
#include "net/tcp/connection_table.h"

namespace millrace::load {

class Worker final : public ShardBody,
                     private InboundSource,
                     private TurnEnd,
                     private ConnectTaker,
                     private ClientOwner,
                     private ApiOwner,
                     private PublishPath {
 public:
  using Task = std::function<void(Worker&, Instant)>;

  // Made on its own thread. All must outlive it.
  static Result<std::unique_ptr<Worker>> make(ShardId id, Shared& shared, const Slice& slice);
  Worker(ShardId id, Shared& shared, const Slice& slice, std::unique_ptr<RecvBuffers> buffers,
         std::unique_ptr<Ring> ring);

  void run() override;
  // Any thread's.
  void post(Task task);

  // --- what tasks do ---
  void open(Instant now);
  // Whoever goes from now on comes back, or does not any more.
  void set_reconnect(bool reconnect) { reconnect_ = reconnect; }
  // How many were cut.
  std::uint64_t cut(double share, Instant now);
  // The slow ones stop, and go on.
  void stop_reading();
  void read_again();
  void begin_drain(Instant now);
  void leave(Instant now);
  void stop(Instant now);
  void open_publisher(Instant now);
  void publish(PublishOrder order);
  void stop_publishing(Instant now) { publishing_.stop(now); }
  // For each channel of the table, how many clients here are up and read.
  [[nodiscard]] std::vector<std::uint32_t> readers() const;
  // What of `published` did not come, as holes. Every channel's count, by publisher, or the same
  // for all.
  void finish_sequences();
  void finish_sequences(std::uint32_t published);
  // What was counted since the last call.
  [[nodiscard]] Report take_report();

  // How many publishers a channel may have, so that each has its own sequence.
  void set_publishers(std::uint32_t publishers);

 private:
  enum class Status : std::uint8_t { kOut, kConnecting, kUp, kWaiting, kFailed, kGone };
  struct Return {
    Instant due{};
    std::uint32_t local = 0;
    bool operator>(const Return& other) const { return due > other.due; }
  };
  static constexpr std::uint32_t kPublisherTicket = UINT32_MAX;

  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;
  void flush(Instant now) override;

  void on_socket(std::uint32_t ticket, FileSlot file, Instant began, Instant now) override;
  void on_connect_failed(std::uint32_t ticket, const std::string& cause, Instant now) override;
  void on_up(Client& client, Instant now) override;
  void on_refused(Client& client, const HttpHead& head, Instant now) override;
  void on_failed(Client& client, const std::string& cause, Instant now) override;
  void on_gone(Client& client, std::uint16_t code, bool by_us, Instant now) override;
  void on_ping() override { ++report_.pings; }
  void on_publication(Client& client, Bytes channel, Bytes data, Instant now) override;
  void on_unsubscribed() override { ++report_.unsubscribes; }
  void on_answer(Client& client, std::uint32_t id, std::uint32_t error, Instant now) override;
  void on_command_error(std::uint32_t error) override { ++report_.command_errors[error]; }
  SubscribeFrom stands_at(Client& client, std::size_t which) override;
  void on_subscribed(Client& client, std::size_t which, const SubscribeAnswer& answer,
                     Instant now) override;
  void on_api_answer(std::uint32_t id, const std::string& error, Instant now) override;
  void on_api_gone(Instant now) override;
  [[nodiscard]] Room room(std::uint32_t client) override;
  void send(std::uint32_t client, std::uint32_t id, Bytes channel, Bytes payload) override;
  [[nodiscard]] bool answers() const override;

  void open_more(Instant now);
  void start(std::uint32_t local, Instant due, Instant now);
  void end_attempt(std::uint32_t local, Duration least_wait, Instant now);
  void come_back(std::uint32_t local, Duration least_wait, Instant now);
  void set_status(std::uint32_t local, Status status);
  void publisher_gone(const std::string& cause);
  std::unique_ptr<Protocol> make_publisher(Connection& connection, Instant now);
  [[nodiscard]] std::uint32_t local(const Client& client) const {
    return client.number() - slice_.first;
  }
  [[nodiscard]] bool is_publisher(const Client& client) const;
  [[nodiscard]] bool publishes(std::uint32_t number) const;
  [[nodiscard]] bool is_slow(std::uint32_t number) const;
  void take_publication(std::uint32_t local, std::size_t which, Bytes data, Instant now);
  void forgive(std::uint32_t local, std::size_t which);
  [[nodiscard]] std::size_t stream(std::uint32_t local, std::size_t channel,
                                   std::uint32_t by) const;
  void for_each_client(const std::function<void(Client&)>& fn);
  [[nodiscard]] Instant next_due(Instant now) const;

  const ShardId id_;
  Shared& shared_;
  const Slice slice_;
  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<Ring> ring_;
  Reactor reactor_;
  ShardMetrics metrics_;
  ConnectionTable table_;
  Connector connector_;
  Inbox<Task> inbox_;
  std::vector<Task> tasks_;
  Random random_;
  Report report_;
  ClientContext context_;

  // By client, from `first` on.
  std::vector<Status> status_;
  std::vector<std::uint8_t> attempts_;  // since it was last up; only if clients come back
  std::uint64_t up_ = 0, failed_ = 0, waiting_ = 0, connecting_ = 0;
  std::uint32_t opened_ = 0;
  bool opening_ = false;
  Schedule pace_;
  std::priority_queue<Return, std::vector<Return>, std::greater<>> returns_;

  SequenceCheck sequences_;
  std::vector<StreamPlace> places_;  // by client and channel, if they recover
  std::uint32_t publishers_ = 1;
  Publishing publishing_;
  std::vector<ConnId> publishing_clients_;  // by client, if clients publish
  ConnId publisher_;                        // of a fan-out
  bool publisher_ready_ = false;
  std::uint64_t delivered_ = 0;  // in this turn
  std::uint64_t errors_ = 0;
  Instant drain_began_ = Instant::never();
  bool reconnect_ = false;
  bool stopping_ = false;
};

}  // namespace millrace::load
