// What the stream of a namespace is to be, and how what is there differs. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/stream.h"
#include "core/time/instant.h"

namespace millrace {

// Of a namespace with history. Constant after the start.
struct JetNamespace {
  std::string name;
  StreamOptions kept;
  std::size_t bytes = std::size_t{1} << 30;  // on the disk of each replica
  std::uint32_t replicas = 1;
  bool prefix_interest = false;  // one wildcard subscription for all its channels

  bool operator==(const JetNamespace&) const = default;
};

struct StreamPlan {
  std::string name;
  std::vector<std::string> subjects;
  std::string republish_source;
  std::string republish_destination;
  // One more than the history, so that who missed all of it is known to have missed no more.
  std::uint64_t per_subject = 0;
  std::int64_t age_ns = 0;
  std::int64_t duplicates_ns = 0;  // how long message ids are remembered
  std::size_t bytes = 0;
  std::uint32_t replicas = 1;
};

StreamPlan plan_stream(Bytes prefix, const JetNamespace& name_space);

// The body of STREAM.CREATE and STREAM.UPDATE.
std::string stream_config_json(const StreamPlan& plan);

enum class StreamFit : std::uint8_t {
  kSame,
  kDiffers,  // an update can mend it
  kForeign,  // nothing can but a person
};
struct StreamVerdict {
  StreamFit fit = StreamFit::kSame;
  std::string what;         // differs: "max_age is 1000 and not 2000, ..."
  bool keeps_more = false;  // of a subject than before
};
// `config` is the one that the server reports: accepted by JsonValidator.
StreamVerdict judge_stream(const StreamPlan& plan, Bytes config);

// The epoch of a stream's life: its name and when it was created.
Epoch stream_epoch(Bytes name, Bytes created);

}  // namespace millrace
