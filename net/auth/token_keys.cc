#include "net/auth/token_keys.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "net/auth/jwks.h"
#include "net/auth/public_key.h"

namespace millrace {
namespace {

constexpr Bytes kPemBegin = "-----BEGIN";

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Result<std::string> read_key_file(const std::string& name, const std::string& path) {
  const std::string what = "[token] " + name + ": ";
  // A path with an end in the middle is another path.
  if (path.find('\0') != std::string::npos) {
    return Error{what + "the path holds a NUL; write the path of a file"};
  }
  const std::unique_ptr<std::FILE, FileClose> file(std::fopen(path.c_str(), "rbe"));
  if (!file) {
    return Error{what + "the file can't be opened: " + std::strerror(errno) +
                 "; check the path and that the server's user may read it"};
  }
  std::string text(kMaxTokenKeyFile + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return Error{what + "the file can't be read; name a file, not a folder"};
  }
  if (text.size() > kMaxTokenKeyFile) {
    return Error{what + "the file is bigger than " + std::to_string(kMaxTokenKeyFile) +
                 " bytes; leave only the keys in it"};
  }
  return text;
}

struct PublicKeyEntry {
  std::string kid;
  std::optional<TokenAlgorithm> algorithm;
  std::string source;  // PEM or path
};

Result<PublicKeyEntry> parse_entry(const std::string& name, Bytes entry) {
  PublicKeyEntry parsed;
  while (entry.starts_with("kid=") || entry.starts_with("alg=")) {
    const std::size_t blank = entry.find(' ');
    const Bytes value = entry.substr(4, blank == Bytes::npos ? Bytes::npos : blank - 4);
    if (blank == Bytes::npos || value.empty()) {
      return Error{"[token] " + name +
                   ": kid= or alg= needs a value and then a blank and the "
                   "file, such as \"kid=2024 /etc/millrace/2024.pem\""};
    }
    if (entry.starts_with("kid=")) {
      parsed.kid = value;
    } else {
      parsed.algorithm = token_algorithm(value);
      if (!parsed.algorithm || token_key_kind(*parsed.algorithm) == TokenKeyKind::kHmac) {
        return Error{"[token] " + name +
                     ": alg= names no algorithm of public keys; allowed are "
                     "RS256, RS384, RS512, ES256, ES384, ES512 and EdDSA"};
      }
    }
    entry.remove_prefix(blank + 1);
  }
  parsed.source = entry;
  return parsed;
}

}  // namespace

std::optional<std::string> weak_secret(const std::string& name, Bytes secret) {
  if (secret.size() >= kLeastTokenSecret && secret.size() <= kMaxTokenSecret) return std::nullopt;
  const bool weak = secret.size() < kLeastTokenSecret;
  return name + " has " + std::to_string(secret.size()) + " bytes, and " +
         (weak ? std::to_string(kLeastTokenSecret) + " is the least: a shorter one can be guessed"
               : std::to_string(kMaxTokenSecret) + " is the most") +
         "; take what `openssl rand -hex 32` prints";
}

bool TokenKey::is_for(TokenAlgorithm algorithm) const {
  return std::find(algorithms.begin(), algorithms.end(), algorithm) != algorithms.end();
}

Result<TokenKeys> TokenKeys::load(const TokenSettings& settings) {
  TokenKeys keys;
  if (settings.hmac_secret.empty() && !settings.hmac_previous_secret.empty()) {
    return Error{
        "[token] hmac_previous_secret is set without hmac_secret; set hmac_secret to the secret "
        "that new tokens are made with"};
  }
  if (!settings.hmac_secret.empty()) {
    if (auto added = keys.add_secret("hmac_secret", settings.hmac_secret); !added) {
      return added.error();
    }
  }
  if (!settings.hmac_previous_secret.empty()) {
    auto added = keys.add_secret("hmac_previous_secret", settings.hmac_previous_secret);
    if (!added) return added.error();
  }
  for (std::size_t i = 0; i < settings.public_keys.size(); ++i) {
    if (auto added = keys.add_public_key(i, settings.public_keys[i]); !added) return added.error();
  }
  if (!settings.jwks.empty()) {
    if (auto added = keys.add_jwks(settings.jwks); !added) return added.error();
  }
  return keys;
}

Result<void> TokenKeys::add_secret(const char* name, const std::string& secret) {
  if (auto weak = weak_secret(name, secret)) return Error{"[token] " + *weak};
  return add(
      {.name = name,
       .kid = {},
       .algorithms = {TokenAlgorithm::kHs256, TokenAlgorithm::kHs384, TokenAlgorithm::kHs512},
       .secret = secret,
       .public_key = {}});
}

Result<void> TokenKeys::add_public_key(std::size_t index, const std::string& entry) {
  const std::string name = "public_keys[" + std::to_string(index) + "]";
  auto parsed = parse_entry(name, entry);
  if (!parsed) return parsed.error();
  std::string pem = std::move(parsed->source);
  if (!Bytes(pem).substr(0, kMaxTokenKeyFile).starts_with(kPemBegin)) {
    auto read = read_key_file(name, pem);
    if (!read) return read.error();
    pem = std::move(*read);
  }
  auto key = public_key_of_pem(pem, parsed->algorithm);
  if (!key) return Error{"[token] " + name + ": " + key.error().text};
  return add({.name = name,
              .kid = std::move(parsed->kid),
              .algorithms = {key->algorithm},
              .secret = {},
              .public_key = std::move(key->key)});
}

Result<void> TokenKeys::add_jwks(const std::string& path) {
  std::string text = path;
  if (!Bytes(path).starts_with('{')) {
    auto read = read_key_file("jwks", path);
    if (!read) return read.error();
    text = std::move(*read);
  }
  auto set = read_jwks(text);
  if (!set) return Error{"[token] jwks: " + set.error().text};
  skipped_ = std::move(set->skipped);
  for (TokenKey& key : set->keys) {
    if (auto added = add(std::move(key)); !added) return added.error();
  }
  return {};
}

Result<void> TokenKeys::add(TokenKey key) {
  const std::string what = "[token] " + key.name + ": ";
  if (keys_.size() == kMaxTokenKeys) {
    return Error{what + "there are more than " + std::to_string(kMaxTokenKeys) +
                 " keys; remove those that no token is signed with any more"};
  }
  if (key.kid.size() > kMaxKeyId) {
    return Error{what + "its kid is longer than " + std::to_string(kMaxKeyId) +
                 " bytes; give it a shorter one"};
  }
  for (const TokenKey& other : keys_) {
    if (key.kid.empty() || other.kid != key.kid) continue;
    return Error{what + "has the same kid as " + other.name +
                 "; a kid names one key, so give each its own"};
  }
  keys_.push_back(std::move(key));
  return {};
}

void TokenKeys::find(TokenAlgorithm algorithm, std::optional<Bytes> kid,
                     std::vector<std::size_t>& found) const {
  found.clear();
  if (kid && kid->empty()) return;
  for (std::size_t i = 0; i < keys_.size() && found.size() < kMaxTriedKeys; ++i) {
    if (!keys_[i].is_for(algorithm) || (kid && keys_[i].kid != *kid)) continue;
    found.push_back(i);
  }
}

}  // namespace millrace
