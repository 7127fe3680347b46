#include "proto/push_encoder.h"

#include "core/base/assert.h"
#include "proto/json_string.h"

namespace millrace {

void append_publication_push(std::string& out, const PublicationPush& push) {
  CHECK(!push.data.empty());
  // Room for the fixed parts and an offset; only escapes in the names can ask for more.
  constexpr std::size_t kFixed = 128;
  out.reserve(out.size() + kFixed + push.channel.size() + push.data.size() + push.info.user.size() +
              push.info.client.size());
  out.append("{\"push\":{\"channel\":");
  append_json_string(out, push.channel);
  out.append(",\"pub\":{\"data\":").append(push.data);
  if (!push.info.client.empty()) {
    out.append(",\"info\":{\"user\":");
    append_json_string(out, push.info.user);
    out.append(",\"client\":");
    append_json_string(out, push.info.client);
    out.push_back('}');
  }
  if (push.offset != 0) out.append(",\"offset\":").append(std::to_string(push.offset));
  out.append("}}}");
}

}  // namespace millrace
