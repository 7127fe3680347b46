#include "proto/flat_encoder.h"

#include "proto/flat_writer.h"
#include "proto/millrace_generated.h"

namespace millrace {
namespace {

using flat::MessageBody;

// A server message with its body yet to be written.
class Envelope {
 public:
  Envelope(std::string& out, std::uint32_t id, MessageBody type)
      : message_(out, Bytes(flat::CommandIdentifier())) {
    message_.table(message_.root(),
                   FlatTable()
                       .number(flat::ServerMessage::VT_ID, id)
                       .number(flat::ServerMessage::VT_BODY_TYPE, static_cast<std::uint8_t>(type))
                       .child(flat::ServerMessage::VT_BODY, body_));
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  ~Envelope() { message_.finish(); }

  FlatMessage& message() { return message_; }
  [[nodiscard]] FlatPlace body() const { return body_; }
  void write(const FlatTable& fields) { message_.table(body_, fields); }

 private:
  FlatMessage message_;
  FlatPlace body_;
};

void write_info(FlatMessage& message, FlatPlace place, const ClientInfo& info) {
  using Table = flat::ClientInfo;
  message.table(place, FlatTable()
                           .text(Table::VT_USER, info.user)
                           .text(Table::VT_CLIENT, info.client)
                           .bytes(Table::VT_CONN_INFO, info.conn_info)
                           .bytes(Table::VT_CHAN_INFO, info.chan_info));
}

void write_publication(FlatMessage& message, FlatPlace place, const PublicationOut& publication) {
  using Table = flat::Publication;
  FlatPlace info;
  FlatTable fields;
  fields.number(Table::VT_OFFSET, publication.offset)
      .number(Table::VT_DELTA, publication.form == DataForm::kPatch)
      .bytes(Table::VT_DATA, publication.data);
  const bool has_info = !publication.info.empty();
  if (has_info) fields.child(Table::VT_INFO, info);
  message.table(place, fields);
  if (has_info) write_info(message, info, publication.info);
}

void write_publications(FlatMessage& message, FlatPlace place,
                        std::span<const PublicationOut> publications) {
  if (publications.empty()) return;
  FlatPlace each = message.tables(place, publications.size());
  for (const PublicationOut& publication : publications) {
    write_publication(message, each, publication);
    each = FlatMessage::next(each);
  }
}

void write_subscription(FlatMessage& message, FlatPlace place, const SubscribeResult& result) {
  using Table = flat::SubscribeResult;
  FlatPlace publications;
  FlatTable fields;
  fields.number(Table::VT_EXPIRES, result.expires)
      .number(Table::VT_TTL, result.ttl)
      .number(Table::VT_RECOVERABLE, result.recoverable)
      .number(Table::VT_POSITIONED, result.positioned)
      .text(Table::VT_EPOCH, result.epoch)
      .number(Table::VT_OFFSET, result.offset)
      .number(Table::VT_WAS_RECOVERING, result.was_recovering)
      .number(Table::VT_RECOVERED, result.recovered)
      .number(Table::VT_DELTA, result.delta)
      .bytes(Table::VT_DATA, result.data);
  if (!result.publications.empty()) fields.child(Table::VT_PUBLICATIONS, publications);
  message.table(place, fields);
  write_publications(message, publications, result.publications);
}

void write_membership(std::string& out, MessageBody type, Bytes channel, const ClientInfo& member) {
  // Joins and leaves have the same fields in the same places.
  using Table = flat::JoinPush;
  static_assert(int{Table::VT_CHANNEL} == int{flat::LeavePush::VT_CHANNEL});
  static_assert(int{Table::VT_INFO} == int{flat::LeavePush::VT_INFO});
  Envelope envelope(out, 0, type);
  FlatPlace info;
  envelope.write(FlatTable().text(Table::VT_CHANNEL, channel).child(Table::VT_INFO, info));
  write_info(envelope.message(), info, member);
}

}  // namespace

void FlatEncoder::connect(std::string& out, std::uint32_t id, const ConnectResult& result) const {
  using Table = flat::ConnectResult;
  using Sub = flat::ServerSubscription;
  Envelope envelope(out, id, MessageBody::ConnectResult);
  FlatPlace subs;
  FlatTable fields;
  fields.text(Table::VT_CLIENT, result.client)
      .text(Table::VT_VERSION, result.version)
      .number(Table::VT_EXPIRES, result.expires)
      .number(Table::VT_TTL, result.ttl)
      .number(Table::VT_PING, result.ping_seconds)
      .number(Table::VT_PONG, result.pong)
      .bytes(Table::VT_DATA, result.data)
      .text(Table::VT_SESSION, result.session)
      .text(Table::VT_NODE, result.node);
  if (!result.subs.empty()) fields.child(Table::VT_SUBS, subs);
  envelope.write(fields);
  if (result.subs.empty()) return;
  FlatMessage& message = envelope.message();
  FlatPlace each = message.tables(subs, result.subs.size());
  for (const ServerSubscription& sub : result.subs) {
    FlatPlace subscription;
    message.table(
        each, FlatTable().text(Sub::VT_CHANNEL, sub.channel).child(Sub::VT_RESULT, subscription));
    write_subscription(message, subscription, sub.result);
    each = FlatMessage::next(each);
  }
}

void FlatEncoder::subscribe(std::string& out, std::uint32_t id,
                            const SubscribeResult& result) const {
  Envelope envelope(out, id, MessageBody::SubscribeResult);
  write_subscription(envelope.message(), envelope.body(), result);
}

void FlatEncoder::unsubscribe(std::string& out, std::uint32_t id) const {
  Envelope(out, id, MessageBody::UnsubscribeResult).write({});
}

void FlatEncoder::publish(std::string& out, std::uint32_t id) const {
  Envelope(out, id, MessageBody::PublishResult).write({});
}

void FlatEncoder::presence(std::string& out, std::uint32_t id,
                           std::span<const ClientInfo> members) const {
  Envelope envelope(out, id, MessageBody::PresenceResult);
  FlatPlace list;
  FlatTable fields;
  if (!members.empty()) fields.child(flat::PresenceResult::VT_MEMBERS, list);
  envelope.write(fields);
  if (members.empty()) return;
  FlatPlace each = envelope.message().tables(list, members.size());
  for (const ClientInfo& member : members) {
    write_info(envelope.message(), each, member);
    each = FlatMessage::next(each);
  }
}

void FlatEncoder::presence_stats(std::string& out, std::uint32_t id, PresenceCounts counts) const {
  using Table = flat::PresenceStatsResult;
  Envelope(out, id, MessageBody::PresenceStatsResult)
      .write(FlatTable()
                 .number(Table::VT_CLIENTS, counts.clients)
                 .number(Table::VT_USERS, counts.users));
}

void FlatEncoder::history(std::string& out, std::uint32_t id, const HistoryResult& result) const {
  using Table = flat::HistoryResult;
  Envelope envelope(out, id, MessageBody::HistoryResult);
  FlatPlace publications;
  FlatTable fields;
  fields.text(Table::VT_EPOCH, result.epoch).number(Table::VT_OFFSET, result.offset);
  if (!result.publications.empty()) fields.child(Table::VT_PUBLICATIONS, publications);
  envelope.write(fields);
  write_publications(envelope.message(), publications, result.publications);
}

void FlatEncoder::rpc(std::string& out, std::uint32_t id, Bytes data) const {
  Envelope(out, id, MessageBody::RpcResult)
      .write(FlatTable().bytes(flat::RpcResult::VT_DATA, data));
}

void FlatEncoder::refresh(std::string& out, std::uint32_t id, const RefreshResult& result) const {
  using Table = flat::RefreshResult;
  Envelope(out, id, MessageBody::RefreshResult)
      .write(FlatTable()
                 .text(Table::VT_CLIENT, result.client)
                 .text(Table::VT_VERSION, result.version)
                 .number(Table::VT_EXPIRES, result.expires)
                 .number(Table::VT_TTL, result.ttl));
}

void FlatEncoder::sub_refresh(std::string& out, std::uint32_t id,
                              const SubRefreshResult& result) const {
  using Table = flat::SubRefreshResult;
  Envelope(out, id, MessageBody::SubRefreshResult)
      .write(
          FlatTable().number(Table::VT_EXPIRES, result.expires).number(Table::VT_TTL, result.ttl));
}

void FlatEncoder::error(std::string& out, std::uint32_t id, ErrorCode code) const {
  application_error(out, id, ErrorOut(code));
}

void FlatEncoder::application_error(std::string& out, std::uint32_t id,
                                    const ErrorOut& error) const {
  using Table = flat::ErrorResult;
  Envelope(out, id, MessageBody::ErrorResult)
      .write(FlatTable()
                 .number(Table::VT_CODE, error.code)
                 .text(Table::VT_MESSAGE, error.message)
                 .number(Table::VT_TEMPORARY, error.temporary));
}

void FlatEncoder::publication_push(std::string& out, Bytes channel,
                                   const PublicationOut& publication) const {
  using Table = flat::PublicationPush;
  // All but the payload and the names; room made once, so that growing copies nothing.
  constexpr std::size_t kFixed = 192;
  const ClientInfo& info = publication.info;
  out.reserve(out.size() + kFixed + channel.size() + publication.data.size() + info.user.size() +
              info.client.size() + info.conn_info.size() + info.chan_info.size());
  Envelope envelope(out, 0, MessageBody::PublicationPush);
  FlatPlace place;
  envelope.write(FlatTable().text(Table::VT_CHANNEL, channel).child(Table::VT_PUBLICATION, place));
  write_publication(envelope.message(), place, publication);
}

void FlatEncoder::join_push(std::string& out, Bytes channel, const ClientInfo& member) const {
  write_membership(out, MessageBody::JoinPush, channel, member);
}

void FlatEncoder::leave_push(std::string& out, Bytes channel, const ClientInfo& member) const {
  write_membership(out, MessageBody::LeavePush, channel, member);
}

void FlatEncoder::unsubscribe_push(std::string& out, Bytes channel, UnsubscribeCode code) const {
  using Table = flat::UnsubscribePush;
  Envelope(out, 0, MessageBody::UnsubscribePush)
      .write(FlatTable()
                 .text(Table::VT_CHANNEL, channel)
                 .number(Table::VT_CODE, static_cast<std::uint32_t>(code))
                 .text(Table::VT_REASON, unsubscribe_text(code)));
}

void FlatEncoder::subscribe_push(std::string& out, Bytes channel, const SubscribePush& push) const {
  using Table = flat::SubscribePush;
  Envelope(out, 0, MessageBody::SubscribePush)
      .write(FlatTable()
                 .text(Table::VT_CHANNEL, channel)
                 .number(Table::VT_RECOVERABLE, push.recoverable)
                 .number(Table::VT_POSITIONED, push.positioned)
                 .text(Table::VT_EPOCH, push.epoch)
                 .number(Table::VT_OFFSET, push.offset)
                 .bytes(Table::VT_DATA, push.data));
}

void FlatEncoder::message_push(std::string& out, Bytes data) const {
  Envelope(out, 0, MessageBody::MessagePush)
      .write(FlatTable().bytes(flat::MessagePush::VT_DATA, data));
}

void FlatEncoder::refresh_push(std::string& out, bool expires, std::uint32_t ttl) const {
  using Table = flat::RefreshPush;
  Envelope(out, 0, MessageBody::RefreshPush)
      .write(FlatTable().number(Table::VT_EXPIRES, expires).number(Table::VT_TTL, ttl));
}

void FlatEncoder::ping(std::string& out) const { Envelope(out, 0, MessageBody::Ping).write({}); }

}  // namespace millrace
