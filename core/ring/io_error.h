// From the kernel's errno to our IoError: the one place that knows both.
#pragma once

#include <cstdint>

#include "core/ring/op.h"

namespace millrace {

// What `error`, an errno value, means as the end of an operation of this kind. 0 is kNone.
IoError to_io_error(OpKind kind, int error);

// For people: logs and traces.
const char* op_name(OpKind kind);

// Logs an error that to_io_error() calls kOther, `nth` of its ring (1-based). A peer may be able to
// cause it, so the log thins out: each of the first eight, then each time the number has doubled.
void report_unknown_error(OpKind kind, int error, std::uint64_t nth);

}  // namespace millrace
