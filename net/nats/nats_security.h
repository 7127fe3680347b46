// Who a millrace is to NATS, and how it knows that it speaks with the right NATS: the keys of
// [broker] about that, and how the library is told. A server that can't prove itself is never
// spoken to: nothing here switches that off.
//
// Constant after construction. Files are named here, not held: nats_files.h reads them. Credentials
// and seeds are read again at every connection, so that they can be exchanged while the server
// runs; certificates when the link makes a connection of its own, which is at the start, after the
// server closed one for good, and when it moves away from a server that shuts down.
#pragma once

#include <nats/nats.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct NatsSecurity {
  std::string credentials = {};  // path: a user's JWT and seed
  std::string nkey_seed = {};    // path
  bool tls = false;              // or implied by tls:// URLs
  std::string tls_ca = {};       // path; empty: what the system trusts
  std::string tls_cert = {};     // path; with tls_key
  std::string tls_key = {};      // path
  std::string tls_name = {};     // empty: the host of the URL

  bool operator==(const NatsSecurity&) const = default;
};

// What can't work together: the key of [broker] at fault, and what stands behind its name.
struct NatsSecurityFault {
  std::string_view key;
  std::string text;
};
std::optional<NatsSecurityFault> find_security_fault(const NatsSecurity& security,
                                                     const std::vector<std::string>& urls);

// Whether connections are encrypted whatever the server says.
bool wants_tls(const NatsSecurity& security, const std::vector<std::string>& urls);

// Tells the library. Fails if a file can't be used; the library's last error says which.
natsStatus set_nats_security(natsOptions& options, const NatsSecurity& security, bool tls);

}  // namespace millrace
