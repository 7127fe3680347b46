#include "core/ring/io_error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace millrace {
namespace {

constexpr OpKind kKinds[] = {OpKind::kAccept, OpKind::kRecv,   OpKind::kSend,
                             OpKind::kClose,  OpKind::kCancel, OpKind::kCancelAccept};

TEST(IoErrorTest, MeansTheSameForEveryOperation) {
  for (const OpKind kind : kKinds) {
    EXPECT_EQ(to_io_error(kind, 0), IoError::kNone);
    EXPECT_EQ(to_io_error(kind, ENOMEM), IoError::kNoMemory);
    EXPECT_EQ(to_io_error(kind, ENFILE), IoError::kTableFull);
    EXPECT_EQ(to_io_error(kind, EMFILE), IoError::kNoFiles);
    EXPECT_EQ(to_io_error(kind, ECANCELED), IoError::kCanceled);
    EXPECT_EQ(to_io_error(kind, EINTR), IoError::kCanceled);
    EXPECT_EQ(to_io_error(kind, EINVAL), IoError::kOther);
    EXPECT_EQ(to_io_error(kind, EBADF), IoError::kOther);
    EXPECT_EQ(to_io_error(kind, 4'095), IoError::kOther);
  }
}

TEST(IoErrorTest, APeerThatIsGoneIsADisconnect) {
  for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, ECONNABORTED, EHOSTUNREACH, EHOSTDOWN,
                          ENETUNREACH, ENETDOWN, ENETRESET, ENOTCONN, ESHUTDOWN, EPROTO}) {
    EXPECT_EQ(to_io_error(OpKind::kRecv, error), IoError::kDisconnect) << error;
    EXPECT_EQ(to_io_error(OpKind::kSend, error), IoError::kDisconnect) << error;
    EXPECT_EQ(to_io_error(OpKind::kAccept, error), IoError::kDisconnect) << error;
  }
}

TEST(IoErrorTest, NoBuffersIsForReceivesOnly) {
  EXPECT_EQ(to_io_error(OpKind::kRecv, ENOBUFS), IoError::kNoBuffers);
  EXPECT_EQ(to_io_error(OpKind::kSend, ENOBUFS), IoError::kNoMemory);
  EXPECT_EQ(to_io_error(OpKind::kAccept, ENOBUFS), IoError::kNoMemory);
}

TEST(IoErrorTest, NotFoundIsForCancelsOnly) {
  for (const int error : {ENOENT, EALREADY}) {
    EXPECT_EQ(to_io_error(OpKind::kCancel, error), IoError::kNotFound);
    EXPECT_EQ(to_io_error(OpKind::kCancelAccept, error), IoError::kNotFound);
    EXPECT_EQ(to_io_error(OpKind::kSend, error), IoError::kOther);
  }
}

TEST(IoErrorTest, PendingErrorsOfANewSocketAreTheAcceptsOnly) {
  EXPECT_EQ(to_io_error(OpKind::kAccept, EOPNOTSUPP), IoError::kDisconnect);
  EXPECT_EQ(to_io_error(OpKind::kRecv, EOPNOTSUPP), IoError::kOther);
}

std::string logged(std::uint64_t nth) {
  testing::internal::CaptureStderr();
  report_unknown_error(OpKind::kSend, EBADF, nth);
  return testing::internal::GetCapturedStderr();
}

TEST(IoErrorTest, ReportsNameTheOperationAndTheErrnoAndThinOut) {
  EXPECT_NE(logged(1).find("send"), std::string::npos);
  EXPECT_NE(logged(1).find("errno 9"), std::string::npos);
  int lines = 0;
  for (std::uint64_t nth = 1; nth <= 1'024; ++nth) lines += logged(nth).empty() ? 0 : 1;
  EXPECT_EQ(lines, 8 + 7);  // 1 to 8; 16, 32, 64, 128, 256, 512, 1024
}

}  // namespace
}  // namespace millrace
