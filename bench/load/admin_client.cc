#include "bench/load/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/load/address_plan.h"
#include "bench/load/handshake.h"

namespace millrace::load {
namespace {

constexpr std::size_t kMostBytes = 4 * 1024 * 1024;
constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

// All until the end of the stream.
std::string ask(int fd, const std::string& request) {
  std::string answer;
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return answer;
  char buffer[16 * 1024];
  while (answer.size() < kMostBytes) {
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace

std::string fetch_stats(const ListenAddress& admin) {
  const PeerAddress to = socket_address(admin);
  const int fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0) {
    answer = ask(
        fd, "GET /stats HTTP/1.1\r\nHost: " + to_string(admin) + "\r\nConnection: close\r\n\r\n");
  }
  ::close(fd);
  HttpHead head;
  if (read_head(answer, head) != HeadOutcome::kWhole || head.status != 200) return {};
  std::string body = answer.substr(head.size);
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.pop_back();
  return body.starts_with('{') && body.ends_with('}') ? body : std::string();
}

}  // namespace millrace::load
