#include "core/hub/stream_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {

// Spans are the operator's; the end of time is the end of time.
Instant later(Instant at, Duration span) {
  return span >= Instant::never() - at ? Instant::never() : at + span;
}

bool too_old(const StoredPublication& publication, Duration age, Instant now) {
  return later(publication.at, age) <= now;
}

bool forgettable(const Stream& stream, Instant now) {
  return later(stream.used, stream.meta_age) <= now;
}

// When there is something to do.
Instant due_of(const Stream& stream) {
  return stream.window.empty() ? later(stream.used, stream.meta_age)
                               : later(stream.window.at(0).at, stream.age);
}

}  // namespace

StreamStore::StreamStore(const StreamStoreLimits& limits, Random& random, ShardMetrics& metrics)
    : limits_(limits), random_(random), metrics_(metrics) {
  CHECK_GT(limits.streams, 0U);
}

StreamStore::~StreamStore() {
  while (!heap_.empty()) forget(*heap_.back());
  CHECK_EQ(publications_, 0U);
  CHECK_EQ(bytes_, 0U);
}

StreamPosition StreamStore::append(Bytes channel, Bytes data, const ClientInfo& info,
                                   const StreamOptions& options, Instant now) {
  shard_.verify();
  CHECK(options.kept());
  sweep_some(now, kSweepOfAppend);
  Stream& stream = use(channel, options, now);
  while (stream.window.size() >= options.size) drop_oldest(stream);
  ++stream.top;
  keep(stream, make_stored_publication(data, info, now));
  make_room();
  schedule(stream);
  tell_metrics();
  return {stream.top, stream.epoch};
}

HistoryPage StreamStore::read(Bytes channel, const HistoryQuery& query,
                              const StreamOptions& options, Instant now) {
  shard_.verify();
  Stream& stream = use(channel, options, now);
  schedule(stream);
  ++metrics_.history_reads_total;
  tell_metrics();
  HistoryPage page{.top = {stream.top, stream.epoch}};
  if (query.since && !query.since->epoch.none() && query.since->epoch != stream.epoch) {
    page.outcome = HistoryOutcome::kWrongEpoch;
    return page;
  }
  collect(stream, query, page);
  return page;
}

void StreamStore::collect(const Stream& stream, const HistoryQuery& query, HistoryPage& page) {
  page_.clear();
  if (page_.capacity() > kKeptPage) page_.shrink_to_fit();
  const std::uint64_t first = stream.top - stream.window.size() + 1;
  const std::uint64_t end = stream.top + 1;
  std::uint64_t from = first;
  std::uint64_t until = end;
  if (query.since && !query.reverse) from = std::max(from, std::min(query.since->offset, end) + 1);
  if (query.since && query.reverse) until = std::min(until, query.since->offset);
  const std::uint64_t there = until > from ? until - from : 0;
  std::uint64_t taken = 0;
  std::size_t bytes = 0;
  for (; taken < std::min<std::uint64_t>(there, query.limit); ++taken) {
    const std::uint64_t offset = query.reverse ? until - 1 - taken : from + taken;
    const StoredPublication& publication =
        stream.window.at(static_cast<std::uint32_t>(offset - first));
    bytes += publication.payload_bytes() + kPageEnvelope;
    if (taken > 0 && bytes > limits_.page_bytes) break;
    if (mutated(Mutant::kLostPublication) && offset % 4 == 0) continue;
    page_.push_back({offset, publication.data(), publication.info()});
  }
  page.publications = page_;
  page.complete = query.since && !query.reverse && query.since->offset <= stream.top &&
                  taken == stream.top - query.since->offset;
}

StreamPosition StreamStore::remove(Bytes channel, Instant now) {
  shard_.verify();
  Stream* stream = find(channel, now);
  if (stream != nullptr) {
    drop_all(*stream);
    touch(*stream, now);
    schedule(*stream);
  }
  tell_metrics();
  return stream == nullptr ? StreamPosition() : StreamPosition{stream->top, stream->epoch};
}

void StreamStore::forget(Bytes channel) {
  shard_.verify();
  if (by_name_.empty()) return;
  const auto it = by_name_.find(channel);
  if (it == by_name_.end()) return;
  forget(**it);
  tell_metrics();
}

// --- streams -------------------------------------------------------------------------------------

Stream* StreamStore::find(Bytes channel, Instant now) {
  const auto it = by_name_.find(channel);
  if (it == by_name_.end()) return nullptr;
  Stream& stream = **it;
  drop_old(stream, now, UINT32_MAX);
  if (!forgettable(stream, now)) return &stream;
  forget(stream);
  return nullptr;
}

Stream& StreamStore::use(Bytes channel, const StreamOptions& options, Instant now) {
  Stream* found = find(channel, now);
  Stream& stream = found == nullptr ? add(channel) : *found;
  touch(stream, now);
  stream.age = options.age;
  stream.meta_age = std::max(options.meta_age, options.age);
  drop_old(stream, now, UINT32_MAX);
  while (stream.window.size() > options.size) drop_oldest(stream);
  return stream;
}

void StreamStore::touch(Stream& stream, Instant now) {
  stream.used = now;
  list_of(stream).remove(stream);
  list_of(stream).push_back(stream);
}

Stream& StreamStore::add(Bytes channel) {
  if (by_name_.size() >= limits_.streams) make_room_for_stream();
  CHECK_LE(channel.size(), UINT32_MAX);
  Tailed<Stream> made = make_tailed<Stream>(channel.size());
  Stream& stream = *made;
  stream.name_size = static_cast<std::uint32_t>(channel.size());
  if (!channel.empty()) std::memcpy(tail_of(stream), channel.data(), channel.size());
  stream.epoch = Epoch::of_bits(random_.next());
  stream.due = Instant::never();
  const bool inserted = by_name_.insert(std::move(made)).second;
  CHECK(inserted);
  without_.push_back(stream);
  heap_.push_back(nullptr);
  put(stream, static_cast<std::uint32_t>(heap_.size() - 1));
  return stream;
}

void StreamStore::forget(Stream& stream) {
  drop_all(stream);
  without_.remove(stream);
  leave_heap(stream);
  const auto it = by_name_.find(stream.name());
  CHECK(it != by_name_.end());
  by_name_.erase(it);
  // What was made for a crowd goes when the crowd has gone.
  const std::size_t left = by_name_.size();
  if (left == 0 || left < by_name_.bucket_count() / 8) by_name_.rehash(0);
}

void StreamStore::make_room_for_stream() {
  Stream& victim = *(without_.empty() ? with_ : without_).front();
  ++metrics_.history_streams_evicted_total;
  metrics_.history_evicted_total[static_cast<std::size_t>(HistoryEviction::kStreams)] +=
      victim.window.size();
  forget(victim);
}

// The newest of all goes too if it is more than all the room there is.
void StreamStore::make_room() {
  while (publications_ > limits_.publications || bytes_ > limits_.bytes) {
    const auto reason = publications_ > limits_.publications ? HistoryEviction::kPublications
                                                             : HistoryEviction::kBytes;
    ++metrics_.history_evicted_total[static_cast<std::size_t>(reason)];
    drop_oldest(*all_.front()->stream);
  }
}

// --- publications --------------------------------------------------------------------------------

StreamStore::StreamList& StreamStore::list_of(const Stream& stream) {
  return stream.window.empty() ? without_ : with_;
}

void StreamStore::keep(Stream& stream, StoredPublicationOwner publication) {
  list_of(stream).remove(stream);
  publication->stream = &stream;
  all_.push_back(*publication);
  ++publications_;
  bytes_ += publication->bytes();
  stream.window.push(std::move(publication));
  list_of(stream).push_back(stream);
}

void StreamStore::drop_oldest(Stream& stream) {
  const StoredPublicationOwner publication = stream.window.pop();
  CHECK(publication->stream == &stream);
  all_.remove(*publication);
  --publications_;
  bytes_ -= publication->bytes();
  if (!stream.window.empty()) return;
  with_.remove(stream);
  without_.push_back(stream);
}

void StreamStore::drop_all(Stream& stream) {
  while (!stream.window.empty()) drop_oldest(stream);
}

std::uint32_t StreamStore::drop_old(Stream& stream, Instant now, std::uint32_t most) {
  std::uint32_t dropped = 0;
  while (dropped < most && !stream.window.empty() &&
         too_old(stream.window.at(0), stream.age, now)) {
    drop_oldest(stream);
    ++dropped;
  }
  return dropped;
}

void StreamStore::tell_metrics() {
  metrics_.history_streams = by_name_.size();
  metrics_.history_publications = publications_;
  metrics_.history_bytes = bytes_;
}

// --- what is due ---------------------------------------------------------------------------------

Instant StreamStore::next_sweep() const {
  return heap_.empty() ? Instant::never() : heap_.front()->due;
}

Instant StreamStore::sweep(Instant now) {
  shard_.verify();
  sweep_some(now, kSweepWork);
  tell_metrics();
  return next_sweep();
}

void StreamStore::sweep_some(Instant now, std::uint32_t work) {
  while (work > 0 && next_sweep() <= now) {
    Stream& stream = *heap_.front();
    work -= drop_old(stream, now, work);
    if (stream.window.empty() && forgettable(stream, now)) {
      forget(stream);
    } else {
      stream.due = due_of(stream);
      sift_down(stream);
    }
    work -= std::min(work, 1U);
  }
}

// What comes later than `due` says is found when the sweeper looks; so a use costs nothing here.
void StreamStore::schedule(Stream& stream) {
  const Instant due = due_of(stream);
  if (due >= stream.due) return;
  stream.due = due;
  sift_up(stream);
}

void StreamStore::put(Stream& stream, std::uint32_t place) {
  heap_[place] = &stream;
  stream.place = place;
}

void StreamStore::sift_up(Stream& stream) {
  std::uint32_t place = stream.place;
  while (place > 0) {
    const std::uint32_t parent = (place - 1) / 2;
    if (heap_[parent]->due <= stream.due) break;
    put(*heap_[parent], place);
    place = parent;
  }
  put(stream, place);
}

void StreamStore::sift_down(Stream& stream) {
  std::uint32_t place = stream.place;
  while (true) {
    std::size_t child = std::size_t{place} * 2 + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due < heap_[child]->due) ++child;
    if (heap_[child]->due >= stream.due) break;
    put(*heap_[child], place);
    place = static_cast<std::uint32_t>(child);
  }
  put(stream, place);
}

void StreamStore::leave_heap(Stream& stream) {
  CHECK(heap_[stream.place] == &stream);
  Stream& last = *heap_.back();
  heap_.pop_back();
  if (&last != &stream) {
    put(last, stream.place);
    sift_up(last);
    sift_down(last);
  }
  if (heap_.size() <= heap_.capacity() / 4) heap_.shrink_to_fit();
}

std::size_t StreamStore::validate_window(const Stream& stream) {
  CHECK_LE(stream.window.size(), stream.top);
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < stream.window.size(); ++i) {
    const StoredPublication& publication = stream.window.at(i);
    CHECK(publication.stream == &stream);
    if (i > 0) CHECK(stream.window.at(i - 1).at <= publication.at);
    bytes += publication.bytes();
  }
  return bytes;
}

void StreamStore::validate() {
  CHECK_EQ(heap_.size(), by_name_.size());
  std::size_t publications = 0;
  std::size_t bytes = 0;
  for (const Tailed<Stream>& stream : by_name_) {
    CHECK(heap_[stream->place] == stream.get());
    if (stream->place > 0) CHECK(heap_[(stream->place - 1) / 2]->due <= stream->due);
    CHECK(stream->due <= due_of(*stream));
    publications += stream->window.size();
    bytes += validate_window(*stream);
  }
  CHECK_EQ(publications, publications_);
  CHECK_EQ(bytes, bytes_);
  CHECK_LE(publications, limits_.publications);
  CHECK_LE(bytes, limits_.bytes);
  CHECK_LE(by_name_.size(), limits_.streams);
}

}  // namespace millrace
