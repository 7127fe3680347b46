#include "bench/load/client_flat.h"

#include <cstring>

#include "proto/flat_writer.h"
#include "proto/millrace_generated.h"
#include "tests/support/flat_command.h"

namespace millrace::load {
namespace {

constexpr std::size_t kPrefix = 4;

void append_command(std::string& out, std::uint32_t id, flat::CommandBody type,
                    const FlatTable& fields) {
  FlatMessage message(out, flat::CommandIdentifier());
  message.table(begin_flat_command(message, id, type), fields);
  message.finish();
}

Bytes view(const flatbuffers::String* text) {
  return text == nullptr ? Bytes() : Bytes(text->c_str(), text->size());
}

void read_body(const flat::ServerMessage& message, ServerLine& read) {
  if (message.body_as_Ping() != nullptr) {
    read.kind = ServerLine::Kind::kPing;
  } else if (const auto* unsubscribe = message.body_as_UnsubscribePush()) {
    read.kind = ServerLine::Kind::kUnsubscribe;
    read.channel = view(unsubscribe->channel());
  } else if (const auto* push = message.body_as_PublicationPush()) {
    read.kind = ServerLine::Kind::kPublication;
    read.channel = view(push->channel());
    if (push->publication() == nullptr || push->publication()->data() == nullptr) return;
    const auto& data = *push->publication()->data();
    read.rest = Bytes(reinterpret_cast<const char*>(data.data()), data.size());
    read.offset = push->publication()->offset();
  }
}

}  // namespace

void append_flat_connect(std::string& out, Bytes token) {
  append_command(out, kConnectId, flat::CommandBody::Connect,
                 FlatTable().text(flat::Connect::VT_TOKEN, token));
}

void append_flat_subscribe(std::string& out, std::uint32_t id, Bytes channel,
                           const SubscribeFrom& from) {
  FlatTable fields = FlatTable().text(flat::Subscribe::VT_CHANNEL, channel);
  if (from.recoverable) fields.number(flat::Subscribe::VT_RECOVERABLE, std::uint8_t{1});
  if (!from.epoch.empty()) {
    fields.number(flat::Subscribe::VT_RECOVER, std::uint8_t{1})
        .text(flat::Subscribe::VT_EPOCH, from.epoch)
        .number(flat::Subscribe::VT_OFFSET, from.offset);
  }
  append_command(out, id, flat::CommandBody::Subscribe, fields);
}

void append_flat_publish(std::string& out, std::uint32_t id, Bytes channel, Bytes data) {
  append_command(
      out, id, flat::CommandBody::Publish,
      FlatTable().text(flat::Publish::VT_CHANNEL, channel).bytes(flat::Publish::VT_DATA, data));
}

void append_flat_pong(std::string& out) {
  append_command(out, 0, flat::CommandBody::Pong, FlatTable());
}

std::optional<ServerLine> FlatMessages::take(Bytes& frame) {
  if (frame.size() < kPrefix) return std::nullopt;
  std::uint32_t length = 0;
  std::memcpy(&length, frame.data(), kPrefix);
  const std::size_t size = kPrefix + flatbuffers::EndianScalar(length);
  if (size > frame.size()) return std::nullopt;
  words_.resize(size / sizeof(words_[0]) + 1);
  std::memcpy(words_.data(), frame.data(), size);
  frame.remove_prefix(size);
  const auto* const start = reinterpret_cast<const std::uint8_t*>(words_.data());
  flatbuffers::Verifier verifier(start, size);
  if (!verifier.VerifySizePrefixedBuffer<flat::ServerMessage>(flat::CommandIdentifier())) {
    return std::nullopt;
  }
  const auto* const message = flatbuffers::GetSizePrefixedRoot<flat::ServerMessage>(start);
  ServerLine read;
  if (message->id() == 0) {
    read_body(*message, read);
    return read;
  }
  read.kind = ServerLine::Kind::kReply;
  read.id = message->id();
  if (const auto* error = message->body_as_ErrorResult()) read.error = error->code();
  return read;
}

SubscribeAnswer FlatMessages::subscribe_answer() const {
  SubscribeAnswer answer;
  const auto* const start = reinterpret_cast<const std::uint8_t*>(words_.data());
  const auto* const result =
      flatbuffers::GetSizePrefixedRoot<flat::ServerMessage>(start)->body_as_SubscribeResult();
  if (result == nullptr) return answer;
  answer.epoch = view(result->epoch());
  answer.offset = result->offset();
  answer.was_recovering = result->was_recovering();
  answer.recovered = result->recovered();
  if (result->publications() == nullptr) return answer;
  for (const flat::Publication* publication : *result->publications()) {
    const auto* const data = publication->data();
    if (data == nullptr) continue;
    answer.publications.push_back(
        {{reinterpret_cast<const char*>(data->data()), data->size()}, publication->offset()});
  }
  return answer;
}

}  // namespace millrace::load
