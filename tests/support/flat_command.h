// The beginning of a client's command in the binary protocol, which no server writes.
#pragma once

#include <cstdint>

#include "proto/flat_writer.h"
#include "proto/millrace_generated.h"

namespace millrace {

// Where its body is to be written.
inline FlatPlace begin_flat_command(FlatMessage& message, std::uint32_t id,
                                    flat::CommandBody type) {
  FlatPlace body;
  message.table(message.root(),
                FlatTable()
                    .number(flat::Command::VT_ID, id)
                    .number(flat::Command::VT_BODY_TYPE, static_cast<std::uint8_t>(type))
                    .child(flat::Command::VT_BODY, body));
  return body;
}

}  // namespace millrace
