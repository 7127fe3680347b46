// Keys made for these tests and used nowhere else: a user's seed, an account's, a certificate with
// its key, another key, and that one under a password. Constant; for tests of net/nats only.
#pragma once

namespace millrace {

inline constexpr const char* kUserSeed =
    "SUANFCLJGY3PKM3TLY3ZCM374TDWSYXLJOHY4ODLO5HM6ZBDTXWYCJDC64";
inline constexpr const char* kUserKey = "UDOE4ZXWAWZ6GYHL5VICTW5QAQPGDODDBS4GP2TNI4HPTNKNWN4DGTXJ";
inline constexpr const char* kAccountSeed =
    "SAAMRA22JBNNMGBKSRQCTZTV36CUOE2WNEJU3FFFLRC3KB52PTOQK5UMPU";

inline constexpr const char* kCertificatePem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBSDCB+6ADAgECAhRtEwagKjudE8aCtvbzqInpma0QWzAFBgMrZXAwGTEXMBUG\n"
    "A1UEAwwObWlsbHJhY2UtdGVzdHMwIBcNMjYxMTI0MDMwNDMyWhgPMjEyNjEwMzEw\n"
    "MzA0MzJaMBkxFzAVBgNVBAMMDm1pbGxyYWNlLXRlc3RzMCowBQYDK2VwAyEAYZLk\n"
    "G9+2KCQ30t+S2podBotmUr/SmXAh7+JD4+3yfRujUzBRMB0GA1UdDgQWBBTrPvYg\n"
    "o/8bVjamZUBhRbQw6cMH+zAfBgNVHSMEGDAWgBTrPvYgo/8bVjamZUBhRbQw6cMH\n"
    "+zAPBgNVHRMBAf8EBTADAQH/MAUGAytlcANBAK57CONWXYgGiimgVwiIDQSz1aWn\n"
    "hzcYkPOCQfYO6oDcpTi3ZdJP9Dc4EusFES7XLyimDX8Slwb748PeKYovaAI=\n"
    "-----END CERTIFICATE-----\n";
inline constexpr const char* kPrivateKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEILjpcuhFCXbBkJ93ZJwHMz2/5DQ+HGTzkoHrJOx2MnN6\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr const char* kOtherKeyPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIEgTmK8Ju6orAUYUia0w2EA1vpy3fgFAXl6JnMPnGWiR\n"
    "-----END PRIVATE KEY-----\n";
inline constexpr const char* kLockedKeyPem =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjLIyW7tMSlmQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEI/wu7Jv1ImOe9Bi4689eicEQO5y\n"
    "XEuzlQT60h9c8+AhCJB8z5jiQiXTjmYvtUwyNm1FQqEeqKZqwURjBYgtSBw9YINg\n"
    "EBPe2vR79+2WX6NFaF0=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

}  // namespace millrace
