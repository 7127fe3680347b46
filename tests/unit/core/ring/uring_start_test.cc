// How a ring is made, or refused with cause and fix.
#include <linux/io_uring.h>
#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <thread>

#include "core/ring/uring.h"
#include "tests/support/seccomp.h"
#include "tests/unit/core/ring/uring_fixture.h"

namespace millrace {
namespace {

class UringStartTest : public UringFixture {};
INSTANTIATE_TEST_SUITE_P(Sockets, UringStartTest, UringFixture::places(), UringFixture::place_name);

TEST_P(UringStartTest, ATableAboveTheDescriptorLimitNamesTheLimitAndTheFix) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max >= UINT32_MAX) limit.rlim_max = 1'048'576;
  RecvBuffers buffers(1, 64);
  UringOptions options = kSmall;
  options.files = static_cast<std::uint32_t>(limit.rlim_max) + 1;
  options.direct = GetParam();
  const Result<std::unique_ptr<Ring>> made = make_uring(options, buffers);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().text.find("RLIMIT_NOFILE"), std::string::npos) << made.error().text;
  const char* fix = GetParam() ? "--shards" : "--max-connections";
  EXPECT_NE(made.error().text.find(fix), std::string::npos) << made.error().text;
}

// What make_uring says where one system call ends with `error`, for a register operation by number.
std::string refusal(const RefusedCall& call) {
  std::string text;
  std::thread([&] {
    refuse_on_this_thread(call);
    RecvBuffers buffers(1, 64);
    const Result<std::unique_ptr<Ring>> made = make_uring({.direct = true}, buffers);
    text = made.ok() ? "it worked" : made.error().text;
  }).join();
  return text;
}

TEST_P(UringStartTest, TriesTheKernelOnlyIfNotToldWhereSocketsLive) {
  std::thread([] {
    refuse_on_this_thread({.number = SYS_socketpair, .error = EMFILE});
    RecvBuffers buffers(1, 64);
    UringOptions options = kSmall;
    options.direct = GetParam();
    EXPECT_TRUE(make_uring(options, buffers).ok());
    RecvBuffers others(1, 64);
    options.direct.reset();
    const Result<std::unique_ptr<Ring>> made = make_uring(options, others);
    // An older kernel is known without sockets.
    if (GetParam()) {
      ASSERT_FALSE(made.ok());
      EXPECT_NE(made.error().text.find("could not be tried"), std::string::npos);
    }
  }).join();
}

TEST_P(UringStartTest, ARefusedStartNamesCauseAndFix) {
  const auto setup = [](int error) {
    return refusal({.number = SYS_io_uring_setup, .error = error});
  };
  EXPECT_NE(setup(EPERM).find("seccomp"), std::string::npos) << setup(EPERM);
  EXPECT_NE(setup(ENOSYS).find("seccomp"), std::string::npos) << setup(ENOSYS);
  EXPECT_NE(setup(ENOMEM).find("LimitMEMLOCK"), std::string::npos) << setup(ENOMEM);
  EXPECT_NE(setup(EMFILE).find("ulimit -n"), std::string::npos) << setup(EMFILE);
  const auto registering = [](std::uint32_t operation, int error) {
    return refusal({.number = SYS_io_uring_register,
                    .error = error,
                    .argument = 1,
                    .mask = UINT32_MAX,
                    .value = operation});
  };
  const std::string files = registering(IORING_REGISTER_FILES2, ENOMEM);
  EXPECT_NE(files.find("client sockets"), std::string::npos) << files;
  EXPECT_NE(files.find("LimitMEMLOCK"), std::string::npos) << files;
  const std::string buffers = registering(IORING_REGISTER_PBUF_RING, EINVAL);
  EXPECT_NE(buffers.find("receive buffers"), std::string::npos) << buffers;
  EXPECT_NE(buffers.find("Linux 6.1"), std::string::npos) << buffers;
  EXPECT_NE(refusal({.number = SYS_eventfd2, .error = EMFILE}).find("eventfd"), std::string::npos);
}

}  // namespace
}  // namespace millrace
