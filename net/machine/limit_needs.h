// What a number of connections needs of each setting of the kernel: the formulas, each in one
// place, for the check (limit_rules.h) and for the settings that it recommends (sysctl_settings.h).
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace millrace {

// The memory of one idle connection, the server's half (docs/OPERATIONS.md).
inline constexpr std::uint64_t kUserBytesPerConnection = 320;
inline constexpr std::uint64_t kKernelBytesPerConnection = 4'160;
inline constexpr std::uint64_t kBytesPerConnection =
    kUserBytesPerConnection + kKernelBytesPerConnection;

// A formula in words stands beside each, for tables and for the comments of settings.
inline constexpr std::string_view kQueueFormula =
    "a tenth of the cap, for a mass reconnect spread over 10 s; 128 to 65,535";
std::uint64_t accept_queue_needed(std::uint64_t connections);

inline constexpr std::string_view kSynFormula = "a tenth of the cap; 128 to 262,144";
std::uint64_t syn_backlog_needed(std::uint64_t connections);

inline constexpr std::string_view kDeviceFormula = "a fiftieth of the cap; 1,000 to 30,000";
std::uint64_t device_backlog_needed(std::uint64_t connections);

inline constexpr std::string_view kTcpMemFormula =
    "1.5, 2 and 3 pages a connection: one to send, one to receive; at most half of the memory";
// Low, pressure and high. `most` bounds the last: pages of the machine; 0 where it is not known.
std::array<std::uint64_t, 3> tcp_mem_needed(std::uint64_t connections, std::uint64_t most);

inline constexpr std::string_view kRmemFormula =
    "at most: half of the memory over a fiftieth of the connections, rounded up to a power of two; "
    "64 KiB to 32 MiB";
// The most that one connection may be given, so that a fiftieth of all that fill it leave the rest
// of the machine about its half.
std::uint64_t receive_buffer_most(std::uint64_t connections, std::uint64_t memory);

inline constexpr std::string_view kOrphanFormula = "half of the cap; at least 4,096";
std::uint64_t closing_needed(std::uint64_t connections);  // orphans, and TIME_WAIT

inline constexpr std::string_view kConntrackFormula = "1.25 x the cap, and what is tracked already";
std::uint64_t conntrack_needed(std::uint64_t connections, std::uint64_t tracked);
std::uint64_t conntrack_holds(std::uint64_t max, std::uint64_t tracked);

inline constexpr std::string_view kBucketFormula = "a quarter of nf_conntrack_max";
std::uint64_t conntrack_buckets_needed(std::uint64_t max);

inline constexpr std::string_view kMemoryFormula =
    "4,480 B a connection (320 of the server, 4,160 of the kernel) and the shards' buffers; a "
    "tenth "
    "stays free";
std::uint64_t memory_needed(std::uint64_t connections, std::uint64_t fixed);
std::uint64_t memory_holds(std::uint64_t bytes, std::uint64_t fixed);

inline constexpr std::string_view kMapFormula = "a quarter of the cap; at least 65,530";
std::uint64_t mappings_needed(std::uint64_t connections);

inline constexpr std::string_view kFileFormula =
    "the cap, the server's own descriptors, and what is in use";
inline constexpr std::string_view kPortFormula =
    "4 a connection to NATS: half a range is quick to search, and old ones stay in TIME_WAIT";
std::uint64_t ports_needed(std::uint64_t links);

inline constexpr std::string_view kProxyFormula =
    "the cap over half of the port range, 25,000 at most, for each address and port that it "
    "connects to";
std::uint64_t proxy_addresses_needed(std::uint64_t connections, std::uint64_t ports);

// Sums that stay at the largest number instead of starting again at 0.
std::uint64_t plus(std::uint64_t a, std::uint64_t b);
std::uint64_t times(std::uint64_t a, std::uint64_t b);
std::uint64_t minus(std::uint64_t a, std::uint64_t b);  // 0 at least

}  // namespace millrace
