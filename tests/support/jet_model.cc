#include "tests/support/jet_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/assert.h"
#include "net/auth/base64url.h"
#include "net/jet/jet_json.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr Bytes kApi = "$JS.API.STREAM.";
constexpr Bytes kDirect = "$JS.API.DIRECT.GET.";

std::string quoted(Bytes text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string error(int code, int err_code, Bytes text) {
  return fmt::format(R"({{"error":{{"code":{},"err_code":{},"description":{}}}}})", code, err_code,
                     quoted(text));
}
const std::string kNoStream = error(404, 10'059, "stream not found");
const std::string kNoMessage = error(404, 10'037, "no message found");

std::string padded_base64(Bytes text) {
  std::string out = encode_base64url(text);
  std::replace(out.begin(), out.end(), '-', '+');
  std::replace(out.begin(), out.end(), '_', '/');
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::string header_of(const NatsPost& post, Bytes name) {
  for (const auto& [key, value] : post.headers) {
    if (key == name) return value;
  }
  return {};
}

std::string time_text(std::int64_t time) {
  const std::int64_t day = time % 86'400;  // the models' clocks stay on one day: 2023-11-14 or 15
  const std::int64_t days = time / 86'400 - 19'675;
  return fmt::format("2023-11-{:02}T{:02}:{:02}:{:02}.5Z", 14 + days, day / 3'600, day / 60 % 60,
                     day % 60);
}

}  // namespace

bool subject_matches(Bytes pattern, Bytes subject) {
  while (true) {
    const Bytes want = pattern.substr(0, pattern.find('.'));
    const Bytes have = subject.substr(0, subject.find('.'));
    if (want == ">") return !subject.empty();
    if (have.empty() || (want != "*" && want != have)) return false;
    const bool pattern_ends = want.size() == pattern.size();
    const bool subject_ends = have.size() == subject.size();
    if (pattern_ends || subject_ends) return pattern_ends && subject_ends;
    pattern.remove_prefix(want.size() + 1);
    subject.remove_prefix(have.size() + 1);
  }
}

std::vector<std::uint64_t> ModelStream::of(Bytes subject) const {
  std::vector<std::uint64_t> found;
  for (const auto& [sequence, message] : messages) {
    if (message.subject == subject) found.push_back(sequence);
  }
  return found;
}

void JetModel::evict(ModelStream& stream, std::uint64_t below) {
  stream.messages.erase(stream.messages.begin(), stream.messages.lower_bound(below));
}

std::optional<NatsPost> JetModel::handle(const NatsPost& post) {
  if (!Bytes(post.subject).starts_with("$JS.API.")) return publish(post);
  if (silent) return std::nullopt;
  if (Bytes(post.subject).starts_with(kDirect)) {
    ++asked["DIRECT"];
    NatsPost reply = direct(post.subject.substr(kDirect.size()), post.data);
    reply.subject = post.reply;
    return reply;
  }
  CHECK(Bytes(post.subject).starts_with(kApi));
  const std::size_t dot = post.subject.rfind('.');
  const std::string kind = post.subject.substr(kApi.size(), dot - kApi.size());
  ++asked[kind];
  return NatsPost{.subject = post.reply,
                  .data = api(kind, post.subject.substr(dot + 1), post.data)};
}

std::string JetModel::api(Bytes kind, const std::string& name, Bytes body) {
  if (kind == "CREATE") return create(name, body);
  if (!streams_.contains(name)) return kNoStream;
  if (kind == "INFO") return info(name, body);
  if (kind == "UPDATE") return update(name, body);
  if (kind == "MSG.GET") return get(name, body);
  CHECK(kind == "PURGE");
  return purge(name, body);
}

void JetModel::configure(ModelStream& stream, Bytes body) {
  stream.config = body;
  stream.subjects = jet_texts(jet_member(body, "subjects"));
  stream.per_subject = jet_number(jet_member(body, "max_msgs_per_subject")).value_or(0);
  const Bytes republish = jet_member(body, "republish");
  stream.source = jet_text(jet_member(republish, "src"));
  stream.destination = jet_text(jet_member(republish, "dest"));
}

std::string JetModel::create(const std::string& name, Bytes body) {
  const auto found = streams_.find(name);
  if (found != streams_.end() && found->second.config != body) {
    return error(400, 10'058, "stream name already in use with a different configuration");
  }
  ModelStream& stream = streams_[name];
  if (found == streams_.end()) {
    stream.created = fmt::format("2023-11-14T00:00:00.{:09}Z", ++lives_);
    configure(stream, body);
  }
  return info(name, {});
}

std::string JetModel::update(const std::string& name, Bytes body) {
  configure(stream(name), body);
  return info(name, {});
}

std::string JetModel::info(const std::string& name, Bytes body) {
  const ModelStream& stream = streams_.at(name);
  std::map<std::string, std::uint64_t> counts;
  const std::string filter = jet_text(jet_member(body, "subjects_filter"));
  for (const auto& [sequence, message] : stream.messages) {
    if (!filter.empty() && subject_matches(filter, message.subject)) ++counts[message.subject];
  }
  std::string subjects;
  for (const auto& [subject, count] : counts) {
    subjects += fmt::format("{}{}:{}", subjects.empty() ? "" : ",", quoted(subject), count);
  }
  return fmt::format(R"({{"total":{},"config":{},"created":{},)"
                     R"("state":{{"first_seq":{},"last_seq":{},"subjects":{{{}}}}}}})",
                     counts.size(), stream.config, quoted(stream.created), stream.first(),
                     stream.last, subjects);
}

std::string JetModel::get(const std::string& name, Bytes body) {
  const ModelStream& stream = streams_.at(name);
  const std::string last = jet_text(jet_member(body, "last_by_subj"));
  const std::string next = jet_text(jet_member(body, "next_by_subj"));
  const std::uint64_t from = jet_number(jet_member(body, "seq")).value_or(0);
  std::vector<std::uint64_t> found = stream.of(last.empty() ? next : last);
  if (last.empty()) std::erase_if(found, [from](auto sequence) { return sequence < from; });
  std::erase_if(found, [this](auto sequence) { return sequence > deposed; });
  if (found.empty()) return kNoMessage;
  const std::uint64_t sequence = last.empty() ? found.front() : found.back();
  const ModelMessage& message = stream.messages.at(sequence);
  std::string headers = "NATS/1.0\r\n";
  for (const auto& [key, value] : message.headers) headers += key + ": " + value + "\r\n";
  return fmt::format(
      R"({{"message":{{"subject":{},"seq":{},"hdrs":"{}","data":"{}","time":"{}"}}}})",
      quoted(message.subject), sequence, padded_base64(headers + "\r\n"),
      padded_base64(message.data), time_text(message.time));
}

NatsPost JetModel::direct(const std::string& name, Bytes body) {
  const auto found = streams_.find(name);
  const std::string next = jet_text(jet_member(body, "next_by_subj"));
  const std::uint64_t from = jet_number(jet_member(body, "seq")).value_or(0);
  if (found != streams_.end()) {
    for (const std::uint64_t sequence : found->second.of(next)) {
      if (sequence < from || sequence > lag) continue;
      const ModelMessage& message = found->second.messages.at(sequence);
      NatsPost reply{.subject = {}, .data = message.data, .headers = message.headers};
      reply.headers.emplace_back("Nats-Stream", name);
      reply.headers.emplace_back("Nats-Sequence", std::to_string(sequence));
      reply.headers.emplace_back("Nats-Time-Stamp", time_text(message.time));
      return reply;
    }
  }
  return {.subject = {}, .data = {}, .headers = {{"Status", "404"}}};
}

std::string JetModel::purge(const std::string& name, Bytes body) {
  ModelStream& stream = streams_.at(name);
  const std::string filter = jet_text(jet_member(body, "filter"));
  const std::uint64_t below = jet_number(jet_member(body, "seq")).value_or(UINT64_MAX);
  std::erase_if(stream.messages, [&](const auto& each) {
    return each.first < below && subject_matches(filter, each.second.subject);
  });
  return R"({"success":true})";
}

std::optional<NatsPost> JetModel::publish(const NatsPost& post) {
  std::string ack;
  for (auto& [name, stream] : streams_) {
    const bool takes =
        std::any_of(stream.subjects.begin(), stream.subjects.end(),
                    [&](const auto& each) { return subject_matches(each, post.subject); });
    if (!takes || elects) continue;
    const std::string id = header_of(post, "Nats-Msg-Id");
    const bool known = !id.empty() && stream.ids.contains(id);
    const std::uint64_t sequence = known ? stream.ids[id] : store(stream, post);
    if (!id.empty()) stream.ids[id] = sequence;
    ack = fmt::format(R"({{"stream":"{}", "seq":{}{}}})", name, sequence,
                      known ? R"(,"duplicate": true)" : "");
  }
  if (post.reply.empty() || silent) return std::nullopt;
  if (ack.empty())
    return NatsPost{.subject = post.reply, .data = {}, .headers = {{"Status", "503"}}};
  if (!acks) return std::nullopt;
  return NatsPost{.subject = post.reply, .data = ack};
}

std::uint64_t JetModel::store(ModelStream& stream, const NatsPost& post, bool loud) {
  const std::vector<std::uint64_t> kept = stream.of(post.subject);
  const std::uint64_t sequence = ++stream.last;
  stream.messages[sequence] = {post.subject, post.data, post.headers, time};
  if (stream.per_subject > 0 && kept.size() >= stream.per_subject) {
    stream.messages.erase(kept.front());
  }
  if (!loud || !subject_matches(stream.source, post.subject)) return sequence;
  // "ns.>" or "*" is what is republished, and the destination has the same shape.
  const std::string root = stream.destination.substr(0, stream.destination.find("out.") + 4);
  const std::string prefix = root.substr(0, root.find("millrace."));
  NatsPost out{.subject = root + post.subject.substr(prefix.size()),
               .data = post.data,
               .headers = post.headers};
  const auto name = std::find_if(streams_.begin(), streams_.end(),
                                 [&](const auto& each) { return &each.second == &stream; });
  out.headers.emplace_back("Nats-Stream", name->first);
  out.headers.emplace_back("Nats-Sequence", std::to_string(sequence));
  out.headers.emplace_back("Nats-Last-Sequence", std::to_string(kept.empty() ? 0 : kept.back()));
  republish_(out);
  return sequence;
}

}  // namespace millrace
