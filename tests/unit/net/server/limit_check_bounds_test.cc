// Machines whose limits bound the cap or forbid the start: the exact cap and the exact text.
#include <gtest/gtest.h>

#include "tests/support/limit_fixture.h"

namespace millrace {
namespace {

const std::string kLimits = "proc/self/limits";
const std::string kMemory = "proc/meminfo";
const std::string kStatus = "proc/self/status";
const std::string kRelease = "proc/sys/kernel/osrelease";
const std::string kUring = "proc/sys/kernel/io_uring_disabled";
const std::string kGroup = "sys/fs/cgroup/system.slice/millrace.service/";
const std::string kNet = "proc/sys/net/";

const std::vector<LimitFixture> kFixtures{
    {"ConntrackLoadedButIdle",
     {{kNet + "netfilter/nf_conntrack_max", "1000\n"}},
     {},
     0,
     "cap 2,084,772: RLIMIT_NOFILE decides (1,048,576)",
     "ok        nf_conntrack_max             not active              -\n",
     "nf_conntrack_max"},
    {"ConntrackActiveDecides",
     {{kNet + "netfilter/nf_conntrack_count", "144\n"}},
     {},
     0,
     "cap 209,600: nf_conntrack_max decides (262,144 (144 used))",
     "ok *      nf_conntrack_max             262,144 (144 used)      262,144                 "
     "209,600\n"
     "          fix: for twice as many: sysctl -w net.netfilter.nf_conntrack_max=524144, or "
     "NOTRACK for\n"
     "          the clients' ports (sysctl/README.md)\n",
     "nf_conntrack_max"},
    {"ConntrackActiveTooLowForTheCap",
     {{kNet + "netfilter/nf_conntrack_count", "144\n"}},
     {.connections = 1'000'000},
     71,
     "cap 209,600 instead of 1,000,000: nf_conntrack_max decides (262,144 (144 used), needed "
     "1,250,144)",
     "too low * nf_conntrack_max             262,144 (144 used)      1,250,144               "
     "209,600\n"
     "          The kernel drops packets of new connections (dmesg: nf_conntrack: table full).\n"
     "          fix: sysctl -w net.netfilter.nf_conntrack_max=1250144, or NOTRACK for the clients' "
     "ports\n"
     "          (sysctl/README.md)\n",
     "nf_conntrack_max"},
    {"ConntrackWithRulesButNothingTrackedYet",
     {{"proc/modules", "nft_ct 24576 2 - Live 0x0\n"}},
     {.connections = 300'000},
     71,
     "cap 209,715 instead of 300,000: nf_conntrack_max decides (262,144 (0 used), needed 375,000)",
     "too low * nf_conntrack_max             262,144 (0 used)        375,000                 "
     "209,715\n"
     "          The kernel drops packets of new connections (dmesg: nf_conntrack: table full).\n"
     "          fix: sysctl -w net.netfilter.nf_conntrack_max=375000, or NOTRACK for the clients' "
     "ports\n"
     "          (sysctl/README.md)\n",
     "nf_conntrack_max"},
    {"ConntrackExemptByConfiguration",
     {{kNet + "netfilter/nf_conntrack_count", "144\n"}},
     {.connections = 1'000'000, .conntrack_exempt = true},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "ok        nf_conntrack_max             exempt (configured)     -\n",
     "nf_conntrack_max"},
    {"ConntrackNotThere",
     {{kNet + "netfilter/nf_conntrack_max", std::nullopt},
      {kNet + "netfilter/nf_conntrack_count", std::nullopt},
      {kNet + "netfilter/nf_conntrack_buckets", std::nullopt}},
     {},
     0,
     "cap 2,084,772: RLIMIT_NOFILE decides (1,048,576)",
     "ok        nf_conntrack_max             not active              -\n",
     "nf_conntrack_max"},
    {"ConntrackFull",
     {{kNet + "netfilter/nf_conntrack_count", "262144\n"}},
     {.connections = 10},
     71,
     "cap 0 instead of 10: nf_conntrack_max decides (262,144 (262,144 used), needed 262,157)",
     "too low * nf_conntrack_max             262,144 (262,144 used)  262,157                 0\n"
     "          The kernel drops packets of new connections (dmesg: nf_conntrack: table full).\n"
     "          fix: sysctl -w net.netfilter.nf_conntrack_max=262157, or NOTRACK for the clients' "
     "ports\n"
     "          (sysctl/README.md)\n",
     "nf_conntrack_max"},
    {"ConntrackUnreadable",
     {{kNet + "netfilter/nf_conntrack_max", "?\n"}},
     {},
     0,
     "cap 2,084,772: RLIMIT_NOFILE decides (1,048,576)",
     "unknown   nf_conntrack_max             not readable            -\n"
     "          The kernel drops packets of new connections (dmesg: nf_conntrack: table full).\n",
     "nf_conntrack_max"},
    {"MemoryDecides",
     {{kMemory, FakeMachine::memory(4'194'304, 2'097'152)}},
     {},
     0,
     "cap 429,541: memory decides (2.0 GiB free)",
     "ok *      memory                       2.0 GiB free            2.0 GiB                 "
     "429,541\n"
     "          fix: for twice as many: more memory, or end what else takes it\n",
     "memory "},
    {"MemoryTooLowForTheCap",
     {{kMemory, FakeMachine::memory(4'194'304, 2'097'152)}},
     {.connections = 1'000'000},
     71,
     "cap 429,541 instead of 1,000,000: memory decides (2.0 GiB free, needed 4.6 GiB)",
     "too low * memory                       2.0 GiB free            4.6 GiB                 "
     "429,541\n"
     "          The kernel ends processes that use the most (OOM).\n"
     "          fix: more memory, or end what else takes it\n",
     "memory "},
    {"MemoryMissing",
     {{kMemory, std::nullopt}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   memory                       not there               13.6 MiB\n"
     "          The kernel ends processes that use the most (OOM).\n",
     "memory "},
    {"MemoryNotReadable",
     {{kMemory, ""}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   memory                       not readable            13.6 MiB\n"
     "          The kernel ends processes that use the most (OOM).\n",
     "memory "},
    {"CgroupMemoryDecides",
     {{kGroup + "memory.max", "536870912\n"}},
     {},
     0,
     "cap 99,661: cgroup memory decides (482.0 MiB of 512.0 MiB)",
     "ok *      cgroup memory                482.0 MiB of 512.0 MiB  482.0 MiB               "
     "99,661\n"
     "          fix: for twice as many: systemd: MemoryMax=986M\n"
     "          (/sys/fs/cgroup/system.slice/millrace.service/memory.max)\n",
     "cgroup memory "},
    {"CgroupMemoryOfTheSliceTooLow",
     {{"sys/fs/cgroup/system.slice/memory.max", "1073741824\n"},
      {"sys/fs/cgroup/system.slice/memory.current", "73741824\n"}},
     {.connections = 500'000},
     71,
     "cap 199,020 instead of 500,000: cgroup memory decides (953.7 MiB of 1.0 GiB, needed 2.3 GiB)",
     "too low * cgroup memory                953.7 MiB of 1.0 GiB    2.3 GiB                 "
     "199,020\n"
     "          The kernel ends the server (OOM of its group).\n"
     "          fix: systemd: MemoryMax=2453M (/sys/fs/cgroup/system.slice/memory.max)\n",
     "cgroup memory "},
    {"CgroupMemoryOfVersion1",
     {{"proc/self/cgroup", "4:memory:/jobs\n0::/\n"},
      {"sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "104857600\n"},
      {"sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "4857600\n"}},
     {},
     0,
     "cap 18,216: cgroup memory decides (95.4 MiB of 100.0 MiB)",
     "ok *      cgroup memory                95.4 MiB of 100.0 MiB   95.4 MiB                "
     "18,216\n"
     "          fix: for twice as many: systemd: MemoryMax=187M\n"
     "          (/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes)\n",
     "cgroup memory "},
    {"CgroupMemoryHighOnlyWarns",
     {{kGroup + "memory.high", "536870912\n"}},
     {.connections = 200'000},
     0,
     "cap 200,000: it fits, max_connections decides",
     "warning   cgroup memory.high           482.0 MiB of 512.0 MiB  958.3 MiB\n"
     "          The kernel slows the server down to reclaim memory.\n"
     "          fix: systemd: MemoryHigh=989M "
     "(/sys/fs/cgroup/system.slice/millrace.service/memory.high)\n",
     "cgroup memory.high"},
    {"CgroupPidsForbid",
     {{kGroup + "pids.max", "5\n"}},
     {},
     71,
     "cap 0: cgroup pids forbids the start (2 of 5)",
     "too low * cgroup pids                  2 of 5                  4\n"
     "          The server can't start its threads.\n"
     "          fix: systemd: TasksMax=7 (/sys/fs/cgroup/system.slice/millrace.service/pids.max), "
     "or fewer\n"
     "          shards: --shards\n",
     "cgroup pids"},
    {"CgroupPidsJustEnough",
     {{kGroup + "pids.max", "7\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        cgroup pids                  4 of 7                  4\n",
     "cgroup pids"},
    {"CgroupPidsWithNats",
     {{kGroup + "pids.max", "7\n"}},
     {.connections = 1'000, .nats = true},
     71,
     "cap 0: cgroup pids forbids the start (4 of 7)",
     "too low * cgroup pids                  4 of 7                  21\n"
     "          The server can't start its threads.\n"
     "          fix: systemd: TasksMax=24 (/sys/fs/cgroup/system.slice/millrace.service/pids.max), "
     "or\n"
     "          fewer shards: --shards\n",
     "cgroup pids"},
    {"ProcessesForbidWhoIsNotRoot",
     {{kLimits, FakeMachine::limits("20000", "20000", "8388608", "3")},
      {kStatus, FakeMachine::capabilities("0")}},
     {},
     71,
     "cap 0: RLIMIT_NPROC forbids the start (3)",
     "too low * RLIMIT_NPROC                 3                       4\n"
     "          The server can't start its threads.\n"
     "          fix: ulimit -u 4 (systemd: LimitNPROC=), or fewer shards: --shards\n",
     "RLIMIT_NPROC"},
    {"ProcessesDoNotBindRoot",
     {{kLimits, FakeMachine::limits("20000", "20000", "8388608", "3")}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        RLIMIT_NPROC                 3 (not for root)        4\n",
     "RLIMIT_NPROC"},
    {"MemlockOfAUserMayBeTooLow",
     {{kLimits, FakeMachine::limits("20000", "20000", "65536")},
      {kStatus, FakeMachine::capabilities("0")}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   RLIMIT_MEMLOCK               64.0 KiB                2.7 MiB\n"
     "          The server can't start: no memory for an io_uring.\n"
     "          fix: ulimit -l 3072 (systemd: LimitMEMLOCK=3M), or grant CAP_IPC_LOCK\n",
     "RLIMIT_MEMLOCK"},
    {"MemlockDoesNotBindWhoMayLock",
     {{kLimits, FakeMachine::limits("20000", "20000", "65536")},
      {kStatus, FakeMachine::capabilities("4000")}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        RLIMIT_MEMLOCK               64.0 KiB, CAP_IPC_LOCK  2.7 MiB\n",
     "RLIMIT_MEMLOCK"},
    {"IoUringDisabled",
     {{kUring, "2\n"}},
     {.connections = 1'000},
     71,
     "cap 0: kernel.io_uring_disabled forbids the start (2)",
     "too low * kernel.io_uring_disabled     2                       0\n"
     "          The server can't start: it is made of io_uring.\n"
     "          fix: sysctl -w kernel.io_uring_disabled=0\n",
     "kernel.io_uring_disabled"},
    {"IoUringForAGroup",
     {{kUring, "1\n"}, {kStatus, FakeMachine::capabilities("0")}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   kernel.io_uring_disabled     1                       0\n"
     "          The server can't start: it is made of io_uring.\n"
     "          fix: sysctl -w kernel.io_uring_group=<gid of the server>, or sysctl -w\n"
     "          kernel.io_uring_disabled=0\n",
     "kernel.io_uring_disabled"},
    {"IoUringForRoot",
     {{kUring, "1\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        kernel.io_uring_disabled     1                       0\n",
     "kernel.io_uring_disabled"},
    {"IoUringWithoutTheSetting",
     {{kUring, std::nullopt}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        kernel.io_uring_disabled     not there (Linux 6.6)   0\n",
     "kernel.io_uring_disabled"},
    {"KernelTooOld",
     {{kRelease, "5.15.0-1\n"}},
     {.connections = 1'000},
     71,
     "cap 0: kernel forbids the start (5.15.0-1)",
     "too low * kernel                       5.15.0-1                6.1\n"
     "          The server can't start.\n"
     "          fix: a newer kernel; on Debian 12: apt-get install linux-image-amd64\n",
     "kernel "},
};

class MachinesThatBound : public testing::TestWithParam<LimitFixture> {};

TEST_P(MachinesThatBound, AreToldSo) { expect_fixture(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Check, MachinesThatBound, testing::ValuesIn(kFixtures), fixture_name);

}  // namespace
}  // namespace millrace
