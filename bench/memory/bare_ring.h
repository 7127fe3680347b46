// A ring without a kernel that remembers nothing of a connection once it is quiet, so that what a
// million of them cost is the server's alone. (The ring of the tests keeps all that was sent.)
//
// Its peers read whatever they are sent, at once. Who drives it connects kAtOnce peers, lets them
// send, and goes on to the next: only those can be sent from.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/mem/recv_buffers.h"
#include "core/ring/ring.h"

namespace millrace {

class BareRing final : public Ring {
 public:
  static constexpr std::size_t kAtOnce = 64;

  explicit BareRing(RecvBuffers& buffers);
  ~BareRing() override { buffers_.detach(); }
  BareRing(const BareRing&) = delete;
  BareRing& operator=(const BareRing&) = delete;

  // Ring.
  void submit(const Op& op) override;
  std::size_t reap(std::span<CompletionEvent> out) override;
  void wait(Duration) override {}
  void wake() override {}
  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  void provide_buffer(BufferId id) override { free_buffers_.push_back(id); }

  [[nodiscard]] bool accepting() const { return !accepts_.empty(); }
  // A peer connects. REQUIRES: accepting().
  FileSlot connect();
  // REQUIRES: one of the last kAtOnce that connected.
  void peer_sends(FileSlot file, const std::string& bytes);
  // The index of that connection's slot: what its operations were tagged with.
  [[nodiscard]] std::uint32_t slot_of(FileSlot file) { return peer(file).slot; }

 private:
  struct Peer {
    std::uint32_t slot = 0;
    std::string inbound;
    std::optional<OpTag> receive;  // armed
    std::optional<OpTag> poll;     // armed
  };

  Peer& peer(FileSlot file) { return peers_[file.value % kAtOnce]; }
  void queue(OpTag tag, std::uint32_t result, IoError error = IoError::kNone, bool more = false) {
    events_.push_back({tag, error, more, result, std::nullopt});
  }
  void receive_ready(const Op& op);
  void deliver(Peer& peer);
  void cancel(const Op& op);
  CompletionEvent take_input(Peer& peer, OpTag tag, bool more);

  RecvBuffers& buffers_;
  std::vector<BufferId> free_buffers_;
  std::deque<Op> accepts_;
  std::array<Peer, kAtOnce> peers_;
  std::uint32_t next_file_ = 0;
  std::deque<CompletionEvent> events_;
  RingStats stats_;
};

}  // namespace millrace
