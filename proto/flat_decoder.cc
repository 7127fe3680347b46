#include "proto/flat_decoder.h"

#include <algorithm>
#include <cstring>

#include "core/base/utf8.h"
#include "proto/millrace_generated.h"

namespace millrace {
namespace {

constexpr std::size_t kPrefix = 4;                // the size of what follows it
constexpr std::size_t kLeastMessage = 4 + 4 + 4;  // prefix, offset of the root, identifier
constexpr std::size_t kWord = sizeof(std::uint64_t);

// A command, its body, and tables in that: no newer client's either, since tables that this schema
// does not know are not entered.
constexpr std::uint32_t kMaxDepth = 3;
// One more subscription than there may be, so that it is refused by its own name.
constexpr std::uint32_t kMaxTables = 2 + FlatCommandDecoder::kMaxKnownSubscriptions + 1;

std::uint32_t size_at(Bytes bytes) {
  std::uint32_t size = 0;
  for (std::size_t i = kPrefix; i-- > 0;) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return size;
}

// Reads verified tables of one message.
class TableReader {
 public:
  TableReader(std::size_t message_bytes, std::vector<KnownSubscription>& known)
      : text_left_(message_bytes), known_(known) {}

  [[nodiscard]] Bytes reason() const { return reason_; }
  bool read(const flat::Command& from, Command& to);

 private:
  bool bad(Bytes why) {
    reason_ = why;
    return false;
  }
  bool text(const flatbuffers::String* from, Bytes& to);
  static void bytes(const flatbuffers::Vector<std::uint8_t>* from, Bytes& to);

  bool read_body(const flat::Command& from, Command& to);
  bool read(const flat::Connect& from, ConnectCommand& to);
  bool read(const flat::KnownSubscription& from, KnownSubscription& to);
  bool read(const flat::Subscribe& from, SubscribeCommand& to);
  bool read(const flat::History& from, HistoryCommand& to);

  std::size_t text_left_;
  std::vector<KnownSubscription>& known_;
  Bytes reason_;
};

bool TableReader::text(const flatbuffers::String* from, Bytes& to) {
  if (from == nullptr) return true;
  to = Bytes(from->c_str(), from->size());
  if (to.size() > text_left_) return bad("texts of a message share their bytes; write each apart");
  text_left_ -= to.size();
  return utf8_valid(to) || bad("a text is not valid UTF-8");
}

void TableReader::bytes(const flatbuffers::Vector<std::uint8_t>* from, Bytes& to) {
  if (from != nullptr) to = Bytes(reinterpret_cast<const char*>(from->data()), from->size());
}

bool TableReader::read(const flat::Command& from, Command& to) {
  if (from.body_type() == flat::CommandBody::NONE || from.body() == nullptr) {
    return bad("a command has no body");
  }
  if (!read_body(from, to)) return false;
  const bool without_id =
      std::holds_alternative<PongCommand>(to.body) || std::holds_alternative<SendCommand>(to.body);
  if (without_id) return true;
  to.id = from.id();
  return to.id != 0 || bad("a request has no id; number requests from 1");
}

bool TableReader::read_body(const flat::Command& from, Command& to) {
  switch (from.body_type()) {
    case flat::CommandBody::NONE:
      break;
    case flat::CommandBody::Pong:
      to.body = PongCommand{};
      return true;
    case flat::CommandBody::Connect:
      return read(*from.body_as_Connect(), to.body.emplace<ConnectCommand>());
    case flat::CommandBody::Subscribe:
      return read(*from.body_as_Subscribe(), to.body.emplace<SubscribeCommand>());
    case flat::CommandBody::Unsubscribe:
      return text(from.body_as_Unsubscribe()->channel(),
                  to.body.emplace<UnsubscribeCommand>().channel);
    case flat::CommandBody::Publish: {
      auto& publish = to.body.emplace<PublishCommand>();
      bytes(from.body_as_Publish()->data(), publish.data);
      return text(from.body_as_Publish()->channel(), publish.channel);
    }
    case flat::CommandBody::Presence:
      return text(from.body_as_Presence()->channel(), to.body.emplace<PresenceCommand>().channel);
    case flat::CommandBody::PresenceStats:
      return text(from.body_as_PresenceStats()->channel(),
                  to.body.emplace<PresenceStatsCommand>().channel);
    case flat::CommandBody::History:
      return read(*from.body_as_History(), to.body.emplace<HistoryCommand>());
    case flat::CommandBody::Rpc: {
      auto& rpc = to.body.emplace<RpcCommand>();
      bytes(from.body_as_Rpc()->data(), rpc.data);
      return text(from.body_as_Rpc()->method(), rpc.method);
    }
    case flat::CommandBody::Refresh:
      return text(from.body_as_Refresh()->token(), to.body.emplace<RefreshCommand>().token);
    case flat::CommandBody::SubRefresh: {
      auto& refresh = to.body.emplace<SubRefreshCommand>();
      return text(from.body_as_SubRefresh()->channel(), refresh.channel) &&
             text(from.body_as_SubRefresh()->token(), refresh.token);
    }
    case flat::CommandBody::Send:
      bytes(from.body_as_Send()->data(), to.body.emplace<SendCommand>().data);
      return true;
  }
  // Of a newer schema than ours.
  return bad("a command has a body that this server does not know");
}

bool TableReader::read(const flat::Connect& from, ConnectCommand& to) {
  bytes(from.data(), to.data);
  if (!text(from.token(), to.token) || !text(from.name(), to.name) ||
      !text(from.version(), to.version)) {
    return false;
  }
  if (from.subs() == nullptr) return true;
  if (from.subs()->size() > FlatCommandDecoder::kMaxKnownSubscriptions) {
    return bad("too many subs in one connect; send at most 1024");
  }
  known_.resize(from.subs()->size());
  for (flatbuffers::uoffset_t i = 0; i < from.subs()->size(); ++i) {
    known_[i] = {};
    if (!read(*from.subs()->Get(i), known_[i])) return false;
  }
  to.subs = known_;
  return true;
}

bool TableReader::read(const flat::KnownSubscription& from, KnownSubscription& to) {
  to.recover = from.recover();
  to.position.offset = from.offset();
  return text(from.channel(), to.channel) && text(from.epoch(), to.position.epoch);
}

bool TableReader::read(const flat::Subscribe& from, SubscribeCommand& to) {
  to.recover = from.recover();
  to.position.offset = from.offset();
  to.positioned = from.positioned();
  to.recoverable = from.recoverable();
  to.join_leave = from.join_leave();
  to.flag = from.flag();
  to.type = from.type();
  bytes(from.data(), to.data);
  return text(from.channel(), to.channel) && text(from.token(), to.token) &&
         text(from.epoch(), to.position.epoch) && text(from.delta(), to.delta);
}

bool TableReader::read(const flat::History& from, HistoryCommand& to) {
  to.limit = from.limit();
  to.reverse = from.reverse();
  if (!text(from.channel(), to.channel)) return false;
  if (from.since() == nullptr) return true;
  KnownPosition& since = to.since.emplace();
  since.offset = from.since()->offset();
  return text(from.since()->epoch(), since.epoch);
}

const flat::Command* verified(Bytes message) {
  const auto* const start = reinterpret_cast<const std::uint8_t*>(message.data());
  flatbuffers::Verifier::Options options;
  options.max_depth = kMaxDepth;
  options.max_tables = kMaxTables;
  flatbuffers::Verifier verifier(start, message.size(), options);
  if (!flat::VerifySizePrefixedCommandBuffer(verifier)) return nullptr;
  return flat::GetSizePrefixedCommand(start);
}

}  // namespace

bool FlatCommandDecoder::bad(Bytes why) {
  reason_ = why;
  return false;
}

CommandDecoder::Outcome FlatCommandDecoder::decode(Bytes frame, CommandSink& sink) {
  reason_ = {};
  words_used_ = 0;
  Bytes rest = frame;
  if (rest.empty()) bad("the frame is empty");
  for (std::size_t count = 0; !rest.empty(); ++count) {
    if (count == kMaxCommands) {
      bad("too many commands in one frame; send at most 1024");
      break;
    }
    Bytes message;
    if (!split(rest, message)) break;
    rest.remove_prefix(message.size());
    message = aligned(message, frame.size());
    const flat::Command* const from = verified(message);
    if (from == nullptr) {
      bad("a message is not a valid FlatBuffer of millrace.fbs, or has too many tables");
      break;
    }
    Command command;
    TableReader reader(message.size(), known_);
    if (!reader.read(*from, command)) {
      bad(reader.reason());
      break;
    }
    if (!sink.on_command(command, rest)) return Outcome::kStopped;
  }
  return reason_.empty() ? Outcome::kDone : Outcome::kBad;
}

bool FlatCommandDecoder::split(Bytes rest, Bytes& message) {
  if (rest.size() < kLeastMessage) return bad("a message is shorter than any can be");
  const std::size_t size = size_at(rest);
  if (size > rest.size() - kPrefix) return bad("a message's size goes beyond the frame");
  if (size < kLeastMessage - kPrefix) return bad("a message is shorter than any can be");
  if (size >= FLATBUFFERS_MAX_BUFFER_SIZE - kPrefix) return bad("a message is too large");
  message = rest.substr(0, kPrefix + size);
  return true;
}

Bytes FlatCommandDecoder::aligned(Bytes message, std::size_t frame_bytes) {
  if (reinterpret_cast<std::uintptr_t>(message.data()) % kWord == 0) return message;
  // Every message is rounded up to whole words.
  const std::size_t messages = std::min(kMaxCommands, frame_bytes / kLeastMessage);
  const std::size_t room = frame_bytes / kWord + messages + 1;
  if (words_used_ == 0 && words_.size() < room) words_.resize(room);
  std::uint64_t* const to = words_.data() + words_used_;
  words_used_ += (message.size() + kWord - 1) / kWord;
  std::memcpy(to, message.data(), message.size());
  return {reinterpret_cast<const char*>(to), message.size()};
}

}  // namespace millrace
