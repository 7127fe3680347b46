#include "proto/error_code.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace millrace {
namespace {

const std::vector<ErrorCode> kErrors = {ErrorCode::kInternal,
                                        ErrorCode::kUnauthorized,
                                        ErrorCode::kUnknownChannel,
                                        ErrorCode::kPermissionDenied,
                                        ErrorCode::kMethodNotFound,
                                        ErrorCode::kAlreadySubscribed,
                                        ErrorCode::kLimitExceeded,
                                        ErrorCode::kBadRequest,
                                        ErrorCode::kNotAvailable,
                                        ErrorCode::kTokenExpired,
                                        ErrorCode::kExpired,
                                        ErrorCode::kTooManyRequests,
                                        ErrorCode::kUnrecoverablePosition,
                                        ErrorCode::kConflict};

const std::vector<DisconnectCode> kDisconnects = {DisconnectCode::kConnectionClosed,
                                                  DisconnectCode::kShutdown,
                                                  DisconnectCode::kInternalError,
                                                  DisconnectCode::kExpired,
                                                  DisconnectCode::kSubscriptionExpired,
                                                  DisconnectCode::kSlow,
                                                  DisconnectCode::kWriteError,
                                                  DisconnectCode::kInsufficientState,
                                                  DisconnectCode::kForceReconnect,
                                                  DisconnectCode::kNoPong,
                                                  DisconnectCode::kTooManyRequests,
                                                  DisconnectCode::kStateInvalidated,
                                                  DisconnectCode::kInvalidToken,
                                                  DisconnectCode::kBadRequest,
                                                  DisconnectCode::kStale,
                                                  DisconnectCode::kForceDisconnect,
                                                  DisconnectCode::kConnectionLimit,
                                                  DisconnectCode::kChannelLimit,
                                                  DisconnectCode::kInappropriateProtocol,
                                                  DisconnectCode::kPermissionDenied,
                                                  DisconnectCode::kNotAvailable,
                                                  DisconnectCode::kTooManyErrors};

const std::vector<UnsubscribeCode> kUnsubscribes = {
    UnsubscribeCode::kServer, UnsubscribeCode::kInsufficientState, UnsubscribeCode::kExpired};

bool printable_ascii(Bytes text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

TEST(ErrorCodeTest, EveryErrorHasItsOwnText) {
  std::set<std::string> texts;
  for (const ErrorCode code : kErrors) {
    const Bytes text = error_text(code);
    EXPECT_FALSE(text.empty()) << static_cast<std::uint32_t>(code);
    EXPECT_TRUE(printable_ascii(text)) << text;
    EXPECT_TRUE(texts.insert(std::string(text)).second) << text;
  }
}

TEST(ErrorCodeTest, OnlyPassingTroublesAreTemporary) {
  for (const ErrorCode code : kErrors) {
    const bool temporary = code == ErrorCode::kInternal || code == ErrorCode::kTooManyRequests ||
                           code == ErrorCode::kConflict;
    EXPECT_EQ(error_temporary(code), temporary) << error_text(code);
  }
}

TEST(ErrorCodeTest, EveryUnsubscribeHasItsOwnReason) {
  std::set<std::string> texts;
  for (const UnsubscribeCode code : kUnsubscribes) {
    const Bytes text = unsubscribe_text(code);
    EXPECT_TRUE(printable_ascii(text)) << text;
    EXPECT_TRUE(texts.insert(std::string(text)).second) << text;
  }
  EXPECT_FALSE(texts.contains(""));
}

// What SDKs do next is in the number alone.
TEST(ErrorCodeTest, NumbersSayWhetherTheClientComesBack) {
  const auto number = [](auto code) { return static_cast<unsigned>(code); };
  EXPECT_EQ(number(ErrorCode::kTokenExpired), 109U);
  EXPECT_EQ(number(ErrorCode::kUnrecoverablePosition), 112U);
  EXPECT_EQ(number(ErrorCode::kConflict), 113U);
  EXPECT_EQ(number(DisconnectCode::kSubscriptionExpired), 3006U);
  EXPECT_EQ(number(DisconnectCode::kStateInvalidated), 3014U);
  EXPECT_EQ(number(DisconnectCode::kInvalidToken), 3500U);
  EXPECT_EQ(number(UnsubscribeCode::kServer), 2000U);
  EXPECT_EQ(number(UnsubscribeCode::kInsufficientState), 2500U);
  EXPECT_EQ(number(UnsubscribeCode::kExpired), 2501U);
  for (const DisconnectCode code : kDisconnects) {
    EXPECT_TRUE(number(code) >= 3000 && number(code) <= 3999) << number(code);
  }
}

TEST(ErrorCodeTest, TextsThatClientsCompareWith) {
  EXPECT_EQ(error_text(ErrorCode::kInternal), "internal server error");
  EXPECT_EQ(error_text(ErrorCode::kPermissionDenied), "permission denied");
  EXPECT_EQ(error_text(ErrorCode::kNotAvailable), "not available");
  EXPECT_EQ(disconnect_text(DisconnectCode::kShutdown), "shutdown");
  EXPECT_EQ(disconnect_text(DisconnectCode::kNoPong), "no pong");
  EXPECT_EQ(disconnect_text(DisconnectCode::kBadRequest), "bad request");
}

TEST(ErrorCodeTest, EveryDisconnectHasAReasonThatSdksTake) {
  std::set<std::string> texts;
  for (const DisconnectCode code : kDisconnects) {
    const Bytes text = disconnect_text(code);
    EXPECT_FALSE(text.empty()) << static_cast<std::uint16_t>(code);
    EXPECT_LE(text.size(), 32U) << text;
    EXPECT_TRUE(printable_ascii(text)) << text;
    // A reason that is JSON would be read as advice of an older protocol.
    EXPECT_EQ(text.find_first_of("{}[]\"0123456789-"), Bytes::npos) << text;
    EXPECT_TRUE(text != "true" && text != "false" && text != "null");
    EXPECT_TRUE(texts.insert(std::string(text)).second) << text;
  }
}

}  // namespace
}  // namespace millrace
