// Machines whose descriptors and files bound the cap or forbid the start: the exact cap and text.
#include <gtest/gtest.h>

#include "tests/support/limit_fixture.h"

namespace millrace {
namespace {

const std::string kLimits = "proc/self/limits";
const std::string kRelease = "proc/sys/kernel/osrelease";
const std::string kFileMax = "proc/sys/fs/file-max";

const std::vector<LimitFixture> kFixtures{
    {"CommonMachine",
     {},
     {},
     0,
     "cap 2,084,772: RLIMIT_NOFILE decides (1,048,576)",
     "ok *      RLIMIT_NOFILE                1,048,576               1,048,576               "
     "2,084,772\n"
     "          fix: for twice as many: more shards: --shards\n",
     "RLIMIT_NOFILE"},
    {"AMillionOnTheCommonMachine",
     {},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "ok *      max_connections              1,000,000               -                       "
     "1,000,000\n",
     "max_connections"},
    {"OneShardHoldsItsWholeTable",
     {},
     {.shards = 1},
     0,
     "cap 1,048,512: RLIMIT_NOFILE decides (1,048,576)",
     "ok *      RLIMIT_NOFILE                1,048,576               1,048,576               "
     "1,048,512\n"
     "          fix: for twice as many: more shards: --shards\n",
     "RLIMIT_NOFILE"},
    {"HardLimit20000",
     {{kLimits, FakeMachine::limits("1024", "20000")}},
     {},
     0,
     "cap 38,212: RLIMIT_NOFILE decides (20,000)",
     "ok *      RLIMIT_NOFILE                20,000                  20,000                  "
     "38,212\n"
     "          fix: for twice as many: ulimit -n 39449 (systemd: LimitNOFILE=39449), or more "
     "shards:\n"
     "          --shards\n",
     "RLIMIT_NOFILE"},
    {"SoftLimitEqualsHard",
     {{kLimits, FakeMachine::limits("5000", "5000")}},
     {},
     0,
     "cap 9,064: RLIMIT_NOFILE decides (5,000)",
     "ok *      RLIMIT_NOFILE                5,000                   5,000                   "
     "9,064\n"
     "          fix: for twice as many: ulimit -n 9700 (systemd: LimitNOFILE=9700), or more "
     "shards:\n"
     "          --shards\n",
     "RLIMIT_NOFILE"},
    {"HardLimit1000",
     {{kLimits, FakeMachine::limits("1000", "1000")}},
     {},
     0,
     "cap 1,538: RLIMIT_NOFILE decides (1,000)",
     "ok *      RLIMIT_NOFILE                1,000                   1,000                   "
     "1,538\n"
     "          fix: for twice as many: ulimit -n 1838 (systemd: LimitNOFILE=1838), or more "
     "shards:\n"
     "          --shards\n",
     "RLIMIT_NOFILE"},
    {"HardLimit300IsTooLowForTheAdminPort",
     {{kLimits, FakeMachine::limits("300", "300")}},
     {},
     71,
     "cap 0: RLIMIT_NOFILE forbids the start (300)",
     "too low * RLIMIT_NOFILE                300                     320                     0\n"
     "          Newcomers beyond it are refused; too few, and the server can't start.\n"
     "          fix: ulimit -n 320 (systemd: LimitNOFILE=320)\n",
     "RLIMIT_NOFILE"},
    {"HardLimit320IsJustEnough",
     {{kLimits, FakeMachine::limits("320", "320")}},
     {},
     0,
     "cap 352: RLIMIT_NOFILE decides (320)",
     "ok *      RLIMIT_NOFILE                320                     320                     352\n"
     "          fix: for twice as many: ulimit -n 529 (systemd: LimitNOFILE=529), or more shards: "
     "--shards\n",
     "RLIMIT_NOFILE "},
    {"AMillionUnder20000Wants56Shards",
     {{kLimits, FakeMachine::limits("20000", "20000")}},
     {.connections = 1'000'000, .shards = 56},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "ok        RLIMIT_NOFILE                20,000                  18,724                  "
     "1,069,936\n",
     "RLIMIT_NOFILE"},
    {"AMillionUnder20000DoesNotFit50Shards",
     {{kLimits, FakeMachine::limits("20000", "20000")}},
     {.connections = 1'000'000, .shards = 50},
     71,
     "cap 955,300 instead of 1,000,000: RLIMIT_NOFILE decides (20,000, needed 20,913)",
     "too low * RLIMIT_NOFILE                20,000                  20,913                  "
     "955,300\n"
     "          Newcomers beyond it are refused; too few, and the server can't start.\n"
     "          fix: ulimit -n 20913 (systemd: LimitNOFILE=20913), or more shards: --shards\n",
     "RLIMIT_NOFILE"},
    {"MoreThanATableCanHold",
     {},
     {.connections = 3'000'000},
     71,
     "cap 2,084,772 instead of 3,000,000: RLIMIT_NOFILE decides (1,048,576, needed more shards)",
     "too low * RLIMIT_NOFILE                1,048,576               more shards             "
     "2,084,772\n"
     "          Newcomers beyond it are refused; too few, and the server can't start.\n"
     "          fix: more shards: --shards\n",
     "RLIMIT_NOFILE"},
    {"HardLimitAboveNrOpenStaysUnraised",
     {{kLimits, FakeMachine::limits("4096", "2000000")}},
     {},
     0,
     "cap 7,336: RLIMIT_NOFILE decides (4,096)",
     "ok *      RLIMIT_NOFILE                4,096                   4,096                   "
     "7,336\n"
     "          fix: for twice as many: ulimit -n 7914 (systemd: LimitNOFILE=7914), or more "
     "shards:\n"
     "          --shards\n",
     "RLIMIT_NOFILE"},
    {"UnlimitedIsAboveNrOpenToo",
     {{kLimits, FakeMachine::limits("1024", "unlimited")}},
     {},
     0,
     "cap 1,582: RLIMIT_NOFILE decides (1,024)",
     "ok *      RLIMIT_NOFILE                1,024                   1,024                   "
     "1,582\n"
     "          fix: for twice as many: ulimit -n 1885 (systemd: LimitNOFILE=1885), or more "
     "shards:\n"
     "          --shards\n",
     "RLIMIT_NOFILE"},
    {"NrOpenTooLowForTheCap",
     {{kLimits, FakeMachine::limits("20000", "20000")}, {"proc/sys/fs/nr_open", "20000\n"}},
     {.connections = 100'000},
     71,
     "cap 38,212 instead of 100,000: RLIMIT_NOFILE decides (20,000, needed 51,406)",
     "warning   fs.nr_open                   20,000                  51,406\n"
     "          RLIMIT_NOFILE can't be raised to what the cap needs.\n"
     "          fix: sysctl -w fs.nr_open=51406\n",
     "fs.nr_open"},
    {"LimitsNotReadable",
     {{kLimits, "nonsense\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   RLIMIT_NOFILE                not readable            699\n"
     "          Newcomers beyond it are refused; too few, and the server can't start.\n",
     "RLIMIT_NOFILE"},
    {"BeforeLinux613AllShareTheDescriptors",
     {{kRelease, "6.1.0-44-amd64\n"}},
     {},
     0,
     "cap 1,048,052: RLIMIT_NOFILE decides (1,048,576)",
     "ok *      RLIMIT_NOFILE                1,048,576               1,048,576               "
     "1,048,052\n"
     "          fix: for twice as many: ulimit -n 2096628 (systemd: LimitNOFILE=2096628)\n",
     "RLIMIT_NOFILE"},
    {"BeforeLinux613AMillionNeedsThemAll",
     {{kRelease, "6.1.0-44-amd64\n"}, {kLimits, FakeMachine::limits("20000", "20000")}},
     {.connections = 1'000'000},
     71,
     "cap 19,476 instead of 1,000,000: RLIMIT_NOFILE decides (20,000, needed 1,000,524)",
     "too low * RLIMIT_NOFILE                20,000                  1,000,524               "
     "19,476\n"
     "          Newcomers beyond it are refused; too few, and the server can't start.\n"
     "          fix: ulimit -n 1000524 (systemd: LimitNOFILE=1000524)\n",
     "RLIMIT_NOFILE"},
    {"FileMaxDecides",
     {{kFileMax, "100000\n"}},
     {},
     0,
     "cap 98,924: fs.file-max decides (100,000 (1,000 used))",
     "ok *      fs.file-max                  100,000 (1,000 used)    100,000                 "
     "98,924\n"
     "          fix: for twice as many: sysctl -w fs.file-max=198924\n",
     "fs.file-max"},
    {"FileMaxTooLowForTheCap",
     {{kFileMax, "50000\n"}},
     {.connections = 60'000},
     71,
     "cap 48,924 instead of 60,000: fs.file-max decides (50,000 (1,000 used), needed 61,076)",
     "too low * fs.file-max                  50,000 (1,000 used)     61,076                  "
     "48,924\n"
     "          No process of the machine can open a file or socket (ENFILE).\n"
     "          fix: sysctl -w fs.file-max=61076\n",
     "fs.file-max"},
    {"FileMaxUsedUp",
     {{kFileMax, "900\n"}},
     {},
     71,
     "cap 0: fs.file-max decides (900 (1,000 used), needed 1,077)",
     "too low * fs.file-max                  900 (1,000 used)        1,077                   0\n"
     "          No process of the machine can open a file or socket (ENFILE).\n"
     "          fix: sysctl -w fs.file-max=1077\n",
     "fs.file-max"},
    {"FileNrMissingCountsNothingAsUsed",
     {{kFileMax, "100000\n"}, {"proc/sys/fs/file-nr", std::nullopt}},
     {},
     0,
     "cap 99,924: fs.file-max decides (100,000)",
     "ok *      fs.file-max                  100,000                 100,000                 "
     "99,924\n"
     "          fix: for twice as many: sysctl -w fs.file-max=199924\n",
     "fs.file-max"},
};

class MachinesOfFewDescriptors : public testing::TestWithParam<LimitFixture> {};

TEST_P(MachinesOfFewDescriptors, AreToldSo) { expect_fixture(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Check, MachinesOfFewDescriptors, testing::ValuesIn(kFixtures),
                         fixture_name);

}  // namespace
}  // namespace millrace
