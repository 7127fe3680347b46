// The ring in memory: the other side of the kernel seam, for unit tests.
//
// A test drives the code under test through Ring and plays the peers through the functions below:
// it connects, sends, closes, resets, and decides how much of a send is taken. Nothing here waits
// or runs by itself. An operation takes effect at submit(), its events come out of reap(), in the
// order in which they came about.
//
// It is strict where the kernel is silent. A CHECK fails, and with it the test, on: a tag that is
// in flight twice (a cancel could not tell them apart), two receives, two polls or two sends in
// flight on one socket, an operation on a closed socket, a close while one of them is in flight,
// and bytes, iovecs or a peer address that were changed or freed before the last event of
// their operation was reaped (the last under AddressSanitizer).
//
// "In flight" is from submit() until the event whose `more` is false has been reaped, as in
// core/ring/op.h. Single thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/mem/recv_buffers.h"
#include "core/ring/ring.h"

namespace millrace {

// Addresses for MemRing::connect. `host` must be a valid numeric address.
PeerAddress ipv4_peer(const char* host, std::uint16_t port);
PeerAddress ipv6_peer(const char* host, std::uint16_t port);

class MemRing final : public Ring {
 public:
  // One send as it was submitted.
  struct Sent {
    FileSlot file;
    OpTag tag;
    std::vector<Bytes> views;    // the caller's own bytes: compare data() to see what is shared.
                                 // Don't read through them after the send has ended.
    std::string bytes;           // a copy of them all
    std::uint32_t accepted = 0;  // how many the peer took
  };

  // `buffers` must outlive the ring. `files` is the size of its file table.
  explicit MemRing(RecvBuffers& buffers, std::uint32_t files = 64);
  ~MemRing() override;
  MemRing(const MemRing&) = delete;
  MemRing& operator=(const MemRing&) = delete;

  void submit(const Op& op) override;
  std::size_t reap(std::span<CompletionEvent> out) override;
  void wait(Duration timeout) override;  // never waits
  void wake() override { woken_ = true; }
  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  void provide_buffer(BufferId id) override;

  // --- The listeners' side.
  [[nodiscard]] std::size_t pending_accepts(int listener) const;
  // A peer connects: the oldest pending accept ends with the lowest free slot.
  // REQUIRES: pending_accepts(listener) > 0; a free slot.
  FileSlot connect(int listener, const PeerAddress& from = ipv4_peer("127.0.0.1", 40'000));
  // The same where the table is full: the accept ends with kTableFull, the peer is dropped.
  void connect_to_full_table(int listener);
  // The oldest pending accept ends with `error`. REQUIRES: pending_accepts(listener) > 0.
  void fail_accept(int listener, IoError error);

  // --- A peer's side. REQUIRES, for all: is_open(file).
  // A multishot receive gets it in pieces of at most a buffer's size; what finds no buffer ends it
  // with kNoBuffers and waits in the socket. So does what finds no receive armed. A poll has one
  // event, and so it has for each of the next two.
  void client_send(FileSlot file, Bytes bytes);
  void client_close(FileSlot file);  // the peer's FIN, behind what it has sent
  // The peer's RST: unread bytes are lost, receive and send end with kDisconnect, so do later ones.
  void client_reset(FileSlot file);
  // The multishot receive, or the poll, ends with its next event, which has `more` false, as the
  // kernel may do: the first of the two to have one.
  void end_with_next(FileSlot file);
  // The poll has an event though nothing came. REQUIRES: poll_armed(file).
  void poll_again(FileSlot file) { tell_poll(file); }
  void fail_poll(FileSlot file, IoError error);  // REQUIRES: poll_armed(file).
  // From now on the peer takes `bytes` more: a send is cut short there, the next one stays in
  // flight. With bytes > 0 a send that was stuck goes on with it.
  void set_send_budget(FileSlot file, std::uint64_t bytes);
  void clear_send_budget(FileSlot file);
  // Ends the stuck send with `bytes` taken. REQUIRES: send_stuck(file), 0 < bytes <= its size.
  void complete_send(FileSlot file, std::uint32_t bytes);
  void fail_send(FileSlot file, IoError error);  // REQUIRES: send_stuck(file).
  // The event of a cancel comes after that of its target instead of before it.
  void report_cancel_last(bool last) { cancel_last_ = last; }

  // --- What there is to see.
  [[nodiscard]] bool is_open(FileSlot file) const;
  [[nodiscard]] std::size_t open_slots() const;
  [[nodiscard]] bool receive_armed(FileSlot file) const;  // multishot, and not ended
  [[nodiscard]] bool poll_armed(FileSlot file) const;     // and not ended
  // How much has arrived and was not received.
  [[nodiscard]] std::size_t unread(FileSlot file) const { return socket(file).inbound.size(); }
  [[nodiscard]] bool send_stuck(FileSlot file) const;  // in flight and not ended
  // All that the peer got so far. Readable after the close too, until the slot is used again.
  [[nodiscard]] const std::string& sent(FileSlot file) const;
  std::string take_sent(FileSlot file);
  // Every send on any socket, oldest first.
  [[nodiscard]] const std::vector<Sent>& sends() const { return sends_; }
  void clear_sends() { sends_.clear(); }
  [[nodiscard]] bool has_events() const { return !events_.empty(); }  // to be reaped
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] std::size_t free_buffers() const { return free_buffers_.size(); }
  [[nodiscard]] bool woken() const { return woken_; }  // since the last wait()
  [[nodiscard]] Duration last_timeout() const { return last_timeout_; }

 private:
  struct Socket {
    bool open = false;
    std::string inbound;  // sent by the peer, not yet received
    bool peer_closed = false;
    bool peer_reset = false;
    bool end_with_next = false;
    std::optional<OpTag> receive;  // multishot, armed and not ended
    std::optional<OpTag> poll;     // armed and not ended
    std::optional<OpTag> send;     // stuck and not ended
    std::optional<std::uint64_t> budget;
    std::string outbound;
  };
  struct Flight {
    Op op;
    bool ended = false;             // its last event is queued
    std::optional<Sent> sent;       // of a send
    std::optional<PeerAddress> to;  // of an ended accept: what its address must still say
  };

  Socket& socket(FileSlot file);
  const Socket& socket(FileSlot file) const;
  Socket& open_socket(FileSlot file);
  Flight& flight(OpTag tag);
  OpTag oldest_accept(int listener) const;
  static Sent sent_of(const Op& op);
  void check_only_one(const Op& op) const;
  void arm_receive(const Op& op);
  void receive_ready(const Op& op);
  void arm_poll(const Op& op);
  void tell_poll(FileSlot file);
  BufferId fill_buffer(Socket& peer, std::uint32_t& size);
  void arrived(FileSlot file);
  void start_send(const Op& op);
  void advance_send(FileSlot file);
  void close_file(const Op& op);
  void cancel(const Op& op);
  bool end_canceled(OpTag target);
  void deliver(FileSlot file);
  void queue(OpTag tag, IoError error, bool more, std::uint32_t result);
  void end(OpTag tag, IoError error, std::uint32_t result);
  void end_send(FileSlot file, IoError error, std::uint32_t accepted);
  void landed(const CompletionEvent& event);

  RecvBuffers& buffers_;
  std::vector<Socket> sockets_;
  std::deque<BufferId> free_buffers_;
  std::map<OpTag, Flight> in_flight_;   // all but cancels, which may share a tag
  std::vector<OpTag> accepts_;          // pending, oldest first
  std::deque<CompletionEvent> events_;  // to be reaped
  std::vector<Sent> sends_;
  bool cancel_last_ = false;
  bool woken_ = false;
  Duration last_timeout_{};
  RingStats stats_;
};

}  // namespace millrace
