// The client's end of a connection: bytes out in pieces, bytes in when it reads, and the end.
//
// What a simulated client means by its bytes is its subclass's business (sim_client.h,
// sim_publisher.h).
#pragma once

#include <memory>
#include <string>

#include "tests/sim/oracle.h"
#include "tests/sim/sim_ring.h"

namespace millrace::sim {

class World;

class Peer {
 public:
  Peer(World& world, std::string name);
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] bool connected() const { return wire_ != nullptr; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t shard() const { return shard_; }

 protected:
  // What the server sent; whole only by chance.
  virtual void on_bytes(Bytes bytes) = 0;
  // The connection is over, and all that could be read has been. `reset`: not in good order.
  virtual void on_gone(bool reset) = 0;

  // To a shard that the seed picks.
  void connect();
  void write(Bytes bytes);
  // Behind what is being written.
  void finish();
  // A reset at once; no on_gone() follows.
  void reset();
  void pause_reading(Duration span);
  void read_on();
  template <typename... Arguments>
  void say(fmt::format_string<Arguments...> form, Arguments&&... arguments) {
    trace_.say(name_, form, std::forward<Arguments>(arguments)...);
  }
  // Runs later, unless the connection is another by then.
  void later(Duration delay, std::function<void()> what);

  World& world_;

 private:
  void pump();
  void schedule_pump();
  void schedule_read();
  void read();
  void drop_wire();

  Trace& trace_;
  const std::string name_;
  std::shared_ptr<Wire> wire_;
  std::size_t shard_ = 0;
  std::string out_;
  bool finishing_ = false;
  bool pumping_ = false;
  bool reading_ = false;
  bool paused_ = false;
};

}  // namespace millrace::sim
