// The streams of the channels that one shard owns: what was published lately, and where each
// channel stands.
//
//   streams, by name -> window of publications, oldest first
//   list of all publications by age, lists of streams by use, heap of streams by what is due next
//
// A publication goes when its channel keeps more than StreamOptions.size of them, when it is older
// than StreamOptions.age, by remove(), or for want of room over all channels (StreamStoreLimits):
// the oldest of all first, and counted. A channel's window has no holes: it is always the last so
// many. A stream, which is top and epoch, is forgotten meta_age after its last use, or for want of
// room: the least recently used one without publications first, then the least recently used. The
// going of its last publication counts as a use there.
//
// Time has passed for a stream when it is used, whether or not the sweeper has come by: what is too
// old is never shown. sweep() gives back the memory of what nobody asks for.
//
// Owner: the broker of a shard. No clock inside: `now` is an argument and never goes back.
// docs/HISTORY.md tells what is promised, and what it costs.
//
// Invariants (validate()):
//  1. A stream's window holds the publications with offsets top - size + 1 to top.
//  2. The list of publications holds exactly those in windows, by the time of their publication.
//  3. A stream is in the list that its window says, and in the heap at its `place`, with a `due`
//     that is not later than what it has to do next.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/intrusive_list.h"
#include "core/base/random.h"
#include "core/base/shard_check.h"
#include "core/hub/stream.h"
#include "core/hub/stream_window.h"
#include "core/mem/tailed.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"

namespace millrace {

// Of one shard, over all of its channels.
struct StreamStoreLimits {
  // Of publications: data, info and 40 bytes each. Lists and names come on top.
  std::size_t bytes = 256U * 1024U * 1024U;
  std::uint32_t publications = 1'048'576;
  std::uint32_t streams = 1'048'576;
  // Of one page, data, info and kPageEnvelope each; it holds one publication at least.
  std::size_t page_bytes = 512U * 1024U;
};

// Its name follows it in memory.
struct Stream {
  ListLink<Stream> by_use;
  StreamWindow window;
  std::uint32_t name_size = 0;
  std::uint32_t place = 0;  // in the heap
  std::uint64_t top = 0;
  Epoch epoch;
  Instant used{};
  // By the options of the last use.
  Duration age{};
  Duration meta_age{};  // not less than `age`
  Instant due{};        // when the sweeper looks at it; never later than there is something to do

  [[nodiscard]] Bytes name() const { return {tail_of(*this), name_size}; }
};
static_assert(sizeof(Stream) == 96, "docs/HISTORY.md tells what a stream costs");

class StreamStore {
 public:
  // What a client is told around a publication.
  static constexpr std::size_t kPageEnvelope = 128;

  // All but `limits` must outlive it. Epochs are made of `random`.
  StreamStore(const StreamStoreLimits& limits, Random& random, ShardMetrics& metrics);
  ~StreamStore();
  StreamStore(const StreamStore&) = delete;
  StreamStore& operator=(const StreamStore&) = delete;

  // The position that the publication got. One that is larger than all room is not kept.
  // REQUIRES: options.kept().
  StreamPosition append(Bytes channel, Bytes data, const ClientInfo& info,
                        const StreamOptions& options, Instant now);
  // Makes the stream of a channel without one. Views live until the next call.
  // Without `since`, or in reverse, no page is `complete`.
  HistoryPage read(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                   Instant now);
  // Drops what is kept. The top, and no position at all if the channel has no stream.
  StreamPosition remove(Bytes channel, Instant now);

  // Forgets the stream, if the channel has one: the next has another epoch.
  void forget(Bytes channel);

  // Gives up what is too old: at most kSweepWork publications and streams. When it next wants to be
  // called; not later than `now` if there is more to do, never() if there is nothing.
  Instant sweep(Instant now);
  // The same without doing anything.
  [[nodiscard]] Instant next_sweep() const;

  [[nodiscard]] std::size_t streams() const { return by_name_.size(); }
  [[nodiscard]] std::uint32_t publications() const { return publications_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // Walks everything and CHECKs the invariants. O(n): tests.
  void validate();

  static constexpr std::uint32_t kSweepWork = 1'024;

 private:
  // Every append gives up so many, so that what comes in does not outrun the sweeper.
  static constexpr std::uint32_t kSweepOfAppend = 4;
  // Room for so many stays between two pages.
  static constexpr std::size_t kKeptPage = 1'024;

  using StreamList = IntrusiveList<Stream, &Stream::by_use>;

  struct NameOf {
    Bytes operator()(Bytes name) const { return name; }
    Bytes operator()(const Tailed<Stream>& stream) const { return stream->name(); }
  };
  struct NameHash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const auto& key) const { return hash_bytes(NameOf()(key)); }
  };
  struct NameEqual {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return NameOf()(a) == NameOf()(b); }
  };

  // The stream as time has left it, or nullptr.
  Stream* find(Bytes channel, Instant now);
  Stream& use(Bytes channel, const StreamOptions& options, Instant now);
  void touch(Stream& stream, Instant now);
  Stream& add(Bytes channel);
  void forget(Stream& stream);
  void make_room_for_stream();
  void make_room();

  void keep(Stream& stream, StoredPublicationOwner publication);
  void drop_oldest(Stream& stream);
  void drop_all(Stream& stream);
  // Returns how many.
  std::uint32_t drop_old(Stream& stream, Instant now, std::uint32_t most);
  void collect(const Stream& stream, const HistoryQuery& query, HistoryPage& page);

  StreamList& list_of(const Stream& stream);
  void sweep_some(Instant now, std::uint32_t work);
  void schedule(Stream& stream);
  void sift_up(Stream& stream);
  void sift_down(Stream& stream);
  void put(Stream& stream, std::uint32_t place);
  void leave_heap(Stream& stream);
  void tell_metrics();
  // Returns its bytes.
  static std::size_t validate_window(const Stream& stream);

  const StreamStoreLimits limits_;
  Random& random_;
  ShardMetrics& metrics_;
  ShardCheck shard_;
  boost::unordered_flat_set<Tailed<Stream>, NameHash, NameEqual> by_name_;
  IntrusiveList<StoredPublication, &StoredPublication::by_age> all_;
  StreamList with_;            // publications
  StreamList without_;         // any
  std::vector<Stream*> heap_;  // by `due`
  std::vector<KeptPublication> page_;
  std::uint32_t publications_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace millrace
