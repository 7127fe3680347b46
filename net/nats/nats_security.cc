#include "net/nats/nats_security.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "net/nats/nats_files.h"
#include "net/nats/nats_url.h"

namespace millrace {
namespace {

bool is_tls_url(const std::string& url) { return url.starts_with(kNatsTlsScheme); }

const char* first_tls_key(const NatsSecurity& security) {
  if (!security.tls_ca.empty()) return "tls_ca";
  if (!security.tls_cert.empty()) return "tls_cert";
  if (!security.tls_key.empty()) return "tls_key";
  return security.tls_name.empty() ? nullptr : "tls_name";
}

}  // namespace

bool wants_tls(const NatsSecurity& security, const std::vector<std::string>& urls) {
  return security.tls || std::any_of(urls.begin(), urls.end(), is_tls_url);
}

std::optional<NatsSecurityFault> find_security_fault(const NatsSecurity& security,
                                                     const std::vector<std::string>& urls) {
  const bool named =
      std::any_of(urls.begin(), urls.end(), [](const std::string& url) { return has_user(url); });
  if (!security.credentials.empty() && !security.nkey_seed.empty()) {
    return NatsSecurityFault{"nkey_seed",
                             "is set beside broker.credentials; a user has one of them: take the "
                             "other out"};
  }
  const char* user = !security.credentials.empty() ? "credentials"
                     : !security.nkey_seed.empty() ? "nkey_seed"
                                                   : nullptr;
  if (user != nullptr && named) {
    return NatsSecurityFault{user,
                             "is set, and a URL of broker.nats names a user too; take one of them "
                             "out"};
  }
  const bool all_tls = std::all_of(urls.begin(), urls.end(), is_tls_url);
  if (!security.tls && !all_tls && wants_tls(security, urls)) {
    return NatsSecurityFault{"nats",
                             "mixes nats:// and tls://; write tls:// for all of them, because what "
                             "is sent to one server is sent to each"};
  }
  const char* tls_key = first_tls_key(security);
  if (tls_key != nullptr && !wants_tls(security, urls)) {
    return NatsSecurityFault{tls_key,
                             "is set, but the connection is not encrypted; set tls = true or write "
                             "tls:// URLs"};
  }
  if (security.tls_cert.empty() != security.tls_key.empty()) {
    const bool no_key = security.tls_key.empty();
    return NatsSecurityFault{no_key ? "tls_cert" : "tls_key",
                             std::string("is set without broker.") +
                                 (no_key ? "tls_key" : "tls_cert") +
                                 "; a certificate and its key belong together"};
  }
  return std::nullopt;
}

natsStatus set_nats_security(natsOptions& options, const NatsSecurity& security, bool tls) {
  natsStatus status = NATS_OK;
  const auto set = [&status, &options](auto call, auto... arguments) {
    if (status == NATS_OK) status = call(&options, arguments...);
  };
  if (!security.credentials.empty()) {
    set(natsOptions_SetUserCredentialsFromFiles, security.credentials.c_str(), nullptr);
  }
  if (!security.nkey_seed.empty()) {
    // The seed may be another one by now, so its public half is asked for each time.
    const auto key = read_nkey(security.nkey_seed);
    if (!key) return NATS_NOT_FOUND;
    set(natsOptions_SetNKeyFromSeed, key->c_str(), security.nkey_seed.c_str());
  }
  if (!tls) return status;
  set(natsOptions_SetSecure, true);
  if (!security.tls_ca.empty()) {
    set(natsOptions_LoadCATrustedCertificates, security.tls_ca.c_str());
  }
  if (!security.tls_cert.empty()) {
    set(natsOptions_LoadCertificatesChain, security.tls_cert.c_str(), security.tls_key.c_str());
  }
  if (!security.tls_name.empty()) {
    set(natsOptions_SetExpectedHostname, security.tls_name.c_str());
  }
  return status;
}

}  // namespace millrace
