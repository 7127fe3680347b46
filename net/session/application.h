// What a session asks the application that stands behind the server, and what it is told: the seam
// to net/proxy, which asks over NATS. Values and interfaces only (docs/APPLICATION.md).
//
// Owner: the shard; all of it is called on its thread. An answer comes from the loop, never from
// inside ask(). Who asked and goes before it is answered says forget().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/instant.h"
#include "net/auth/claims.h"

namespace millrace {

// Where a client came from and what it asked for with its upgrade: all of it is the client's word,
// but for an address that a trusted proxy or the kernel told.
struct ClientPlace {
  static constexpr std::size_t kMaxPath = 1'024;  // bytes; a longer one is cut off
  static constexpr std::size_t kMaxHeaderBytes =
      4'096;  // of all values; what is beyond is left out

  std::string address;
  std::string path;                                          // `?path=` of the upgrade
  std::vector<std::pair<std::string, std::string>> headers;  // those that the configuration names
};

// Views, for the call. What a method has no use for is empty.
struct ApplicationQuestion {
  ProxyMethod method = ProxyMethod::kRpc;
  ConnId who = {};
  Bytes client = {};  // its id
  Bytes user = {};
  bool flat = false;  // its wire format takes any bytes; otherwise it is JSON
  Bytes channel = {};
  Bytes rpc_method = {};
  Bytes data = {};
  bool data_is_json = true;
  Bytes token = {};
  Bytes name = {};  // of the client's library
  Bytes version = {};
  Bytes meta = {};  // raw JSON that the application gave at connect
  const ClientPlace* place = nullptr;
  std::uint16_t code = 0;  // of leaving
  Bytes reason = {};
};

// Owned, and checked: nothing in it can break what it is put into. Whether its channels can be
// entered is the session's to say.
struct ApplicationAnswer {
  enum class Kind : std::uint8_t {
    kAllowed,
    kError,        // code and text
    kDisconnect,   // the same
    kUnavailable,  // nobody answered, or not what can be understood
  };
  Kind kind = Kind::kUnavailable;
  std::uint32_t code = 0;
  std::string text = {};
  bool temporary = false;
  // If it is allowed:
  std::string user = {};
  std::int64_t expires_at = 0;  // second of the calendar; 0: never
  bool expired = false;
  bool skip_history = false;
  bool has_info = false;         // of a refresh: `sub.info` replaces what was
  std::string data = {};         // empty: none
  std::string meta = {};         // raw JSON
  ClaimedSubscription sub = {};  // of a subscribe; its info is also that of a connection
  std::vector<ClaimedSubscription> subs = {};  // of a connect
};

// Who asked.
class ApplicationListener {
 public:
  // Once for each that ask() took and forget() did not end. The answer may be taken apart.
  virtual void on_application_answer(ConnId who, std::uint64_t ticket, ApplicationAnswer& answer,
                                     Instant now) = 0;

 protected:
  ~ApplicationListener() = default;
};

class ApplicationDoor {
 public:
  // Whether the application is asked that at all.
  [[nodiscard]] virtual bool asks(ProxyMethod method) const = 0;
  // A ticket, which the answer names. 0: nobody can be asked now, and nobody is called.
  [[nodiscard]] virtual std::uint64_t ask(const ApplicationQuestion& question, Instant now) = 0;
  // Nobody wants that answer any more.
  virtual void forget(std::uint64_t ticket) = 0;
  // Told and not asked: at most once, and nothing comes back.
  virtual void tell(const ApplicationQuestion& message, Instant now) = 0;
  // Names of request headers that connect is told of.
  [[nodiscard]] virtual const std::vector<std::string>& headers() const = 0;

 protected:
  ~ApplicationDoor() = default;
};

}  // namespace millrace
