// The small texts of a configuration: NATS URLs, listen addresses, origins, durations, sizes.
//
// What is taken has one spelling that is taken again as the same; no error shows credentials.
#include <string>

#include "core/base/assert.h"
#include "net/nats/nats_url.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"
#include "net/server/listen_address.h"
#include "net/server/origin.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

void try_nats_url(Bytes url) {
  const Result<void> taken = check_nats_url(url);
  const std::string masked = masked_nats_url(url);
  CHECK(masked.starts_with("nats://") || masked.starts_with(kNatsTlsScheme));
  for (const char c : masked) CHECK(c > ' ' && c < 0x7f);
  CHECK_EQ(masked.find('@'), std::string::npos);
  if (taken.ok()) {
    CHECK_LE(url.size(), kMaxNatsUrl);
    CHECK_EQ(url.find_first_of("\r\n "), Bytes::npos);
    // What is shown is a URL too, of the same server.
    CHECK(check_nats_url(masked).ok());
    CHECK(url.ends_with(Bytes(masked).substr(masked.find("://") + 3)));
    CHECK_EQ(masked_nats_url(masked), masked);
    return;
  }
  const std::string& error = taken.error().text;
  CHECK(!error.empty());
  for (const char c : error) CHECK(c >= ' ' && c < 0x7f);
  // What stands before the host changes nothing in the error, however long the URL is.
  const std::size_t scheme = url.find("://");
  const std::size_t at = url.rfind('@');
  if (at == Bytes::npos || scheme == Bytes::npos || at < scheme + 3) return;
  const Bytes credentials = url.substr(scheme + 3, at - scheme - 3);
  for (const char c : credentials) {
    if (c <= ' ' || c >= 0x7f) return;  // those may be the error
  }
  std::string other(url);
  other.replace(scheme + 3, credentials.size(), credentials.size(), 'x');
  const Result<void> same = check_nats_url(other);
  CHECK(!same.ok());
  CHECK_EQ(same.error().text, error);
}

void try_listen_address(Bytes text) {
  const auto address = parse_listen_address(text);
  if (!address) return;
  const std::string usual = to_string(*address);
  CHECK(parse_listen_address(usual) == address);
  CHECK_LE(usual.size(), 54U);
  CHECK_EQ(overlap(*address, *address), address->port != 0);
  ListenAddress any = *parse_listen_address(address->ipv6 ? "[::]:0" : "0.0.0.0:0");
  any.port = address->port;
  CHECK_EQ(overlap(any, *address), address->port != 0);
  CHECK_EQ(overlap(*address, any), address->port != 0);
  CHECK(!is_loopback(any));
}

void try_spans(Bytes text) {
  if (const auto span = parse_duration(text)) {
    CHECK_GE(span->ns, 0);
    CHECK(parse_duration(duration_text(*span)) == span);
    CHECK(text.front() == '0' || duration_text(*span).size() <= text.size());
  }
  if (const auto size = parse_size(text)) {
    CHECK_GE(*size, 0);
    CHECK(parse_size(size_text(*size)) == size);
    CHECK(!parse_duration(text));
  }
}

void try_texts(Bytes text) {
  const std::string shown = printable(text);
  CHECK_LE(shown.size(), 4 * kMaxQuoted + 3);
  for (const char c : shown) CHECK(c >= ' ' && c < 0x7f);
  if (text.size() < 24) CHECK_EQ(edit_distance(text, "listen"), edit_distance("listen", text));
  if (is_origin(text)) {
    CHECK_LE(text.size(), kMaxOrigin);
    CHECK_EQ(shown.substr(0, 8), text.substr(0, 8));
    CHECK(text == "*" || text.find("://") != Bytes::npos);
    CHECK_EQ(text.find_first_of("@/ \r\n", text.find("://") + 3), Bytes::npos);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const millrace::Bytes text = millrace::FuzzInput(data, size).rest();
  millrace::try_nats_url(text);
  millrace::try_listen_address(text);
  millrace::try_spans(text);
  millrace::try_texts(text);
  return 0;
}
