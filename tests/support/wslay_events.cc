#include "tests/support/wslay_events.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "tests/support/frame_events.h"

namespace millrace {
namespace {

struct Reader {
  Bytes input;
  std::vector<std::string> lines;
};

ssize_t read_input(wslay_event_context_ptr context, std::uint8_t* out, std::size_t size,
                   int /*flags*/, void* user) {
  auto& reader = *static_cast<Reader*>(user);
  const Bytes taken = reader.input.substr(0, size);
  if (taken.empty()) {
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  std::memcpy(out, taken.data(), taken.size());
  reader.input.remove_prefix(taken.size());
  return static_cast<ssize_t>(taken.size());
}

void received(wslay_event_context_ptr /*context*/, const wslay_event_on_msg_recv_arg* message,
              void* user) {
  auto& reader = *static_cast<Reader*>(user);
  const Bytes payload(reinterpret_cast<const char*>(message->msg), message->msg_length);
  const auto opcode = static_cast<Opcode>(message->opcode);
  if (opcode != Opcode::kClose) {
    reader.lines.push_back(frame_event(opcode, payload));
    return;
  }
  const bool has_code = message->status_code != 0;
  reader.lines.push_back(close_event(has_code ? message->status_code : std::uint16_t{1005},
                                     has_code ? payload.substr(2) : Bytes()));
}

}  // namespace

std::vector<std::string> wslay_events(Bytes stream, std::size_t message_bytes) {
  Reader reader{.input = stream, .lines = {}};
  const wslay_event_callbacks callbacks = {.recv_callback = &read_input,
                                           .send_callback = nullptr,
                                           .genmask_callback = nullptr,
                                           .on_frame_recv_start_callback = nullptr,
                                           .on_frame_recv_chunk_callback = nullptr,
                                           .on_frame_recv_end_callback = nullptr,
                                           .on_msg_recv_callback = &received};
  wslay_event_context_ptr context = nullptr;
  CHECK_EQ(wslay_event_context_server_init(&context, &callbacks, &reader), 0);
  wslay_event_config_set_max_recv_msg_length(context, message_bytes);
  while (wslay_event_want_read(context) && wslay_event_recv(context) == 0 &&
         !reader.input.empty()) {
  }
  wslay_event_context_free(context);
  return reader.lines;
}

}  // namespace millrace
