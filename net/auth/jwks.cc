#include "net/auth/jwks.h"

#include <optional>
#include <utility>

#include "net/auth/base64url.h"
#include "net/auth/public_key.h"
#include "net/auth/token_json.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

// One key of the set.
class Jwk {
 public:
  explicit Jwk(std::size_t place) : name_("key " + std::to_string(place) + " of the set") {}

  // Nothing, and skipped() says why, if it is for something else.
  Result<std::optional<TokenKey>> read(Bytes text);
  [[nodiscard]] const std::string& skipped() const { return skipped_; }

 private:
  [[nodiscard]] Error broken(const std::string& why) const { return Error{name_ + ": " + why}; }
  Result<std::optional<TokenKey>> skip(const std::string& why) {
    skipped_ = name_ + ": " + why;
    return std::optional<TokenKey>();
  }
  // An optional member that must be a string. False if it is something else.
  [[nodiscard]] bool text_of(Bytes name, std::optional<std::string>& out) const;
  // Why the key is not for checking signatures; empty if it is.
  [[nodiscard]] std::string other_use() const;
  [[nodiscard]] bool bytes_of(Bytes name, std::string& out) const;
  Result<std::optional<TokenKey>> made(Result<PinnedKey> key, std::string kid) const;
  Result<std::optional<TokenKey>> rsa(std::optional<TokenAlgorithm> algorithm, std::string kid);
  Result<std::optional<TokenKey>> ec(std::optional<TokenAlgorithm> algorithm, std::string kid);
  Result<std::optional<TokenKey>> okp(std::optional<TokenAlgorithm> algorithm, std::string kid);
  Result<std::optional<TokenKey>> oct(std::optional<TokenAlgorithm> algorithm, std::string kid);

  std::string name_;
  std::string skipped_;
  JsonObject members_;
};

bool Jwk::text_of(Bytes name, std::optional<std::string>& out) const {
  out.reset();
  const auto value = members_.find(name);
  if (!value) return true;
  out = json_string(*value);
  return out.has_value();
}

bool Jwk::bytes_of(Bytes name, std::string& out) const {
  const auto value = members_.find(name);
  if (!value) return false;
  const auto text = json_string(*value);
  return text && decode_base64url(*text, out) && !out.empty();
}

std::string Jwk::other_use() const {
  std::optional<std::string> use;
  if (!text_of("use", use) || (use && *use != "sig")) return "its use is not sig";
  const auto operations = members_.find("key_ops");
  if (!operations) return {};
  if (!operations->starts_with('[')) return "its key_ops are no list";
  JsonElements list(*operations);
  while (list.next()) {
    if (list.value() == "\"verify\"") return {};
  }
  return "its key_ops don't hold verify";
}

Result<std::optional<TokenKey>> Jwk::read(Bytes text) {
  if (!members_.read(text, kMaxJwkMembers)) {
    return broken("it is no object of at most " + std::to_string(kMaxJwkMembers) +
                  " members with different names; take the file anew from where it was made");
  }
  std::optional<std::string> type;
  std::optional<std::string> kid;
  std::optional<std::string> alg;
  if (!text_of("kty", type) || !type) return broken("kty is missing; it names the key's type");
  if (!text_of("kid", kid) || (kid && kid->empty())) {
    return broken("kid must be a text that is not empty; correct it or leave it out");
  }
  if (!text_of("alg", alg)) return broken("alg must be a text; correct it or leave it out");
  if (std::string other = other_use(); !other.empty()) return skip(other);
  std::optional<TokenAlgorithm> algorithm;
  if (alg) {
    algorithm = token_algorithm(*alg);
    if (!algorithm) return skip("its alg is none that tokens may have here");
  }
  std::string name = kid.value_or("");
  if (*type == "oct") return oct(algorithm, std::move(name));
  if (members_.find("d")) {
    return broken("it is a private key, which a server should not have; remove d and all behind");
  }
  if (*type == "RSA") return rsa(algorithm, std::move(name));
  if (*type == "EC") return ec(algorithm, std::move(name));
  if (*type == "OKP") return okp(algorithm, std::move(name));
  return skip("its kty is none of RSA, EC, OKP and oct");
}

Result<std::optional<TokenKey>> Jwk::made(Result<PinnedKey> key, std::string kid) const {
  if (!key) return broken(key.error().text);
  return std::optional<TokenKey>({.name = name_,
                                  .kid = std::move(kid),
                                  .algorithms = {key->algorithm},
                                  .secret = {},
                                  .public_key = std::move(key->key)});
}

Result<std::optional<TokenKey>> Jwk::rsa(std::optional<TokenAlgorithm> algorithm, std::string kid) {
  std::string modulus;
  std::string exponent;
  if (!bytes_of("n", modulus) || !bytes_of("e", exponent)) {
    return broken("n and e must be base64url without padding; take it anew from its maker");
  }
  return made(rsa_public_key(modulus, exponent, algorithm), std::move(kid));
}

Result<std::optional<TokenKey>> Jwk::ec(std::optional<TokenAlgorithm> algorithm, std::string kid) {
  std::optional<std::string> curve;
  if (!text_of("crv", curve) || !curve) return broken("crv is missing; it names the curve");
  std::optional<TokenAlgorithm> natural;
  if (*curve == "P-256") natural = TokenAlgorithm::kEs256;
  if (*curve == "P-384") natural = TokenAlgorithm::kEs384;
  if (*curve == "P-521") natural = TokenAlgorithm::kEs512;
  if (!natural) return skip("its crv is none of P-256, P-384 and P-521");
  if (algorithm && *algorithm != *natural) {
    return broken("alg doesn't fit to crv; correct it or leave it out");
  }
  std::string x;
  std::string y;
  if (!bytes_of("x", x) || !bytes_of("y", y)) {
    return broken("x and y must be base64url without padding; take it anew from its maker");
  }
  return made(ec_public_key(*natural, x, y), std::move(kid));
}

Result<std::optional<TokenKey>> Jwk::okp(std::optional<TokenAlgorithm> algorithm, std::string kid) {
  std::optional<std::string> curve;
  if (!text_of("crv", curve) || !curve) return broken("crv is missing; it names the curve");
  if (*curve != "Ed25519") return skip("its crv is not Ed25519");
  if (algorithm && *algorithm != TokenAlgorithm::kEdDsa) {
    return broken("alg doesn't fit to crv; correct it or leave it out");
  }
  std::string x;
  if (!bytes_of("x", x)) return broken("x must be base64url; take it anew from its maker");
  return made(ed25519_public_key(x), std::move(kid));
}

Result<std::optional<TokenKey>> Jwk::oct(std::optional<TokenAlgorithm> algorithm, std::string kid) {
  const TokenAlgorithm pinned = algorithm.value_or(TokenAlgorithm::kHs256);
  if (token_key_kind(pinned) != TokenKeyKind::kHmac) {
    return broken("a secret is for HS256, HS384 or HS512; correct alg or leave it out");
  }
  std::string secret;
  if (!bytes_of("k", secret)) return broken("k must be base64url without padding");
  if (auto weak = weak_secret("k", secret)) return broken(*weak);
  return std::optional<TokenKey>({.name = name_,
                                  .kid = std::move(kid),
                                  .algorithms = {pinned},
                                  .secret = std::move(secret),
                                  .public_key = {}});
}

}  // namespace

Result<Jwks> read_jwks(Bytes text) {
  const Error no_set{
      "it is no JSON object with a list `keys`; it should look like {\"keys\":[{\"kty\":...}]}"};
  JsonValidator validator;
  JsonObject outer;
  if (!validator.valid(text) || !outer.read(text, kMaxJwkMembers)) return no_set;
  const auto list = outer.find("keys");
  if (!list || !list->starts_with('[')) return no_set;
  Jwks set;
  JsonElements walk(*list);
  for (std::size_t place = 1; walk.next(); ++place) {
    if (place > kMaxTokenKeys) {
      return Error{"there are more than " + std::to_string(kMaxTokenKeys) +
                   " keys in the set; remove those that no token is signed with any more"};
    }
    Jwk jwk(place);
    auto key = jwk.read(walk.value());
    if (!key) return key.error();
    if (*key) {
      set.keys.push_back(*std::move(*key));
    } else {
      set.skipped.push_back(jwk.skipped());
    }
  }
  if (set.keys.empty()) {
    return Error{"there is no key in it that tokens can be checked with" +
                 (set.skipped.empty() ? std::string() : " (" + set.skipped.front() + ")") +
                 "; add a key of type RSA, EC, OKP or oct"};
  }
  return set;
}

}  // namespace millrace
