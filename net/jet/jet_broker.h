// The broker of the namespaces whose channels have a stream at NATS (design decision 10; what it
// promises: docs/HISTORY.md).
//
//   application -> subject -> stream -> `millrace.out.` -> on_nats_message() -> track -> hub
//   client publish -> JetPublisher -> stream, acknowledged
//   recovery, history -> the track's window, or StreamReader -> the stream
//
// A track (channel_track.h) is the shard's knowledge of a channel that it listens to. It passes
// every publication on in the stream's order, each once, nothing missing: a hole is closed from the
// stream before anything newer is shown, and what can't be closed ends the subscriptions that were
// promised to be told (BrokerEvents::on_position()). That nothing is missing at the end is known
// from the leader's top: asked when somebody joins, at the checks of positions, after a reconnect
// and after an election.
//
// Owner: the shard; made, used and destroyed on its thread. Limits: JetLimits.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/hub/broker.h"
#include "core/mem/slab.h"
#include "core/time/clock.h"
#include "net/jet/channel_track.h"
#include "net/jet/edge_cache.h"
#include "net/jet/jet_publisher.h"
#include "net/jet/jet_remover.h"
#include "net/jet/stream_keeper.h"
#include "net/jet/stream_reader.h"

namespace millrace {

// Of one shard.
struct JetLimits {
  std::size_t cache_bytes = EdgeCache::kBytes;
  std::size_t page_bytes = 512U * 1024U;         // of one answer, as StreamStoreLimits has it
  std::uint32_t channels = 1'048'576;            // tracks
  std::uint32_t questions = 65'536;              // that wait; more are refused, which is temporary
  std::uint32_t filling = 4'096;                 // channels with a hole
  std::uint32_t held_messages = 4'096;           // of one of them
  std::size_t held_bytes = 16U * 1024U * 1024U;  // of all of them
};

class JetBroker final : public Broker,
                        private NatsListener,
                        private NatsFollower,
                        private StreamEvents,
                        private StreamReaderEvents,
                        private PublisherEvents,
                        private RemoverEvents,
                        private TimerHandler {
 public:
  // Before an SDK gives up its connection, which it does when a subscribe takes 5 s.
  static constexpr Duration kAnswerPatience = seconds(4);
  // How long a hole may take to be closed: an election takes up to 16 s.
  static constexpr Duration kFillPatience = seconds(30);
  // A top that the leader told so long ago serves who comes now.
  static constexpr Duration kCheckLife = seconds(1);
  // How long a message that the leader has may be on its way here.
  static constexpr Duration kGrace = milliseconds(50);
  // Of tracks that are in doubt: so many are asked about at a time.
  static constexpr std::uint32_t kDoubtsOut = 256;
  // Of tracks of a stream that was made again: so many are told in a step, so far apart.
  static constexpr std::uint32_t kRenewStep = 256;
  static constexpr Duration kRenewPause = milliseconds(10);

  // All but namespaces and limits must outlive it; the port is not drained after it is gone.
  // What the shard lends; each outlives the broker.
  struct Loan {
    BrokerEvents& events;
    TimerWheel& timers;
    CalendarClock& calendar;
    Random& random;
    ShardMetrics& metrics;
  };

  JetBroker(NatsPort& port, const std::vector<JetNamespace>& namespaces, const Loan& loan,
            const JetLimits& limits);
  ~JetBroker() override;

  // Whether the channel's namespace has a stream.
  [[nodiscard]] bool covers(Bytes channel) const;

  // REQUIRES of all: covers(channel).
  [[nodiscard]] bool add_interest(Bytes channel, InterestToken token) override;
  void remove_interest(Bytes channel) override;
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now) override;
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now) override;
  void remove_history(Bytes channel, RequestToken token, Instant now) override;
  // Streams know nobody.
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) override;
  void add_member(Bytes, const ClientInfo&, const PresenceOptions&, Instant) override {}
  void remove_member(Bytes, Bytes, Instant) override {}
  [[nodiscard]] BrokerStatus status() const override;

  [[nodiscard]] const EdgeCache& cache() const { return cache_; }

 private:
  using State = ChannelTrack::State;
  // Whose a reader's token is, above the id.
  static constexpr unsigned kAskerShift = 60;
  enum class Asker : std::uint8_t { kCheck, kFill, kQuestion };

  // One read_history() that is not answered yet.
  struct Question {
    std::string channel;
    std::uint32_t stream = 0;
    HistoryQuery query;
    StreamOptions options;
    RequestToken token = 0;
    Instant until{};
    SlotId track;                // generation 0: the shard does not listen to the channel
    std::optional<SlotId> read;  // at the reader
    std::uint64_t floor = 0;     // up to where it reads
    TopAnswer top;               // if it has no track
  };
  // What is known of a channel when a question is answered.
  struct View {
    StreamPosition top;
    std::uint64_t newest = 0;
    std::uint64_t sure = 0;
    std::uint64_t floor = 0;
    bool empty = false;
    const CacheWindow* window = nullptr;  // nothing without a track
  };
  struct Interest {  // of a namespace: one wildcard subscription
    std::optional<NatsSubscriptionId> subscription;
    std::uint32_t channels = 0;
  };

  // --- jet_broker.cc: interest and publications
  void on_nats_subscribed(NatsSubscriptionId id, Instant now) override;
  void on_stored(RequestToken token, std::uint32_t stream, PublishOutcome outcome,
                 std::uint64_t sequence) override;
  void on_removed(RequestToken token, std::uint32_t stream, bool ok, std::uint64_t top) override;
  ChannelTrack* find(Bytes channel);
  void listen(ChannelTrack& track);
  void listen_no_more(ChannelTrack& track);
  [[nodiscard]] bool covered(const ChannelTrack& track) const;

  // --- jet_broker_live.cc: what comes by
  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void take(ChannelTrack& track, LiveMessage message, Instant now);
  void take_behind_all(ChannelTrack& track, LiveMessage message, Instant now);
  void pass_on(ChannelTrack& track, LiveMessage message, Instant now);
  void removed(ChannelTrack& track, Bytes until);

  // --- jet_broker_holes.cc: what is missing
  void fill(ChannelTrack& track, std::uint64_t until, bool verify_only, Instant now);
  void suspect_life(ChannelTrack& track, LiveMessage message, Instant now);
  void hold(ChannelTrack& track, LiveMessage message, Instant now);
  void on_fill(ChannelTrack& track, ReadAnswer answer, Instant now);
  void on_same_life(ChannelTrack& track, Instant now);
  void lose(ChannelTrack& track, std::uint64_t position);
  void lose_hole(ChannelTrack& track, std::vector<JetPublication> found, Instant now);
  void resume(SlotId id, std::deque<LiveMessage> held, Instant now);
  std::deque<LiveMessage> end_filling(ChannelTrack& track);

  // --- jet_broker_checks.cc: tops and lives
  void on_nats_up(Instant now) override;
  void on_nats_down(Instant /*now*/) override {}
  void on_stream_told(std::uint32_t stream, Instant now) override;
  void on_stream_reborn(std::uint32_t stream, Instant now) override;
  void on_stream_suspect(std::uint32_t stream, Instant now) override;
  void on_top(std::uint64_t token, const TopAnswer& answer, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;
  void check(ChannelTrack& track, Instant now);
  void on_check(ChannelTrack& track, const TopAnswer& answer, Instant now);
  void take_top(ChannelTrack& track, const TopAnswer& answer, Instant now);
  void doubt(ChannelTrack& track);
  void pump_doubts(Instant now);
  void serve(ChannelTrack& track, Instant now);
  void renew(ChannelTrack& track, Instant now);
  void renew_some(Instant now);
  void look_at_late(Instant now);
  void set_timer();

  // --- jet_broker_history.cc: questions
  void on_read(std::uint64_t token, ReadAnswer answer, Instant now) override;
  void ask(Question question, Instant now);
  void ask_alone(SlotId id, Instant now);
  void answer_from(SlotId id, const View& view, Instant now);
  void read_for(SlotId id, const View& view, Instant now);
  void on_question_read(SlotId id, const ReadAnswer& answer, Instant now);
  [[nodiscard]] View view_of(ChannelTrack& track, const StreamOptions& options, Instant now);
  [[nodiscard]] static View view_of(const TopAnswer& top);
  void answer(SlotId id, const HistoryPage& page);
  void refuse(SlotId id);
  void answer_page(SlotId id, const View& view, const ReadAnswer* read);

  static std::uint64_t token_of(Asker asker, SlotId id);

  NatsPort& port_;
  BrokerEvents& events_;
  TimerWheel& timers_;
  CalendarClock& calendar_;
  ShardMetrics& metrics_;
  const JetLimits limits_;
  JetPayloads payloads_;
  StreamKeeper keeper_;
  StreamReader reader_;
  JetPublisher publisher_;
  JetRemover remover_;
  EdgeCache cache_;
  Slab<ChannelTrack> tracks_;
  boost::unordered_flat_map<std::string, SlotId, BytesHash, std::equal_to<>> by_name_;
  boost::unordered_flat_map<std::uint32_t, SlotId> by_subscription_;  // the port's index
  std::vector<Interest> wildcards_;                                   // by stream
  Slab<Question> questions_;
  std::deque<SlotId> doubts_;
  std::uint32_t doubts_out_ = 0;
  std::deque<SlotId> renewals_;  // tracks of an older life
  Instant renew_at_{};
  std::deque<std::pair<Instant, SlotId>> ends_;  // of questions
  std::deque<std::pair<Instant, SlotId>> late_;  // whose top has not come by yet
  std::vector<SlotId> suspects_;                 // tracks that wait for the keeper
  std::uint32_t filling_ = 0;
  std::size_t held_bytes_ = 0;
  Instant now_{};  // of the last thing that came with a time
  Timer timer_;
};

}  // namespace millrace
