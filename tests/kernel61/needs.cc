#include "tests/kernel61/needs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "tests/tidy/tidy.h"

namespace millrace::kernel61 {
namespace {

// The versions: io_uring_setup(2), io_uring_enter(2), io_uring_register(2) and the pages of the
// helpers in liburing 2.3 (Debian 12's liburing-dev), socket(7), tcp(7), ipv6(7), mmap(2),
// eventfd(2); each name also stands in the headers of Debian 12's linux-libc-dev (6.1). A helper of
// liburing is as old as the newest thing it asks the kernel for.
constexpr LinuxVersion kAncient{2, 6};  // 2.6.37 or earlier; io_uring began with 5.1

constexpr std::array kNeeds = {
    // io_uring_setup
    KernelNeed{"IORING_SETUP_CQSIZE", {5, 5}},
    KernelNeed{"IORING_SETUP_CLAMP", {5, 6}},
    KernelNeed{"IORING_SETUP_SUBMIT_ALL", {5, 18}},
    KernelNeed{"IORING_SETUP_COOP_TASKRUN", {5, 19}},
    KernelNeed{"IORING_SETUP_SINGLE_ISSUER", {6, 0}},
    KernelNeed{"IORING_SETUP_DEFER_TASKRUN", {6, 1}},
    KernelNeed{"io_uring_params", {5, 1}},
    KernelNeed{"io_uring_queue_init", {5, 1}},
    KernelNeed{"io_uring_queue_init_params", {5, 1}},
    KernelNeed{"io_uring_queue_exit", {5, 1}},
    // io_uring_register
    KernelNeed{"SYS_io_uring_register", {5, 1}},
    KernelNeed{"io_uring_register_files", {5, 1}},          // IORING_REGISTER_FILES
    KernelNeed{"io_uring_unregister_files", {5, 1}},        // IORING_UNREGISTER_FILES
    KernelNeed{"io_uring_probe", {5, 6}},                   // IORING_REGISTER_PROBE
    KernelNeed{"io_uring_get_probe_ring", {5, 6}},          // the same
    KernelNeed{"io_uring_free_probe", {5, 1}},              // free(3)
    KernelNeed{"io_uring_opcode_supported", {5, 1}},        // reads the probe
    KernelNeed{"io_uring_register_ring_fd", {5, 18}},       // IORING_REGISTER_RING_FDS
    KernelNeed{"io_uring_register_files_sparse", {5, 19}},  // IORING_RSRC_REGISTER_SPARSE
    KernelNeed{"io_uring_buf", {5, 19}},                    // IORING_REGISTER_PBUF_RING
    KernelNeed{"io_uring_buf_reg", {5, 19}},                // the same
    KernelNeed{"io_uring_buf_ring", {5, 19}},               // the same
    KernelNeed{"io_uring_buf_ring_add", {5, 19}},           // the same
    KernelNeed{"io_uring_buf_ring_advance", {5, 19}},       // the same
    KernelNeed{"io_uring_buf_ring_init", {5, 19}},          // the same
    KernelNeed{"io_uring_buf_ring_mask", {5, 19}},          // the same
    KernelNeed{"io_uring_register_buf_ring", {5, 19}},      // the same
    KernelNeed{"io_uring_unregister_buf_ring", {5, 19}},    // IORING_UNREGISTER_PBUF_RING
    KernelNeed{"io_uring_register_sync_cancel", {6, 0}},    // IORING_REGISTER_SYNC_CANCEL
    KernelNeed{"io_uring_sync_cancel_reg", {6, 0}},         // the same
    KernelNeed{"IORING_ASYNC_CANCEL_ALL", {5, 19}},
    KernelNeed{"IORING_ASYNC_CANCEL_ANY", {5, 19}},
    // io_uring_enter
    KernelNeed{"io_uring_submit", {5, 1}},
    KernelNeed{"io_uring_submit_and_get_events", {5, 1}},     // IORING_ENTER_GETEVENTS
    KernelNeed{"io_uring_get_events", {5, 1}},                // the same
    KernelNeed{"io_uring_submit_and_wait_timeout", {5, 11}},  // IORING_ENTER_EXT_ARG
    // Submissions
    KernelNeed{"io_uring_sqe", {5, 1}},
    KernelNeed{"io_uring_get_sqe", {5, 1}},
    KernelNeed{"io_uring_sqe_set_data64", {5, 1}},
    KernelNeed{"io_uring_sq_ready", {5, 1}},
    KernelNeed{"io_uring_sq_space_left", {5, 1}},
    KernelNeed{"IOSQE_FIXED_FILE", {5, 1}},
    KernelNeed{"IOSQE_BUFFER_SELECT", {5, 7}},
    KernelNeed{"IORING_OP_SENDMSG", {5, 3}},
    KernelNeed{"io_uring_prep_sendmsg", {5, 3}},
    KernelNeed{"IORING_OP_ACCEPT", {5, 5}},
    KernelNeed{"io_uring_prep_accept", {5, 5}},
    KernelNeed{"IORING_FILE_INDEX_ALLOC", {5, 19}},  // of an accept
    KernelNeed{"IORING_OP_ASYNC_CANCEL", {5, 5}},
    KernelNeed{"io_uring_prep_cancel64", {5, 5}},
    KernelNeed{"IORING_OP_CLOSE", {5, 6}},
    KernelNeed{"io_uring_prep_close", {5, 6}},
    KernelNeed{"io_uring_prep_close_direct", {5, 15}},
    KernelNeed{"IORING_OP_READ", {5, 6}},
    KernelNeed{"io_uring_prep_read", {5, 6}},
    KernelNeed{"IORING_OP_SEND", {5, 6}},
    KernelNeed{"io_uring_prep_send", {5, 6}},
    KernelNeed{"IORING_OP_RECV", {5, 6}},
    KernelNeed{"io_uring_prep_recv", {5, 6}},
    KernelNeed{"io_uring_prep_recv_multishot", {6, 0}},  // IORING_RECV_MULTISHOT
    KernelNeed{"MSG_DONTWAIT", kAncient},
    KernelNeed{"IORING_OP_POLL_ADD", {5, 1}},
    KernelNeed{"io_uring_prep_poll_multishot", {5, 13}},  // IORING_POLL_ADD_MULTI
    KernelNeed{"io_uring_prep_connect", {5, 5}},
    KernelNeed{"io_uring_prep_files_update", {6, 0}},  // IORING_FILE_INDEX_ALLOC of it
    KernelNeed{"io_uring_prep_nop", {5, 1}},
    // Completions
    KernelNeed{"io_uring_cqe", {5, 1}},
    KernelNeed{"io_uring_for_each_cqe", {5, 1}},
    KernelNeed{"io_uring_cq_advance", {5, 1}},
    KernelNeed{"io_uring_cq_ready", {5, 1}},
    KernelNeed{"io_uring_cq_has_overflow", {5, 8}},  // IORING_SQ_CQ_OVERFLOW
    KernelNeed{"IORING_CQE_F_BUFFER", {5, 7}},
    KernelNeed{"IORING_CQE_BUFFER_SHIFT", {5, 7}},
    KernelNeed{"IORING_CQE_F_MORE", {5, 13}},
    // Sockets
    KernelNeed{"SOCK_STREAM", kAncient},
    KernelNeed{"SOCK_CLOEXEC", kAncient},
    KernelNeed{"SO_REUSEADDR", kAncient},
    KernelNeed{"SO_REUSEPORT", {3, 9}},
    KernelNeed{"SO_SNDBUF", kAncient},
    KernelNeed{"SO_ATTACH_FILTER", kAncient},
    KernelNeed{"TCP_NODELAY", kAncient},
    KernelNeed{"TCP_USER_TIMEOUT", kAncient},
    KernelNeed{"IPV6_V6ONLY", kAncient},
    KernelNeed{"MSG_NOSIGNAL", kAncient},
    // Others
    KernelNeed{"EFD_CLOEXEC", kAncient},
    KernelNeed{"MAP_ANONYMOUS", kAncient},
    KernelNeed{"MAP_FAILED", kAncient},
    KernelNeed{"MAP_PRIVATE", kAncient},
    KernelNeed{"SYS_capget", kAncient},
};

constexpr std::array<std::string_view, 16> kPrefixes{
    "io_uring_", "IORING_", "IOSQE_", "IOU_", "IO_URING_", "SO_",  "TCP_",  "IPV6_",
    "IP_",       "MSG_",    "SOCK_",  "EFD_", "MAP_",      "SYS_", "__NR_", "SOCKET_URING_",
};

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string to_text(LinuxVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace

std::span<const KernelNeed> kernel_needs() { return kNeeds; }

std::set<std::string> kernel_names(std::string_view source) {
  std::set<std::string> names;
  const std::string code = tidy::code_only(source);
  for (auto at = code.begin(); at != code.end();) {
    const auto end = std::find_if_not(at, code.end(), is_name_character);
    const std::string_view name(at, end);
    if (std::any_of(kPrefixes.begin(), kPrefixes.end(),
                    [name](std::string_view prefix) { return name.starts_with(prefix); })) {
      names.emplace(name);
    }
    at = std::find_if(end, code.end(), is_name_character);
  }
  return names;
}

std::vector<std::string> check_names(const std::set<std::string>& names,
                                     std::span<const KernelNeed> table) {
  std::vector<std::string> wrong;
  for (const std::string& name : names) {
    const auto need = std::find_if(table.begin(), table.end(),
                                   [&name](const KernelNeed& row) { return row.name == name; });
    if (need == table.end()) {
      wrong.push_back(name +
                      " is not in the table of tests/kernel61/needs.cc; look up since which Linux "
                      "it exists and add it");
    } else if (need->since > kOldestSupported) {
      wrong.push_back(name + " exists since Linux " + to_text(need->since) +
                      ", and millrace runs on 6.1; do without it");
    }
  }
  return wrong;
}

}  // namespace millrace::kernel61
