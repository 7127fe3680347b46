#include "bench/load/client_text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::load {
namespace {

constexpr char kFinBit = '\x80';
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::size_t kKeySize = 4;

constexpr Bytes kOffset = R"("offset":)";

template <typename Number = std::uint32_t>
Number number_at(Bytes text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ServerLine read_push(Bytes line) {
  constexpr Bytes kChannel = R"({"push":{"channel":")";
  constexpr Bytes kPublication = R"(,"pub":)";
  constexpr Bytes kUnsubscribe = R"(,"unsubscribe":)";
  ServerLine read;
  if (!line.starts_with(kChannel)) return read;
  line.remove_prefix(kChannel.size());
  const std::size_t end = line.find('"');
  if (end == Bytes::npos) return read;
  read.channel = line.substr(0, end);
  read.rest = line.substr(end + 1);
  if (read.rest.starts_with(kPublication)) read.kind = ServerLine::Kind::kPublication;
  if (read.rest.starts_with(kUnsubscribe)) read.kind = ServerLine::Kind::kUnsubscribe;
  return read;
}

}  // namespace

SharedBytes client_frame(Opcode opcode, Bytes payload) {
  const std::size_t header = server_header_size(payload.size());
  return SharedBytes::make(header + kKeySize + payload.size(), [&](MutableBytes out) {
    write_server_header(out, opcode, payload.size());
    out[0] = static_cast<char>(kFinBit | static_cast<char>(opcode));
    out[1] = static_cast<char>(static_cast<std::uint8_t>(out[1]) | kMaskBit);
    std::ranges::fill(out.subspan(header, kKeySize), '\0');
    std::ranges::copy(payload, out.subspan(header + kKeySize).begin());
  });
}

SharedBytes client_close_frame(std::uint16_t code) {
  const std::array<char, 2> bytes{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return client_frame(Opcode::kClose, {bytes.data(), bytes.size()});
}

void append_connect(std::string& out, Bytes token) {
  out.append(R"({"id":)").append(std::to_string(kConnectId)).append(R"(,"connect":{)");
  if (!token.empty()) out.append(R"("token":")").append(token).append("\"");
  out.append("}}");
}

void append_subscribe(std::string& out, std::uint32_t id, Bytes channel,
                      const SubscribeFrom& from) {
  out.append(R"({"id":)").append(std::to_string(id)).append(R"(,"subscribe":{"channel":")");
  out.append(channel).append("\"");
  if (from.recoverable) out.append(R"(,"recoverable":true)");
  if (!from.epoch.empty()) {
    out.append(R"(,"recover":true,"epoch":")").append(from.epoch).append(R"(","offset":)");
    out.append(std::to_string(from.offset));
  }
  out.append("}}");
}

void append_publish(std::string& out, std::uint32_t id, Bytes channel, Bytes data) {
  out.append(R"({"id":)").append(std::to_string(id)).append(R"(,"publish":{"channel":")");
  out.append(channel).append(R"(","data":)").append(data).append("}}");
}

ServerLine read_line(Bytes line) {
  constexpr Bytes kId = R"({"id":)";
  constexpr Bytes kError = R"("error":{"code":)";
  ServerLine read;
  if (line == "{}") {
    read.kind = ServerLine::Kind::kPing;
    return read;
  }
  if (!line.starts_with(kId)) return read_push(line);
  read.kind = ServerLine::Kind::kReply;
  read.rest = line;
  read.id = number_at(line.substr(kId.size()));
  const std::size_t error = line.find(kError);
  if (error != Bytes::npos) read.error = number_at(line.substr(error + kError.size()));
  return read;
}

SubscribeAnswer read_subscribe_answer(Bytes reply) {
  constexpr Bytes kEpoch = R"("epoch":")";
  constexpr Bytes kPublications = R"("publications":[)";
  constexpr Bytes kData = R"("data":)";
  SubscribeAnswer answer;
  if (const std::size_t epoch = reply.find(kEpoch); epoch != Bytes::npos) {
    const Bytes text = reply.substr(epoch + kEpoch.size());
    answer.epoch = text.substr(0, text.find('"'));
  }
  answer.offset = read_offset(reply);
  answer.was_recovering = reply.find(R"("was_recovering":true)") != Bytes::npos;
  answer.recovered = reply.find(R"("recovered":true)") != Bytes::npos;
  std::size_t at = reply.find(kPublications);
  while (at != Bytes::npos) {
    at = reply.find(kData, at);
    if (at == Bytes::npos) break;
    const std::size_t end = reply.find(kOffset, at);
    if (end == Bytes::npos) break;
    at += kData.size();
    answer.publications.push_back(
        {reply.substr(at, end - at), number_at<std::uint64_t>(reply.substr(end + kOffset.size()))});
    at = end;
  }
  return answer;
}

std::uint64_t read_offset(Bytes publication) {
  const std::size_t at = publication.rfind(kOffset);
  return at == Bytes::npos ? 0 : number_at<std::uint64_t>(publication.substr(at + kOffset.size()));
}

}  // namespace millrace::load
