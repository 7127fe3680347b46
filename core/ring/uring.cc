#include "core/ring/uring.h"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <deque>
#include <string>

#include "core/ring/io_error.h"
#include "core/ring/kernel_features.h"
#include "core/ring/socket_files.h"

namespace millrace {
namespace {

// No OpKind is 0, so that no packed OpTag is this. All ones is taken by liburing.
constexpr std::uint64_t kWakeData = 0;
constexpr std::uint16_t kBufferGroup = 0;
// How long to leave a kernel alone that takes no operation at all (out of memory).
constexpr Duration kRefusedPause = milliseconds(1);

// C++ gives an empty struct a size; a header that overlays the entries on one would shift them.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0, "the kernel's first entry is at 0");
static_assert(sizeof(io_uring_buf) == 16);

class UringRing final : public Ring {
 public:
  explicit UringRing(RecvBuffers& buffers) : buffers_(buffers) {}
  ~UringRing() override;
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  Result<void> open(const UringOptions& options);

  void submit(const Op& op) override;
  std::size_t reap(std::span<CompletionEvent> out) override;
  void wait(Duration timeout) override;
  void wake() override;
  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  void provide_buffer(BufferId id) override;

 private:
  Result<void> open_buffers();
  Result<void> open_wake();

  io_uring_sqe* next_entry();
  void prepare(io_uring_sqe& entry, const Op& op);
  bool arm_wake();
  bool hand_over_backlog();
  void enter();
  void enter_and_wait(Duration timeout);
  CompletionEvent to_event(const io_uring_cqe& cqe);
  void take_last_accepts();
  void close_unsubmitted();

  RecvBuffers& buffers_;  // borrowed

  // Constant after open().
  io_uring ring_{};
  bool ring_open_ = false;
  SocketFiles files_;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  int wake_fd_ = -1;

  std::deque<Op> backlog_;  // what the kernel would not take yet, in order
  RingStats stats_;
  std::uint64_t unknown_errors_ = 0;

  // In flight while wake_armed_: the kernel writes wake_count_.
  bool wake_armed_ = false;
  std::uint64_t wake_count_ = 0;
};

Error failed_with(const std::string& what, int error, const std::string& mend) {
  return Error{what + " (" + std::strerror(error) + "): " + mend};
}

Result<void> UringRing::open(const UringOptions& options) {
  io_uring_params params{};
  params.flags = uring_setup_flags();
  params.cq_entries = options.completion_entries;
  const int error = -io_uring_queue_init_params(options.submission_entries, &ring_, &params);
  if (error != 0) {
    KernelFacts facts = probe_kernel();
    facts.setup_errno = error;
    return judge_kernel(facts);
  }
  ring_open_ = true;
  // Saves a lookup of the ring's file at each enter. Sixteen a thread; others work without.
  static_cast<void>(io_uring_register_ring_fd(&ring_));
  const Result<bool> direct = options.direct ? *options.direct : can_close_direct_sockets();
  if (!direct) return direct.error();
  if (Result<void> opened = files_.open(ring_, options.files, *direct); !opened) return opened;
  if (Result<void> opened = open_buffers(); !opened) return opened;
  return open_wake();
}

Result<void> UringRing::open_buffers() {
  const std::string what = "the ring of receive buffers can't be registered with io_uring";
  void* memory = mmap(nullptr, buffers_.count() * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return failed_with(what, errno, "free memory on this machine");
  buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = buffers_.count();
  registration.bgid = kBufferGroup;
  const int error = -io_uring_register_buf_ring(&ring_, &registration, 0);
  if (error == ENOMEM) {
    return failed_with(what, error,
                       "raise the limit on locked memory: ulimit -l unlimited (systemd: "
                       "LimitMEMLOCK=infinity)");
  }
  if (error != 0) {
    return failed_with(what, error, "millrace needs Linux 6.1 or later; see millrace check");
  }
  io_uring_buf_ring_init(buffer_ring_);
  for (std::uint32_t id = 0; id < buffers_.count(); ++id) {
    provide_buffer(static_cast<BufferId>(id));
  }
  buffers_.attach(*this);
  return {};
}

Result<void> UringRing::open_wake() {
  // Blocking on purpose: a read of a non-blocking descriptor would end with EAGAIN instead of
  // waiting in the ring. A write blocks only at 2^64 - 2 wakes that nobody has read.
  wake_fd_ = eventfd(0, EFD_CLOEXEC);
  if (wake_fd_ >= 0) return {};
  return failed_with("no eventfd for a shard's wake-ups", errno,
                     "raise the limit on descriptors with ulimit -n (systemd: "
                     "LimitNOFILE=1048576)");
}

UringRing::~UringRing() {
  buffers_.detach();
  if (ring_open_) {
    // The kernel ends what is armed when the ring goes, but in its own time. Cancelled here and
    // run to its end, it touches no buffer and holds no socket any more when this returns.
    io_uring_sync_cancel_reg all{};
    all.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    all.timeout.tv_nsec = milliseconds(100).ns;
    static_cast<void>(io_uring_register_sync_cancel(&ring_, &all));
    static_cast<void>(io_uring_get_events(&ring_));
    take_last_accepts();
    close_unsubmitted();
    files_.close_all(ring_);
    io_uring_queue_exit(&ring_);
  }
  if (wake_fd_ >= 0) ::close(wake_fd_);
  if (buffer_ring_ != nullptr) munmap(buffer_ring_, buffers_.count() * sizeof(io_uring_buf));
}

// What came in while nobody reaped any more must be closed, too.
void UringRing::take_last_accepts() {
  unsigned head = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    if (cqe->user_data == kWakeData || cqe->res < 0) continue;
    if (OpTag::unpack(cqe->user_data).kind == OpKind::kAccept) files_.take(cqe->res);
  }
}

// What still stands in the queue is never submitted. The closes among it are made here, since
// close_all() takes a descriptor for closed once its close is in the queue.
void UringRing::close_unsubmitted() {
  if (files_.direct()) return;
  const unsigned end = ring_.sq.sqe_tail;
  for (unsigned at = end - io_uring_sq_ready(&ring_); at != end; ++at) {
    const io_uring_sqe& entry = ring_.sq.sqes[at & ring_.sq.ring_mask];
    if (entry.opcode == IORING_OP_CLOSE) ::close(entry.fd);
  }
}

void UringRing::submit(const Op& op) {
  if (backlog_.empty()) {
    if (io_uring_sq_space_left(&ring_) == 0) ++stats_.queue_full;
    if (io_uring_sqe* entry = next_entry(); entry != nullptr) {
      prepare(*entry, op);
      return;
    }
  }
  backlog_.push_back(op);
}

// A free entry of the submission queue, or nullptr if the kernel does not empty it.
io_uring_sqe* UringRing::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry != nullptr) return entry;
  ++stats_.enters;
  if (io_uring_submit(&ring_) < 0) return nullptr;
  return io_uring_get_sqe(&ring_);
}

void UringRing::prepare(io_uring_sqe& entry, const Op& op) {
  const auto file = static_cast<int>(op.file.value);
  switch (op.code) {
    case Op::Code::kAccept: {
      auto& peer = *static_cast<PeerAddress*>(op.address);
      peer.length = sizeof(peer.storage);  // it is the last peer's if the bank used it before
      io_uring_prep_accept(&entry, op.listener, reinterpret_cast<sockaddr*>(&peer.storage),
                           &peer.length, 0);
      files_.prepare_accept(entry);
      break;
    }
    case Op::Code::kRecvMultishot:
      io_uring_prep_recv_multishot(&entry, file, nullptr, 0, 0);
      files_.prepare_use(entry);
      entry.flags |= IOSQE_BUFFER_SELECT;
      entry.buf_group = kBufferGroup;
      break;
    case Op::Code::kRecvReady:
      io_uring_prep_recv(&entry, file, nullptr, 0, MSG_DONTWAIT);
      files_.prepare_use(entry);
      entry.flags |= IOSQE_BUFFER_SELECT;
      entry.buf_group = kBufferGroup;
      break;
    case Op::Code::kPollMultishot:
      io_uring_prep_poll_multishot(&entry, file, POLLIN | POLLRDHUP);
      files_.prepare_use(entry);
      break;
    case Op::Code::kSend:
      io_uring_prep_send(&entry, file, op.address, op.length, MSG_NOSIGNAL);
      files_.prepare_use(entry);
      break;
    case Op::Code::kSendGather:
      io_uring_prep_sendmsg(&entry, file, static_cast<const msghdr*>(op.address), MSG_NOSIGNAL);
      files_.prepare_use(entry);
      break;
    case Op::Code::kClose:
      files_.prepare_close(entry, op.file);
      break;
    case Op::Code::kCancel:
      io_uring_prep_cancel64(&entry, op.target.pack(), 0);
      break;
    case Op::Code::kTakeSocket:
      files_.prepare_take(entry, *static_cast<TakenSocket*>(op.address));
      break;
    case Op::Code::kConnect: {
      auto& to = *static_cast<PeerAddress*>(op.address);
      io_uring_prep_connect(&entry, file, reinterpret_cast<sockaddr*>(&to.storage), to.length);
      files_.prepare_use(entry);
      break;
    }
  }
  const std::uint64_t data = op.tag.pack();
  CHECK_NE(data >> 56, kWakeData >> 56);
  io_uring_sqe_set_data64(&entry, data);
  ++stats_.submissions;
}

std::size_t UringRing::reap(std::span<CompletionEvent> out) {
  std::size_t taken = 0;
  unsigned seen = 0;
  unsigned head = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    if (taken == out.size()) break;
    ++seen;
    if (cqe->user_data == kWakeData) {
      wake_armed_ = false;
      if (cqe->res > 0) ++stats_.wakes;
      continue;
    }
    out[taken++] = to_event(*cqe);
  }
  io_uring_cq_advance(&ring_, seen);
  stats_.completions += taken;
  return taken;
}

CompletionEvent UringRing::to_event(const io_uring_cqe& cqe) {
  CompletionEvent event;
  event.tag = OpTag::unpack(cqe.user_data);
  event.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if (cqe.res >= 0) {
    event.result = static_cast<std::uint32_t>(cqe.res);
    if (event.tag.kind == OpKind::kAccept && !files_.take(cqe.res)) {
      event.error = IoError::kTableFull;
    }
    const bool ended = (event.result & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    event.ending = event.tag.kind == OpKind::kPoll && ended;
  } else {
    event.error = to_io_error(event.tag.kind, -cqe.res);
    if (event.tag.kind == OpKind::kConnect) {
      event.result = static_cast<std::uint32_t>(-cqe.res);  // there are many, and people ask
    } else if (event.error == IoError::kOther) {
      report_unknown_error(event.tag.kind, -cqe.res, ++unknown_errors_);
    }
  }
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    const auto id = static_cast<BufferId>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    if (cqe.res > 0) {
      event.buffer = id;
    } else {
      provide_buffer(id);  // it may come with an end of stream or an error, and nothing in it
    }
  }
  return event;
}

void UringRing::wait(Duration timeout) {
  if (io_uring_cq_has_overflow(&ring_)) ++stats_.overflows;
  bool all_taken = hand_over_backlog();
  while (!all_taken) {
    // The queue is full and a plain submit did not empty it. One that also runs completions may.
    const unsigned before = io_uring_sq_ready(&ring_);
    enter();
    if (io_uring_sq_ready(&ring_) == before) break;
    all_taken = hand_over_backlog();
  }
  if (!arm_wake() || !all_taken) timeout = std::min(timeout, kRefusedPause);
  // With completions at hand liburing would submit only; the kernel must also run what it has
  // deferred and move overflown completions into the queue.
  if (timeout.ns <= 0 || io_uring_cq_ready(&ring_) != 0) {
    enter();
  } else {
    enter_and_wait(timeout);
  }
}

bool UringRing::arm_wake() {
  if (wake_armed_) return true;
  io_uring_sqe* entry = next_entry();
  if (entry == nullptr) return false;
  io_uring_prep_read(entry, wake_fd_, &wake_count_, sizeof(wake_count_), 0);
  io_uring_sqe_set_data64(entry, kWakeData);
  wake_armed_ = true;
  return true;
}

// True if nothing is left in it.
bool UringRing::hand_over_backlog() {
  while (!backlog_.empty()) {
    io_uring_sqe* entry = next_entry();
    if (entry == nullptr) return false;
    prepare(*entry, backlog_.front());
    backlog_.pop_front();
  }
  return true;
}

// Enter may answer so with nothing wrong with the ring: nothing came in time, a signal, no room for
// now. What was not taken stays queued.
bool is_transient(int error) {
  return error == ETIME || error == EINTR || error == EAGAIN || error == EBUSY || error == ENOMEM;
}

// Hands over and runs deferred work; does not wait.
void UringRing::enter() {
  ++stats_.enters;
  const int result = io_uring_submit_and_get_events(&ring_);
  if (result < 0 && !is_transient(-result)) CHECK_EQ(-result, 0);
}

void UringRing::enter_and_wait(Duration timeout) {
  __kernel_timespec span{timeout.ns / 1'000'000'000, timeout.ns % 1'000'000'000};
  io_uring_cqe* cqe = nullptr;
  ++stats_.enters;
  const int result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &span, nullptr);
  if (result >= 0 || -result == ETIME || -result == EINTR) return;
  CHECK(is_transient(-result));
  // Refused without waiting: a loop around this would spin. A wake-up still ends the pause.
  pollfd wake{wake_fd_, POLLIN, 0};
  static_cast<void>(::poll(&wake, 1, static_cast<int>(kRefusedPause.to_ms())));
}

void UringRing::wake() {
  const std::uint64_t one = 1;
  ssize_t written = 0;
  do {
    written = ::write(wake_fd_, &one, sizeof(one));
  } while (written < 0 && errno == EINTR);
  CHECK_EQ(written, static_cast<ssize_t>(sizeof(one)));
}

void UringRing::provide_buffer(BufferId id) {
  const int mask = io_uring_buf_ring_mask(buffers_.count());
  io_uring_buf_ring_add(buffer_ring_, buffers_.address(id), buffers_.size(), id, mask, 0);
  io_uring_buf_ring_advance(buffer_ring_, 1);
}

}  // namespace

Result<std::unique_ptr<Ring>> make_uring(const UringOptions& options, RecvBuffers& buffers) {
  auto ring = std::make_unique<UringRing>(buffers);
  if (Result<void> opened = ring->open(options); !opened) return opened.error();
  return std::unique_ptr<Ring>(std::move(ring));
}

}  // namespace millrace
