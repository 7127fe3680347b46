#include "core/ring/kernel_features.h"

#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/support/seccomp.h"

namespace millrace {
namespace {

KernelFacts good() {
  KernelFacts facts;
  facts.release = "6.1.0-13-amd64";
  facts.memlock_limit = 8U << 20;
  return facts;
}

std::string verdict(const KernelFacts& facts) {
  const Result<void> result = judge_kernel(facts);
  return result.ok() ? "ok" : result.error().text;
}

::testing::AssertionResult says(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (text.find(word) == std::string::npos) {
      return ::testing::AssertionFailure() << "'" << word << "' is not in: " << text;
    }
  }
  return ::testing::AssertionSuccess();
}

std::ptrdiff_t lines(const std::string& text) {
  return 1 + std::count(text.begin(), text.end(), '\n');
}

TEST(KernelFeaturesTest, AllThereIsOk) { EXPECT_EQ(verdict(good()), "ok"); }

TEST(KernelFeaturesTest, SwitchedOffForAll) {
  KernelFacts facts = good();
  facts.uring_disabled = 2;
  facts.privileged = true;  // does not help
  facts.setup_errno = facts.plain_setup_errno = EPERM;
  EXPECT_TRUE(
      says(verdict(facts), {"io_uring_disabled is 2", "sysctl -w kernel.io_uring_disabled=0"}));
  EXPECT_EQ(lines(verdict(facts)), 1);
}

TEST(KernelFeaturesTest, SwitchedOffForTheUnprivileged) {
  KernelFacts facts = good();
  facts.uring_disabled = 1;
  facts.setup_errno = facts.plain_setup_errno = EPERM;
  EXPECT_TRUE(says(verdict(facts), {"io_uring_disabled is 1", "io_uring_group",
                                    "sysctl -w kernel.io_uring_disabled=0"}));
}

TEST(KernelFeaturesTest, APrivilegedProcessThatIsRefusedMeetsSeccomp) {
  KernelFacts facts = good();
  facts.uring_disabled = 1;
  facts.privileged = true;
  facts.setup_errno = facts.plain_setup_errno = EPERM;
  EXPECT_TRUE(says(verdict(facts), {"seccomp"}));
}

TEST(KernelFeaturesTest, ASettingThatLetsThisProcessThroughIsNoFault) {
  KernelFacts facts = good();
  facts.uring_disabled = 1;  // a member of kernel.io_uring_group
  EXPECT_EQ(verdict(facts), "ok");
}

TEST(KernelFeaturesTest, SeccompForbids) {
  KernelFacts facts = good();
  facts.setup_errno = facts.plain_setup_errno = EPERM;
  EXPECT_TRUE(says(verdict(facts), {"seccomp", "Docker", "--security-opt seccomp=unconfined"}));
  facts.setup_errno = facts.plain_setup_errno = ENOSYS;
  EXPECT_TRUE(says(verdict(facts), {"seccomp", "CONFIG_IO_URING", "6.1.0-13-amd64"}));
}

TEST(KernelFeaturesTest, TooOld) {
  KernelFacts facts = good();
  facts.release = "5.10.0-26-amd64";
  facts.setup_errno = EINVAL;
  facts.missing_opcodes = {"IORING_OP_SENDMSG"};
  EXPECT_TRUE(says(verdict(facts), {"5.10.0-26-amd64 is too old", "Linux 6.1",
                                    "apt-get install linux-image-amd64"}));
  EXPECT_TRUE(says(verdict(facts), {"lacks IORING_OP_SENDMSG"}));
  EXPECT_EQ(lines(verdict(facts)), 2);
}

TEST(KernelFeaturesTest, TooLittleLockedMemory) {
  KernelFacts facts = good();
  facts.setup_errno = ENOMEM;
  EXPECT_TRUE(says(verdict(facts), {"8 MiB", "ulimit -l", "LimitMEMLOCK", "CAP_IPC_LOCK"}));
  facts.memlock_limit = UINT64_MAX;
  EXPECT_TRUE(says(verdict(facts), {"unlimited"}));
  facts = good();
  facts.register_buffers_errno = ENOMEM;
  EXPECT_TRUE(says(verdict(facts), {"receive buffers", "ulimit -l"}));
}

TEST(KernelFeaturesTest, OutOfDescriptors) {
  KernelFacts facts = good();
  facts.setup_errno = EMFILE;
  EXPECT_TRUE(says(verdict(facts), {"RLIMIT_NOFILE", "ulimit -n"}));
  facts.setup_errno = ENFILE;
  EXPECT_TRUE(says(verdict(facts), {"fs.file-max"}));
  facts = good();
  facts.register_files_errno = EMFILE;
  EXPECT_TRUE(says(verdict(facts), {"file table", "RLIMIT_NOFILE", "ulimit -n"}));
}

TEST(KernelFeaturesTest, AnUnknownErrorIsNamedAndEveryCauseHasALine) {
  KernelFacts facts = good();
  facts.setup_errno = EIO;
  facts.register_files_errno = EINVAL;
  facts.register_buffers_errno = EPERM;
  facts.missing_opcodes = {"IORING_OP_RECV", "IORING_OP_SEND"};
  const std::string text = verdict(facts);
  EXPECT_EQ(lines(text), 4);
  EXPECT_TRUE(says(text, {"Input/output error", "file table", "receive buffers", "seccomp",
                          "IORING_OP_RECV, IORING_OP_SEND"}));
}

TEST(KernelFeaturesTest, ThisMachineHasItAll) {
  const KernelFacts facts = probe_kernel();
  EXPECT_EQ(verdict(facts), "ok");
  EXPECT_FALSE(facts.release.empty());
  EXPECT_EQ(facts.setup_errno, 0);
  EXPECT_EQ(facts.plain_setup_errno, 0);
  EXPECT_GT(facts.memlock_limit, 0U);
}

TEST(KernelFeaturesTest, AProbeUnderARealSeccompFilterFindsIt) {
  std::thread([] {
    refuse_on_this_thread({.number = SYS_io_uring_setup, .error = EPERM});
    const KernelFacts facts = probe_kernel();
    EXPECT_EQ(facts.setup_errno, EPERM);
    EXPECT_EQ(facts.plain_setup_errno, EPERM);
    EXPECT_TRUE(says(verdict(facts), {"seccomp"}));
  }).join();
}

TEST(KernelFeaturesTest, AProbeFindsThatRegisteringIsForbidden) {
  std::thread([] {
    refuse_on_this_thread({.number = SYS_io_uring_register, .error = ENOMEM});
    const KernelFacts facts = probe_kernel();
    EXPECT_EQ(facts.setup_errno, 0);
    EXPECT_EQ(facts.register_files_errno, ENOMEM);
    EXPECT_EQ(facts.register_buffers_errno, ENOMEM);
    EXPECT_EQ(facts.missing_opcodes, std::vector<std::string>{"IORING_REGISTER_PROBE"});
  }).join();
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return std::distance(begin(entries), end(entries));
}

TEST(KernelFeaturesTest, TryingDirectSocketsLeavesNothingBehind) {
  const bool can = can_close_direct_sockets().value();
  const auto before = open_files();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(can_close_direct_sockets().value(), can);
  EXPECT_EQ(open_files(), before);
}

TEST(KernelFeaturesTest, AKernelBefore613CantCloseDirectSockets) {
  constexpr std::uint32_t kMemoryRegion = 34;  // not in Linux 6.1, nor under tests/kernel61's mask
  std::thread([] {
    refuse_on_this_thread({.number = SYS_io_uring_register,
                           .error = EINVAL,
                           .argument = 1,
                           .mask = UINT32_MAX,
                           .value = kMemoryRegion});
    const Result<bool> can = can_close_direct_sockets();
    ASSERT_TRUE(can.ok()) << can.error().text;
    EXPECT_FALSE(*can);
  }).join();
}

TEST(KernelFeaturesTest, WhatKeepsATrialFromBeingMadeIsNoVerdict) {
  struct Case {
    RefusedCall call;
    const char* fix;
  };
  constexpr std::uint32_t kTrial = IORING_REGISTER_FILES;
  if (!can_close_direct_sockets().value()) GTEST_SKIP() << "this kernel needs no trial";
  for (const Case& one : {Case{{.number = SYS_io_uring_setup, .error = EMFILE}, "ulimit -n"},
                          Case{{.number = SYS_io_uring_setup, .error = ENOMEM}, "ulimit -l"},
                          Case{{.number = SYS_io_uring_register,
                          .error = ENOMEM,
                          .argument = 1,
                          .mask = UINT32_MAX,
                          .value = kTrial},
                               "ulimit -l"},
                          Case{{.number = SYS_socketpair, .error = EMFILE}, "ulimit -n"},
                          Case{{.number = SYS_socketpair, .error = ENFILE}, "fs.file-max"},
                          Case{{.number = SYS_socketpair, .error = ENOMEM}, "free memory"},
                          Case{{.number = SYS_socketpair, .error = EPERM}, "allow socketpair"},
                          Case{{.number = SYS_poll, .error = ENOMEM}, "free memory"},
                          Case{{.number = SYS_io_uring_enter, .error = EBUSY}, "start again"}}) {
    std::thread([&one] {
      const auto before = open_files();
      refuse_on_this_thread(one.call);
      const Result<bool> can = can_close_direct_sockets();
      ASSERT_FALSE(can.ok()) << one.call.number << " " << one.call.error;
      EXPECT_TRUE(says(can.error().text, {one.fix}));
      EXPECT_EQ(lines(can.error().text), 1);
      EXPECT_EQ(open_files(), before);
    }).join();
  }
}

TEST(KernelFeaturesTest, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{256, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);  // nothing left to do
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// Which of both it is, is the kernel's matter; the limit is as before.
TEST(RingsCountAsLocked, LeavesTheLimitAsItWas) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &before), 0);
  const bool counts = rings_count_as_locked();
  EXPECT_EQ(rings_count_as_locked(), counts);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_cur);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
}

}  // namespace
}  // namespace millrace
