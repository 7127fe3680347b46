#include "net/nats/nats_files.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/bytes.h"
#include "net/nats/nkey.h"

namespace millrace {
namespace {

constexpr Bytes kJwtBegin = "-----BEGIN NATS USER JWT-----";
constexpr Bytes kSeedBegin = "-----BEGIN USER NKEY SEED-----";
// Of a file's mode: others may read or write, its group may write.
constexpr mode_t kUnsafeMode = 026;

// Text that is wiped when it is not needed any more.
struct Secret {
  Secret() = default;
  explicit Secret(std::string value) : text(std::move(value)) {}
  Secret(Secret&& other) noexcept : text(std::exchange(other.text, {})) {}
  Secret& operator=(Secret&&) = delete;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }

  std::string text;
};

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioFree>;
using Certificate = std::unique_ptr<X509, CertificateFree>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

// What a failing call leaves behind would be taken for the next one's.
struct ErrorsCleared {
  ~ErrorsCleared() { ERR_clear_error(); }
};

struct Descriptor {
  explicit Descriptor(const char* path) : fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  const int fd;
};

struct File {
  Secret content;
  mode_t mode = 0;
};

Error bad_file(const char* key, const std::string& path, const std::string& why) {
  return Error{std::string("broker.") + key + ": the file " + path + " " + why};
}

// Grows to what is there, and one byte more than the limit at most.
bool read_all(int fd, std::string& text) {
  text.resize(kMaxNatsFile + 1);
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t got = read(fd, text.data() + at, text.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  text.resize(at);
  return true;
}

Result<File> read_nats_file(const char* key, const std::string& path) {
  const Descriptor file(path.c_str());
  struct stat about {};
  if (file.fd < 0 || fstat(file.fd, &about) != 0) {
    return bad_file(key, path,
                    std::string("can't be opened: ") + std::strerror(errno) +
                        "; check the path and that the server's user may read it");
  }
  if (!S_ISREG(about.st_mode)) return bad_file(key, path, "is no file; name a file, not a folder");
  File read{.content = {}, .mode = about.st_mode};
  std::string& text = read.content.text;
  if (!read_all(file.fd, text)) {
    return bad_file(key, path, std::string("can't be read: ") + std::strerror(errno));
  }
  if (text.empty()) return bad_file(key, path, "is empty; write into it what the key is for");
  if (text.size() > kMaxNatsFile) {
    return bad_file(key, path,
                    "is bigger than " + std::to_string(kMaxNatsFile) +
                        " bytes; leave only in it what the key is for");
  }
  return read;
}

Bytes trimmed(Bytes text) {
  constexpr Bytes kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == Bytes::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The line behind a header and in front of the next line of dashes; empty if it is not so.
Bytes block_of(Bytes text, Bytes begin) {
  const std::size_t at = text.find(begin);
  if (at == Bytes::npos) return {};
  const Bytes rest = text.substr(at + begin.size());
  const std::size_t end = rest.find("\n---");
  return end == Bytes::npos ? Bytes() : trimmed(rest.substr(0, end));
}

// As nats.c finds it: between headers, or the first line that begins with SU.
Bytes seed_of(Bytes text) {
  if (const Bytes block = block_of(text, kSeedBegin); !block.empty()) return block;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Bytes line = trimmed(text.substr(0, end));
    if (line.starts_with("SU")) return line;
    if (end == Bytes::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

bool is_jwt(Bytes text) {
  constexpr Bytes kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  return first != Bytes::npos && first > 0 && last > first + 1 && last + 1 < text.size() &&
         text.find('.', first + 1) == last && text.find_first_not_of(kAllowed) == Bytes::npos;
}

std::string unsafe_warning(const char* key, const std::string& path) {
  return std::string("broker.") + key + ": others on this machine may read or change the file " +
         path + ", which holds a secret; chmod 600 it";
}

Result<void> check_credentials(const char* key, const std::string& path, Bytes text) {
  // nats.c takes a file without this block for the token itself, and would send all of it.
  if (!is_jwt(block_of(text, kJwtBegin))) {
    return bad_file(key, path, "holds no user's JWT; write what `nsc generate creds` prints");
  }
  if (!nkey_of_seed(block_of(text, kSeedBegin))) {
    return bad_file(key, path,
                    "holds no user's seed that is right; write what `nsc generate creds` prints");
  }
  return {};
}

Result<void> check_seed(const char* key, const std::string& path, Bytes text) {
  if (nkey_of_seed(seed_of(text))) return {};
  return bad_file(key, path,
                  "holds no user's seed that is right; write what `nk -gen user` prints, which "
                  "begins with SU");
}

Result<void> check_certificates(const char* key, const std::string& path, Bytes text) {
  const ErrorsCleared clear;
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio && Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))) return {};
  return bad_file(key, path, "holds no certificate; write it in PEM (-----BEGIN CERTIFICATE-----)");
}

// nats.c could ask nobody for a password.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*closure*/) { return -1; }

Result<void> check_key(const NatsSecurity& security, Bytes certificate_text, Bytes key_text) {
  const ErrorsCleared clear;
  const Bio key_bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_password, nullptr));
  if (!key) {
    return bad_file("tls_key", security.tls_key,
                    "holds no private key, or one with a password; write it in PEM without one");
  }
  const Bio bio(
      BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate && X509_check_private_key(certificate.get(), key.get()) == 1) return {};
  return bad_file("tls_key", security.tls_key,
                  "holds another key than that of the first certificate in " + security.tls_cert);
}

using Check = Result<void> (*)(const char* key, const std::string& path, Bytes text);

}  // namespace

std::optional<std::string> read_nkey(const std::string& path) {
  const auto file = read_nats_file("nkey_seed", path);
  return file ? nkey_of_seed(seed_of(file->content.text)) : std::nullopt;
}

Result<std::vector<std::string>> check_nats_files(const NatsSecurity& security) {
  std::vector<std::string> warnings;
  const auto check = [&warnings](const char* key, const std::string& path, bool secret,
                                 Check judge) -> Result<void> {
    if (path.empty()) return {};
    const auto file = read_nats_file(key, path);
    if (!file) return file.error();
    if (secret && (file->mode & kUnsafeMode) != 0) warnings.push_back(unsafe_warning(key, path));
    return judge(key, path, file->content.text);
  };
  const auto anything = [](const char*, const std::string&, Bytes) -> Result<void> { return {}; };
  if (auto done = check("credentials", security.credentials, true, check_credentials); !done) {
    return done.error();
  }
  if (auto done = check("nkey_seed", security.nkey_seed, true, check_seed); !done) {
    return done.error();
  }
  if (auto done = check("tls_ca", security.tls_ca, false, check_certificates); !done) {
    return done.error();
  }
  if (auto done = check("tls_cert", security.tls_cert, false, check_certificates); !done) {
    return done.error();
  }
  if (auto done = check("tls_key", security.tls_key, true, anything); !done) return done.error();
  if (security.tls_cert.empty() || security.tls_key.empty()) return warnings;
  const auto certificate = read_nats_file("tls_cert", security.tls_cert);
  const auto key = read_nats_file("tls_key", security.tls_key);
  if (!certificate) return certificate.error();
  if (!key) return key.error();
  const auto fits = check_key(security, certificate->content.text, key->content.text);
  if (!fits) return fits.error();
  return warnings;
}

}  // namespace millrace
