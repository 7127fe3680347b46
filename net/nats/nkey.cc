#include "net/nats/nkey.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

namespace millrace {
namespace {

constexpr Bytes kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSeedRawBytes = 2 + kKeyBytes + 2;
constexpr unsigned kBitsOfLetter = 5;
constexpr std::uint8_t kSeedKind = 18U << 3U;     // 'S'
constexpr std::uint8_t kUserKind = 20U << 3U;     // 'U'
constexpr std::uint16_t kCrcPolynomial = 0x1021;  // CRC-16/XMODEM

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

using SeedRaw = std::array<std::uint8_t, kSeedRawBytes>;

// False if a letter is no letter of base32, or bits are left over that are not 0.
bool decode_base32(Bytes text, SeedRaw& out) {
  std::uint32_t held = 0;
  unsigned bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == Bytes::npos) return false;
    held = (held << kBitsOfLetter) | static_cast<std::uint32_t>(value);
    bits += kBitsOfLetter;
    if (bits < 8) continue;
    bits -= 8;
    if (at == out.size()) return false;
    out[at++] = static_cast<std::uint8_t>(held >> bits);
    held &= (1U << bits) - 1;
  }
  return at == out.size() && held == 0;
}

template <std::size_t kSize>
std::string encode_base32(const std::array<std::uint8_t, kSize>& raw) {
  std::string text;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : raw) {
    held = (held << 8U) | byte;
    for (bits += 8; bits >= kBitsOfLetter; bits -= kBitsOfLetter) {
      text.push_back(kAlphabet[(held >> (bits - kBitsOfLetter)) & 31U]);
    }
    held &= (1U << bits) - 1;
  }
  if (bits > 0) text.push_back(kAlphabet[(held << (kBitsOfLetter - bits)) & 31U]);
  return text;
}

std::uint16_t crc16(const std::uint8_t* bytes, std::size_t size) {
  std::uint16_t crc = 0;
  for (std::size_t i = 0; i < size; ++i) {
    crc = static_cast<std::uint16_t>(crc ^ (bytes[i] << 8U));
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 0x8000U) != 0;
      crc = static_cast<std::uint16_t>((crc << 1U) ^ (carry ? kCrcPolynomial : 0));
    }
  }
  return crc;
}

// Little endian, behind `size` bytes.
bool crc_holds(const SeedRaw& raw) {
  constexpr std::size_t kSize = kSeedRawBytes - 2;
  return crc16(raw.data(), kSize) == (raw[kSize] | (raw[kSize + 1] << 8U));
}

std::optional<std::string> public_of(const SeedRaw& raw) {
  // The kind stands in the low bits of the first byte and the high ones of the second.
  const auto kind = static_cast<std::uint8_t>(((raw[0] & 7U) << 5U) | (raw[1] >> 3U));
  if ((raw[0] & 0xf8U) != kSeedKind || kind != kUserKind || !crc_holds(raw)) return std::nullopt;
  const std::unique_ptr<EVP_PKEY, KeyFree> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data() + 2, kKeyBytes));
  std::array<std::uint8_t, 1 + kKeyBytes + 2> out{};
  std::size_t size = kKeyBytes;
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data() + 1, &size) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  out[0] = kUserKind;
  const std::uint16_t crc = crc16(out.data(), 1 + kKeyBytes);
  out[1 + kKeyBytes] = static_cast<std::uint8_t>(crc & 0xffU);
  out[2 + kKeyBytes] = static_cast<std::uint8_t>(crc >> 8U);
  return encode_base32(out);
}

}  // namespace

std::optional<std::string> nkey_of_seed(Bytes seed) {
  if (seed.size() != kNkeySeedBytes) return std::nullopt;
  SeedRaw raw{};
  const bool decoded = decode_base32(seed, raw);
  std::optional<std::string> key = decoded ? public_of(raw) : std::nullopt;
  OPENSSL_cleanse(raw.data(), raw.size());
  return key;
}

}  // namespace millrace
