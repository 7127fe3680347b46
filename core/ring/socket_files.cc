#include "core/ring/socket_files.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace millrace {

Result<void> SocketFiles::open(io_uring& ring, std::uint32_t files, bool direct) {
  direct_ = direct;
  limit_ = files;
  rlimit limit{};
  const bool limited = getrlimit(RLIMIT_NOFILE, &limit) == 0;  // a sandbox forbids to ask
  if (!direct) {
    open_ = !limited || files <= limit.rlim_cur;
    if (open_) return {};
    return Error{"a shard can't have " + std::to_string(files) +
                 " client sockets: on this kernel they are descriptors of the process, and "
                 "RLIMIT_NOFILE is " +
                 std::to_string(limit.rlim_cur) +
                 "; raise it with ulimit -n (systemd: LimitNOFILE=), or lower --max-connections"};
  }
  const int error = -io_uring_register_files_sparse(&ring, files);
  open_ = error == 0;
  if (open_) return {};
  const std::string what = "a table of " + std::to_string(files) +
                           " client sockets can't be registered with io_uring (" +
                           std::strerror(error) + "): ";
  switch (error) {
    case EMFILE:
      return Error{what + "a shard's table holds at most RLIMIT_NOFILE (" +
                   std::to_string(limit.rlim_cur) +
                   " here) and at most 1048576; raise it with ulimit -n (systemd: "
                   "LimitNOFILE=1048576), or run more shards (--shards)"};
    case ENOMEM:
      return Error{what +
                   "raise the limit on locked memory: ulimit -l unlimited (systemd: "
                   "LimitMEMLOCK=infinity), or lower --max-connections"};
    default:
      return Error{what + "millrace needs Linux 6.1 or later; see millrace check"};
  }
}

void SocketFiles::prepare_accept(io_uring_sqe& entry) const {
  if (direct_) {
    // liburing 2.3's io_uring_prep_accept_direct turns the automatic slot into none. No
    // SOCK_CLOEXEC either: the kernel refuses it on a direct descriptor.
    entry.file_index = IORING_FILE_INDEX_ALLOC;
  } else {
    entry.accept_flags = SOCK_CLOEXEC;
  }
}

void SocketFiles::prepare_close(io_uring_sqe& entry, FileSlot file) {
  if (direct_) {
    io_uring_prep_close_direct(&entry, file.value);
    return;
  }
  io_uring_prep_close(&entry, static_cast<int>(file.value));
  // From now on the number may be another's.
  if (file.value < ours_.size() && ours_[file.value]) {
    ours_[file.value] = false;
    --count_;
  }
}

void SocketFiles::prepare_take(io_uring_sqe& entry, TakenSocket& socket) {
  socket.number = socket.fd;
  if (direct_) {
    io_uring_prep_files_update(&entry, &socket.number, 1,
                               static_cast<int>(IORING_FILE_INDEX_ALLOC));
    return;
  }
  io_uring_prep_nop(&entry);
  if (!take(socket.fd)) socket.number = -1;  // and it is closed
  socket.fd = -1;
}

bool SocketFiles::take(int accepted) {
  if (direct_) return true;
  if (count_ == limit_) {
    ::close(accepted);
    return false;
  }
  const auto number = static_cast<std::size_t>(accepted);
  if (number >= ours_.size()) ours_.resize(number + 1);
  ours_[number] = true;
  ++count_;
  return true;
}

void SocketFiles::close_all(io_uring& ring) {
  if (!open_) return;
  if (direct_) {
    static_cast<void>(io_uring_unregister_files(&ring));
    return;
  }
  for (std::size_t number = 0; number < ours_.size(); ++number) {
    if (ours_[number]) ::close(static_cast<int>(number));
  }
}

}  // namespace millrace
