#include "proto/json_encoder.h"

#include <charconv>

#include "core/base/assert.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  CHECK(error == std::errc());
  out.append(digits, static_cast<std::size_t>(end - digits));
}

// An object under way. A member that is empty, zero or false is left out.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }

  // The member's value comes next, whatever it is.
  std::string& member(Bytes name) {
    out_.append(empty_ ? "\"" : ",\"").append(name).append("\":");
    empty_ = false;
    return out_;
  }
  void text(Bytes name, Bytes value) {
    if (!value.empty()) append_json_string(member(name), value);
  }
  void json(Bytes name, Bytes value) {
    if (!value.empty()) append_json_value(member(name), value);
  }
  void number(Bytes name, std::uint64_t value) {
    if (value != 0) append_number(member(name), value);
  }
  void flag(Bytes name, bool value) {
    if (value) member(name).append("true");
  }
  void end() { out_.push_back('}'); }

 private:
  std::string& out_;
  bool empty_ = true;
};

void append_info(std::string& out, const ClientInfo& info) {
  out.append("{\"user\":");
  append_json_string(out, info.user);
  out.append(",\"client\":");
  append_json_string(out, info.client);
  if (!info.conn_info.empty()) append_json_value(out.append(",\"conn_info\":"), info.conn_info);
  if (!info.chan_info.empty()) append_json_value(out.append(",\"chan_info\":"), info.chan_info);
  out.push_back('}');
}

// Room for a publication as a part of a message: what is fixed, and more for quotes that get a
// backslash. Only names full of escapes can ask for more.
std::size_t publication_room(const PublicationOut& publication) {
  constexpr std::size_t kFixed = 160;
  const std::size_t data = publication.data.size();
  const ClientInfo& info = publication.info;
  return kFixed + data + (publication.form == DataForm::kPlain ? 0 : data / 4) + info.user.size() +
         info.client.size() + info.conn_info.size() + info.chan_info.size();
}

void append_publication(std::string& out, const PublicationOut& publication) {
  CHECK(!publication.data.empty());
  out.append("{\"data\":");
  if (publication.form == DataForm::kPlain) {
    out.append(publication.data);
  } else {
    append_json_string(out, publication.data);
  }
  if (!publication.info.empty()) append_info(out.append(",\"info\":"), publication.info);
  if (publication.offset != 0) append_number(out.append(",\"offset\":"), publication.offset);
  if (publication.form == DataForm::kPatch) out.append(",\"delta\":true");
  out.push_back('}');
}

void append_publications(std::string& out, std::span<const PublicationOut> publications) {
  std::size_t room = 0;
  for (const PublicationOut& publication : publications) room += publication_room(publication);
  out.reserve(out.size() + room);
  out.push_back('[');
  for (const PublicationOut& publication : publications) {
    if (&publication != publications.data()) out.push_back(',');
    append_publication(out, publication);
  }
  out.push_back(']');
}

void append_subscribe_result(std::string& out, const SubscribeResult& result) {
  Object object(out);
  object.flag("expires", result.expires);
  object.number("ttl", result.ttl);
  object.flag("recoverable", result.recoverable);
  object.text("epoch", result.epoch);
  if (!result.publications.empty()) {
    append_publications(object.member("publications"), result.publications);
  }
  object.flag("recovered", result.recovered);
  object.number("offset", result.offset);
  object.flag("positioned", result.positioned);
  object.json("data", result.data);
  object.flag("was_recovering", result.was_recovering);
  object.flag("delta", result.delta);
  object.end();
}

void append_subs(std::string& out, std::span<const ServerSubscription> subs) {
  out.push_back('{');
  for (const ServerSubscription& sub : subs) {
    if (&sub != subs.data()) out.push_back(',');
    append_json_string(out, sub.channel);
    out.push_back(':');
    append_subscribe_result(out, sub.result);
  }
  out.push_back('}');
}

// {"id":1,"name": with the result to come; end_message() closes it.
std::string& begin_reply(std::string& out, std::uint32_t id, Bytes name) {
  append_number(out.append("{\"id\":"), id);
  return out.append(",\"").append(name).append("\":");
}
void end_message(std::string& out) { out.push_back('}'); }

void append_empty_reply(std::string& out, std::uint32_t id, Bytes name) {
  begin_reply(out, id, name).append("{}");
  end_message(out);
}

// {"push":{"channel":"ch","name": with what is pushed to come.
std::string& begin_push(std::string& out, Bytes channel, Bytes name) {
  append_json_string(out.append("{\"push\":{\"channel\":"), channel);
  return out.append(",\"").append(name).append("\":");
}
void end_push(std::string& out) { out.append("}}"); }

void append_member_push(std::string& out, Bytes channel, Bytes name, const ClientInfo& member) {
  append_info(begin_push(out, channel, name).append("{\"info\":"), member);
  out.push_back('}');
  end_push(out);
}

}  // namespace

void JsonEncoder::connect(std::string& out, std::uint32_t id, const ConnectResult& result) const {
  Object object(begin_reply(out, id, "connect"));
  object.text("client", result.client);
  object.text("version", result.version);
  object.flag("expires", result.expires);
  object.number("ttl", result.ttl);
  object.json("data", result.data);
  if (!result.subs.empty()) append_subs(object.member("subs"), result.subs);
  object.number("ping", result.ping_seconds);
  object.flag("pong", result.pong);
  object.text("session", result.session);
  object.text("node", result.node);
  object.end();
  end_message(out);
}

void JsonEncoder::subscribe(std::string& out, std::uint32_t id,
                            const SubscribeResult& result) const {
  append_subscribe_result(begin_reply(out, id, "subscribe"), result);
  end_message(out);
}

void JsonEncoder::unsubscribe(std::string& out, std::uint32_t id) const {
  append_empty_reply(out, id, "unsubscribe");
}

void JsonEncoder::publish(std::string& out, std::uint32_t id) const {
  append_empty_reply(out, id, "publish");
}

void JsonEncoder::presence(std::string& out, std::uint32_t id,
                           std::span<const ClientInfo> members) const {
  begin_reply(out, id, "presence").append("{\"presence\":{");
  for (const ClientInfo& member : members) {
    if (&member != members.data()) out.push_back(',');
    append_json_string(out, member.client);
    out.push_back(':');
    append_info(out, member);
  }
  out.append("}}");
  end_message(out);
}

void JsonEncoder::presence_stats(std::string& out, std::uint32_t id, PresenceCounts counts) const {
  append_number(begin_reply(out, id, "presence_stats").append("{\"num_clients\":"), counts.clients);
  append_number(out.append(",\"num_users\":"), counts.users);
  out.push_back('}');
  end_message(out);
}

void JsonEncoder::history(std::string& out, std::uint32_t id, const HistoryResult& result) const {
  begin_reply(out, id, "history").append("{\"publications\":");
  append_publications(out, result.publications);
  append_json_string(out.append(",\"epoch\":"), result.epoch);
  append_number(out.append(",\"offset\":"), result.offset);
  out.push_back('}');
  end_message(out);
}

void JsonEncoder::rpc(std::string& out, std::uint32_t id, Bytes data) const {
  Object object(begin_reply(out, id, "rpc"));
  object.json("data", data);
  object.end();
  end_message(out);
}

void JsonEncoder::refresh(std::string& out, std::uint32_t id, const RefreshResult& result) const {
  Object object(begin_reply(out, id, "refresh"));
  object.text("client", result.client);
  object.text("version", result.version);
  object.flag("expires", result.expires);
  object.number("ttl", result.ttl);
  object.end();
  end_message(out);
}

void JsonEncoder::sub_refresh(std::string& out, std::uint32_t id,
                              const SubRefreshResult& result) const {
  Object object(begin_reply(out, id, "sub_refresh"));
  object.flag("expires", result.expires);
  object.number("ttl", result.ttl);
  object.end();
  end_message(out);
}

void JsonEncoder::error(std::string& out, std::uint32_t id, ErrorCode code) const {
  application_error(out, id, ErrorOut(code));
}

void JsonEncoder::application_error(std::string& out, std::uint32_t id,
                                    const ErrorOut& error) const {
  Object object(begin_reply(out, id, "error"));
  object.number("code", error.code);
  object.text("message", error.message);
  object.flag("temporary", error.temporary);
  object.end();
  end_message(out);
}

void JsonEncoder::publication_push(std::string& out, Bytes channel,
                                   const PublicationOut& publication) const {
  out.reserve(out.size() + channel.size() + publication_room(publication));
  append_json_string(out.append("{\"push\":{\"channel\":"), channel);
  append_publication(out.append(",\"pub\":"), publication);
  end_push(out);
}

void JsonEncoder::join_push(std::string& out, Bytes channel, const ClientInfo& member) const {
  append_member_push(out, channel, "join", member);
}

void JsonEncoder::leave_push(std::string& out, Bytes channel, const ClientInfo& member) const {
  append_member_push(out, channel, "leave", member);
}

void JsonEncoder::unsubscribe_push(std::string& out, Bytes channel, UnsubscribeCode code) const {
  Object object(begin_push(out, channel, "unsubscribe"));
  object.number("code", static_cast<std::uint16_t>(code));
  object.text("reason", unsubscribe_text(code));
  object.end();
  end_push(out);
}

void JsonEncoder::subscribe_push(std::string& out, Bytes channel, const SubscribePush& push) const {
  Object object(begin_push(out, channel, "subscribe"));
  object.flag("recoverable", push.recoverable);
  object.text("epoch", push.epoch);
  object.number("offset", push.offset);
  object.flag("positioned", push.positioned);
  object.json("data", push.data);
  object.end();
  end_push(out);
}

void JsonEncoder::message_push(std::string& out, Bytes data) const {
  out.append("{\"push\":{\"message\":");
  Object object(out);
  object.json("data", data);
  object.end();
  end_push(out);
}

void JsonEncoder::refresh_push(std::string& out, bool expires, std::uint32_t ttl) const {
  out.append("{\"push\":{\"refresh\":");
  Object object(out);
  object.flag("expires", expires);
  object.number("ttl", ttl);
  object.end();
  end_push(out);
}

void JsonEncoder::ping(std::string& out) const { out.append(kJsonPing); }

}  // namespace millrace
