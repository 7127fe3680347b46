// Machines whose limits only make things worse: the exact warning and the command that mends it.
#include <gtest/gtest.h>

#include "tests/support/limit_fixture.h"

namespace millrace {
namespace {

const std::string kMemory = "proc/meminfo";
const std::string kNet = "proc/sys/net/";

const std::vector<LimitFixture> kFixtures{
    {"SmallAcceptQueue",
     {{kNet + "core/somaxconn", "16\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   net.core.somaxconn           16                      128\n"
     "          A mass reconnect overflows the accept queue: connects time out and retry.\n"
     "          fix: sysctl -w net.core.somaxconn=128\n",
     "net.core.somaxconn"},
    {"AcceptQueueOfAMillion",
     {{kNet + "core/somaxconn", "4096\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "warning   net.core.somaxconn           4,096                   65,535\n"
     "          A mass reconnect overflows the accept queue: connects time out and retry.\n"
     "          fix: sysctl -w net.core.somaxconn=65535\n",
     "net.core.somaxconn"},
    {"AcceptQueueNotReadable",
     {{kNet + "core/somaxconn", "\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   net.core.somaxconn           not readable            128\n"
     "          A mass reconnect overflows the accept queue: connects time out and retry.\n",
     "net.core.somaxconn"},
    {"SynBacklogBehindCookies",
     {{kNet + "ipv4/tcp_max_syn_backlog", "128\n"}},
     {.connections = 100'000},
     0,
     "cap 100,000: it fits, max_connections decides",
     "ok        net.ipv4.tcp_max_syn_backlog 128 (SYN cookies)       10,000\n",
     "net.ipv4.tcp_max_syn_backlog"},
    {"SynBacklogWithoutCookies",
     {{kNet + "ipv4/tcp_max_syn_backlog", "128\n"}, {kNet + "ipv4/tcp_syncookies", "0\n"}},
     {.connections = 100'000},
     0,
     "cap 100,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_max_syn_backlog 128                     10,000\n"
     "          Without SYN cookies, a mass reconnect overflows it: connects time out.\n"
     "          fix: sysctl -w net.ipv4.tcp_max_syn_backlog=10000\n",
     "net.ipv4.tcp_max_syn_backlog"},
    {"SynCookiesOff",
     {{kNet + "ipv4/tcp_syncookies", "0\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_syncookies      0                       1\n"
     "          A flood of SYNs keeps everybody else out.\n"
     "          fix: sysctl -w net.ipv4.tcp_syncookies=1\n",
     "net.ipv4.tcp_syncookies"},
    {"DeviceBacklog",
     {{kNet + "core/netdev_max_backlog", "1000\n"}},
     {.connections = 200'000},
     0,
     "cap 200,000: it fits, max_connections decides",
     "warning   net.core.netdev_max_backlog  1,000                   4,000\n"
     "          Packets of a storm are dropped before TCP sees them.\n"
     "          fix: sysctl -w net.core.netdev_max_backlog=4000\n",
     "net.core.netdev_max_backlog"},
    {"MigrateRequestsOff",
     {{kNet + "ipv4/tcp_migrate_req", "0\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_migrate_req     0                       1\n"
     "          A restart with --join resets connections that wait in the accept queue.\n"
     "          fix: sysctl -w net.ipv4.tcp_migrate_req=1\n",
     "net.ipv4.tcp_migrate_req"},
    {"MigrateRequestsNotThere",
     {{kNet + "ipv4/tcp_migrate_req", std::nullopt}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   net.ipv4.tcp_migrate_req     not there (Linux 5.14)  1\n"
     "          A restart with --join resets connections that wait in the accept queue.\n",
     "net.ipv4.tcp_migrate_req"},
    {"TcpMemOfAMillion",
     {{kNet + "ipv4/tcp_mem", "287901 383869 575802\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_mem             287901 383869 575802    1500000 2000000 3000000\n"
     "          A broadcast to all stalls: the kernel drops segments.\n"
     "          fix: sysctl -w net.ipv4.tcp_mem='1500000 2000000 3000000'\n",
     "net.ipv4.tcp_mem"},
    {"TcpMemOnASmallMachine",
     {{kNet + "ipv4/tcp_mem", "1 2 3\n"}, {kMemory, FakeMachine::memory(1'048'576, 1'000'000)}},
     {.connections = 100'000},
     0,
     "cap 100,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_mem             1 2 3                   65536 87381 131072\n"
     "          A broadcast to all stalls: the kernel drops segments.\n"
     "          fix: sysctl -w net.ipv4.tcp_mem='65536 87381 131072'\n",
     "net.ipv4.tcp_mem"},
    {"ReceiveBuffersTooLarge",
     {{kNet + "ipv4/tcp_rmem", "4096 131072 33554432\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_rmem            4096 131072 33554432    at most 1,048,576\n"
     "          Peers that send faster than they are read can fill the memory of the kernel.\n"
     "          fix: sysctl -w net.ipv4.tcp_rmem='4096 131072 1048576'\n",
     "net.ipv4.tcp_rmem"},
    {"ReceiveBuffersOfAFewMayBeLarge",
     {{kNet + "ipv4/tcp_rmem", "4096 131072 33554432\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        net.ipv4.tcp_rmem            4096 131072 33554432    at most 33,554,432\n",
     "net.ipv4.tcp_rmem"},
    {"SendBuffers",
     {},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        net.ipv4.tcp_wmem            4096 16384 4194304      any\n",
     "net.ipv4.tcp_wmem"},
    {"SendBufferBelowTheConfiguredOne",
     {{kNet + "core/wmem_max", "65536\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   net.core.wmem_max            65,536                  131,072\n"
     "          The kernel takes less for each client than configured: more, smaller sends.\n"
     "          fix: sysctl -w net.core.wmem_max=131072\n",
     "net.core.wmem_max"},
    {"Orphans",
     {{kNet + "ipv4/tcp_max_orphans", "131072\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "warning   net.ipv4.tcp_max_orphans     131,072                 500,000\n"
     "          A mass disconnect resets connections and loses what they were still to be sent.\n"
     "          fix: sysctl -w net.ipv4.tcp_max_orphans=500000\n",
     "net.ipv4.tcp_max_orphans"},
    {"TimeWaits",
     {{kNet + "ipv4/tcp_max_tw_buckets", "4095\n"}},
     {.connections = 10},
     0,
     "cap 10: it fits, max_connections decides",
     "warning   net.ipv4.tcp_max_tw_buckets  4,095                   4,096\n"
     "          Ports are used again at once, and late packets of old connections reach new ones.\n"
     "          fix: sysctl -w net.ipv4.tcp_max_tw_buckets=4096\n",
     "net.ipv4.tcp_max_tw_buckets"},
    {"ConntrackBuckets",
     {{kNet + "netfilter/nf_conntrack_buckets", "16384\n"},
      {kNet + "netfilter/nf_conntrack_count", "9\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   nf_conntrack_buckets         16,384                  65,536\n"
     "          Every packet searches long chains of tracked connections.\n"
     "          fix: options nf_conntrack hashsize=65536 in /etc/modprobe.d/, or echo 65536 >\n"
     "          /sys/module/nf_conntrack/parameters/hashsize\n",
     "nf_conntrack_buckets"},
    {"PortsForNatsAreFew",
     {{kNet + "ipv4/ip_local_port_range", "10000 10100\n"}},
     {.connections = 1'000, .shards = 64, .nats = true},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   net.ipv4.ip_local_port_range 10000-10100 (101)       256\n"
     "          Connections to NATS fail with EADDRNOTAVAIL.\n"
     "          fix: sysctl -w net.ipv4.ip_local_port_range='1024 65535'\n",
     "net.ipv4.ip_local_port_range"},
    {"PortsForNatsAreTooFew",
     {{kNet + "ipv4/ip_local_port_range", "10000 10009\n"}},
     {.connections = 1'000, .shards = 64, .nats = true},
     0,
     "cap 1,000: it fits, max_connections decides",
     "too low   net.ipv4.ip_local_port_range 10000-10009 (10)        256\n"
     "          Connections to NATS fail with EADDRNOTAVAIL.\n"
     "          fix: sysctl -w net.ipv4.ip_local_port_range='1024 65535'\n",
     "net.ipv4.ip_local_port_range"},
    {"PortsWithoutNatsAreNotNeeded",
     {{kNet + "ipv4/ip_local_port_range", "10000 10000\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        net.ipv4.ip_local_port_range 10000-10000 (1)         0\n",
     "net.ipv4.ip_local_port_range"},
    {"AddressesOfAProxyForAMillion",
     {{kNet + "ipv4/ip_local_port_range", "32768 60999\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "ok        addresses of a proxy         32768-60999 (28,232)    71 a listen address\n",
     "addresses of a proxy"},
    {"AddressesOfAProxyWithAllPorts",
     {},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "ok        addresses of a proxy         1024-65535 (64,512)     40 a listen address\n",
     "addresses of a proxy"},
    {"AddressesOfAProxyWithAHundredPorts",
     {{kNet + "ipv4/ip_local_port_range", "10000 10099\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "ok        addresses of a proxy         10000-10099 (100)       20 a listen address\n",
     "addresses of a proxy"},
    {"PortsNotReadable",
     {{kNet + "ipv4/ip_local_port_range", "9 1\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   addresses of a proxy         not readable            -\n"
     "          A proxy in front with this port range and fewer source addresses runs out of "
     "ports.\n",
     "addresses of a proxy"},
    {"Mappings",
     {{"proc/sys/vm/max_map_count", "65530\n"}},
     {.connections = 1'000'000},
     0,
     "cap 1,000,000: it fits, max_connections decides",
     "warning   vm.max_map_count             65,530                  250,000\n"
     "          Allocations fail though there is memory.\n"
     "          fix: sysctl -w vm.max_map_count=250000\n",
     "vm.max_map_count"},
    {"HugePagesAlways",
     {{"sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "warning   transparent huge pages       always                  madvise\n"
     "          Sparse memory is rounded up to 2 MiB pages: more memory a connection, and pauses.\n"
     "          fix: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled\n",
     "transparent huge pages"},
    {"HugePagesNotThere",
     {{"sys/kernel/mm/transparent_hugepage/enabled", std::nullopt}},
     {.connections = 1'000},
     0,
     "cap 1,000: it fits, max_connections decides",
     "unknown   transparent huge pages       not readable            madvise\n"
     "          Sparse memory is rounded up to 2 MiB pages: more memory a connection, and "
     "pauses.\n",
     "transparent huge pages"},
};

class MachinesThatWarn : public testing::TestWithParam<LimitFixture> {};

TEST_P(MachinesThatWarn, AreToldSo) { expect_fixture(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Check, MachinesThatWarn, testing::ValuesIn(kFixtures), fixture_name);

}  // namespace
}  // namespace millrace
