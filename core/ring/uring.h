// The io_uring ring of one shard (liburing, Linux 6.1 or later).
//
// Set up with SINGLE_ISSUER, DEFER_TASKRUN and COOP_TASKRUN (io_uring_setup(2)): it must be made,
// used and destroyed on the shard's thread. Client sockets live in its own sparse file table where
// the kernel can close them there (core/ring/socket_files.h); receives draw from one
// provided-buffer ring. Sends carry MSG_NOSIGNAL. wake() writes an eventfd that the ring itself
// keeps a read armed on; its completions are swallowed here.
//
// Limits: `files` sockets (core/ring/socket_files.h).
#pragma once

#include <memory>
#include <optional>

#include "core/base/result.h"
#include "core/mem/recv_buffers.h"
#include "core/ring/ring.h"

namespace millrace {

struct UringOptions {
  std::uint32_t submission_entries = 4'096;   // kernel limit 32,768
  std::uint32_t completion_entries = 65'536;  // kernel limit; 16 B each
  std::uint32_t files = 1'024;                // client sockets
  // Whether they live in the ring's own table. Unset: tried anew, can_close_direct_sockets().
  std::optional<bool> direct = std::nullopt;
};

// The ring, or a text that names cause and fix. `buffers` must outlive the ring.
Result<std::unique_ptr<Ring>> make_uring(const UringOptions& options, RecvBuffers& buffers);

}  // namespace millrace
