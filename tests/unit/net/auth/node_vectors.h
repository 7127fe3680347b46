// Tokens that Node 18 made with its own crypto, with keys that are used nowhere else.
#pragma once

#include <array>

#include "core/base/bytes.h"

namespace millrace::test {

struct NodeVector {
  Bytes algorithm;
  Bytes pem;  // empty: kNodeSecret
  Bytes token;
};

inline constexpr Bytes kNodeSecret =
    "made-up-secret-of-the-node-vectors-0123456789-0123456789-0123456789";

// {"sub":"node","iat":1700000000,"exp":4102444800}
inline constexpr std::array<NodeVector, 10> kNodeVectors{{
    {"HS256", "",
     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.6jHLisjFPm7NSgrF--2PuuVakDNcnun9usQpOZxfW5A"},
    {"HS384", "",
     "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.vVCNmTusILtIurs0Zc5mIFlzloCLw9wpGHgRfsxqM3XNFF18r2-iEnkqaE"
     "kq1Osd"},
    {"HS512", "",
     "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.C1CwTVSMciiAIga2q3mFZHZJrObCTE_aT6UpqB2OMhAkVThGyIrzIDrCok"
     "3202lxMEBTY-jXI6-DgpTmJXTlZA"},
    {"RS256",
     "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAza4f/7VfB"
     "OJu3nbOZwYN\na3LgqY+TThYxf4sA8+W5iSWXZ+DhycbecLpTaow45bOIxqGCOsD9+eNFm+XZekTL\npUt"
     "08BKV9jaEPD8osMhbpJaPtIvGqtH8nuIs7XWTERGwGdSCwb1ULEUdvD4WxwY6\nQpxlU7Sh9ANZV8u0Ze"
     "qmfZvcU/JnLFxNUUrggHOM8RhOjxE8747w78zPETbAF8Qi\nj0YabJbYaPIdi+LX0bs6OhQfLmh/aw6vB"
     "6zkUphWAp5QBMbzYfKVcrbOHEU9PVMx\nzak8M1Qf12vQpKCev6Mp/hLzRCazqaf7i7cP2IcMn4IVGmSh"
     "Tng8P0rVJjfqHBa4\nVwIDAQAB\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.EXmvttiG_ebUQ04jXjr3SFmVDg8VgdTOm5OoK68m9dWMRCYUtcXIWJJgzn"
     "mvWUynKYrAN003i17ICkEU8FccT7pui3ALNd18EaWME0-Acur_YJgPAhfRLcHIQfruSv5q7oLuIoSb0m"
     "6Lf4qaIKbsPyTV42Fr7LZWoqsEE55l1qHMvK4yBMgJ-UpXZ2jUVGp6DCDbBWXPHITkOe890QRzrq7kle"
     "CC3Wejb8MufQNJO0_E_gfDGOXYHaoYCkLRfqKegdde4R8st8lAbtyLCw2U78NkzBjCh8KGZM4BV1Di4n"
     "tmlLDHlR4-e4-iAh_j1qUF9BQlBHioM7tAMg8mLEIXyQ"},
    {"RS384",
     "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAza4f/7VfB"
     "OJu3nbOZwYN\na3LgqY+TThYxf4sA8+W5iSWXZ+DhycbecLpTaow45bOIxqGCOsD9+eNFm+XZekTL\npUt"
     "08BKV9jaEPD8osMhbpJaPtIvGqtH8nuIs7XWTERGwGdSCwb1ULEUdvD4WxwY6\nQpxlU7Sh9ANZV8u0Ze"
     "qmfZvcU/JnLFxNUUrggHOM8RhOjxE8747w78zPETbAF8Qi\nj0YabJbYaPIdi+LX0bs6OhQfLmh/aw6vB"
     "6zkUphWAp5QBMbzYfKVcrbOHEU9PVMx\nzak8M1Qf12vQpKCev6Mp/hLzRCazqaf7i7cP2IcMn4IVGmSh"
     "Tng8P0rVJjfqHBa4\nVwIDAQAB\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.EuD_9DxYPRRt8X6RqPGSbF0Mr4PaqkHfx8ozjChvgMNVKmP7odx1k5tmHP"
     "sIoUfKA2MIaJ8nUYHRCG8cqZG6mQvOi7DwEPZeVa3FEeN510z5SpZpLePv0_ubczbORGgPBZ7frlOpQ4"
     "wax5GVn7tBcaidHNNS3TYvDOZl3jfkgfJVwZsM6DlQMkQgRT0kIGpzjjIg9Q9gt0mcCYZmINfTjfkS1b"
     "mssk0biH5fEkj8rDgOBvF-bxDlU3DGA4Ucp7v2xv7dgYnaB-k0YRZ27FuncB3--W3Ryv7t8d_omCKCkP"
     "JRxPCIrhN5geebZv9m4mIOvKvwOMFLG9JDXp9PODF6SQ"},
    {"RS512",
     "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAza4f/7VfB"
     "OJu3nbOZwYN\na3LgqY+TThYxf4sA8+W5iSWXZ+DhycbecLpTaow45bOIxqGCOsD9+eNFm+XZekTL\npUt"
     "08BKV9jaEPD8osMhbpJaPtIvGqtH8nuIs7XWTERGwGdSCwb1ULEUdvD4WxwY6\nQpxlU7Sh9ANZV8u0Ze"
     "qmfZvcU/JnLFxNUUrggHOM8RhOjxE8747w78zPETbAF8Qi\nj0YabJbYaPIdi+LX0bs6OhQfLmh/aw6vB"
     "6zkUphWAp5QBMbzYfKVcrbOHEU9PVMx\nzak8M1Qf12vQpKCev6Mp/hLzRCazqaf7i7cP2IcMn4IVGmSh"
     "Tng8P0rVJjfqHBa4\nVwIDAQAB\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.FFo0siohWqAQVAxOTa7Ii3DzpwtWleIa0XiwcOCvnmu2brzwootzHs-qao"
     "L0F3LexCO9m_PG8eQJh2ObWpct-oiWsCL_YZaNoBW8EpAM0MLrf3tO4D91-5iPE2_-pUCsAvhrCwqWwt"
     "FZuqcQpxyOGJtVNSDguwGoBCg3r3fWHEVPg9CCxbrCWuDJnab2oxm9BleNOoa0RKfR7d045aR7NI9ma8"
     "vsiqEYg45-ZhziSJM8G_2c27VZ_QWle7EagenzF9Ib4lrm5Ol52Ms8r25UrO5ZCQqU5n3JZ77XEM_IWY"
     "d3q6F98rdTfAeUM4RQBQcfRobGKS72V6K9p2gSpVwTjA"},
    {"ES256",
     "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPLSTWGU9Rg/UaucCF"
     "rxowvmb3MD8\nVZ3zDOkQhSXIBhrPOaX1EWNxxBehI777NxQsg68xRPEmfs9pIx6P+Vimog==\n-----EN"
     "D PUBLIC KEY-----\n",
     "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.am_JWa_VqJPG1_teAI_2adz2sBWaGgmmYvJkCdgF53VH_OPj1UzUdMNawA"
     "rGCnMh46i5JLClCLfbbNNp5kgJhA"},
    {"ES384",
     "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE2HTpgtMaQ7YWCVkWvnrvF"
     "+sxd4aHWuJj\nmAIAkT9XgrziUeKgXzTJQCAL2f0nXOf/Qq44Txr1C6MKvQFS+pG9iOw1lmPLOPv3\nCsW"
     "dEwg9vNV6TMFOzwM3OkWbEDptm/SQ\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.kiFnHThxI8dAwCPMX5J2QpB5al1oMrAdJMMhk272KrrV3LMRpUfVuDQTvJ"
     "UPxaQv8NfUJI0QXUglXsasPLggsV9TSGt6QUSUMhr_pWlhMkPcvp4zStOhJurb2EHaj_bv"},
    {"ES512",
     "-----BEGIN PUBLIC KEY-----\nMIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBX+M5k1xnw7kDWNBku"
     "Zw9iLA0Vwb9\n+9hxFzAhZjKCTkyoNgjuQqcr9zYRG/cNDfbVEYd3nxjg9FQ6Th1WqQ56u9gBK6Vs\no1y"
     "z3puCNnt88W4DHYNgM9ON3RDPtGIlUcz76Czdn4sqTv3/T2UMnqZHt/96dUeW\nROFrbXXCsk9X6qXCz5"
     "8=\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.AYathmgmsNR-8Qb9FSEbzzW9-Q05NPaCN9Q3dpxZopsSu1dzOsuqDFLNj8"
     "Pt4azR4SilKPgryV3O8dT1dmxkBnzJAHp3YzS4oFfGIrvP4k9WSwcRC7hHpqQ0MxBspi8ORjYPWx8fTs"
     "JgtNTlstm6xQBXsZswUsl2aw6Q9D14z9T6KOAF"},
    {"EdDSA",
     "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAazDlAPYQU8iuvkC9cFLcvzedLq2Av2C4ERurj"
     "1/p9xw=\n-----END PUBLIC KEY-----\n",
     "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2RlIiwiaWF0IjoxNzAwMDAwMDAwLCJ"
     "leHAiOjQxMDI0NDQ4MDB9.Y8XLx3ZOCJYx4-bcxtcqwVQswwbU5DSayWEL7rdhnLxP-I0cqxSqKv23A9"
     "xBcRLx9GjyAAIXQX3Qconz0KJ2DQ"},
}};

}  // namespace millrace::test
