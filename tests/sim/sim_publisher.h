// An application that publishes by the server API, one request after another on a connection that
// it keeps.
#pragma once

#include "tests/sim/peer.h"

namespace millrace::sim {

class SimPublisher final : public Peer {
 public:
  SimPublisher(World& world, std::string name);

  void start() { reconnect(milliseconds(1)); }
  // Asks nothing more, once it has its answer.
  void stop() { stopped_ = true; }
  // A request without an answer, on a connection that stands, is a finding.
  void check_answered() const;

 private:
  void on_bytes(Bytes bytes) override;
  void on_gone(bool reset) override;
  void reconnect(Duration delay);
  void request();
  void post(const std::string& path, const std::string& body);
  void revoke();
  void on_response(unsigned status, Bytes body);
  void on_revoked(Bytes body);

  std::string in_;
  std::uint64_t publisher_ = 0;     // of this connection
  std::uint64_t asked_ = 0;         // the publication that waits for its outcome
  std::string revoking_;            // the user whose tokens it has asked to revoke
  std::int64_t revoke_before_ = 0;  // and of which time
  bool stopped_ = false;
};

}  // namespace millrace::sim
