// Who published, as a header of a message: base64 of {"user","client","conn_info","chan_info"}. An
// application may write it too, and anybody may write anything: what is not as it has to be is
// nobody in particular. Pure but for the validator's buffers.
#pragma once

#include <cstddef>
#include <string>

#include "core/base/bytes.h"
#include "core/hub/client_info.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr char kInfoHeader[] = "Millrace-Info";
// Of the header's value. A larger info is not sent: the publication is nobody's then.
inline constexpr std::size_t kMaxInfoHeader = std::size_t{16} * 1024;

// Empty for an empty info and for one that is too large.
std::string info_to_header(const ClientInfo& info);
// As pack_client_info() makes it; empty for what is none.
OwnedBytes info_of_header(JsonValidator& validator, Bytes value);

}  // namespace millrace
