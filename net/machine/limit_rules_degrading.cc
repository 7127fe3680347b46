#include <algorithm>

#include "core/base/log.h"
#include "net/machine/limit_needs.h"
#include "net/machine/limit_row.h"

namespace millrace {
namespace {

constexpr Verdict kWarns = Verdict::kWarning;

LimitRow sysctl_row(const RowText& text, const Fact& found, std::uint64_t needed) {
  return at_least(text, found, needed, kWarns, sysctl_command(text.name, needed));
}

void add_accept(const MachineFacts& facts, std::uint64_t target, std::vector<LimitRow>& rows) {
  rows.push_back(sysctl_row(
      {.name = "net.core.somaxconn",
       .unit = "connections",
       .formula = kQueueFormula,
       .consequence = "A mass reconnect overflows the accept queue: connects time out and retry."},
      facts.somaxconn, accept_queue_needed(target)));
  LimitRow syn = sysctl_row(
      {.name = "net.ipv4.tcp_max_syn_backlog",
       .unit = "connections",
       .formula = kSynFormula,
       .consequence = "Without SYN cookies, a mass reconnect overflows it: connects time out."},
      facts.syn_backlog, syn_backlog_needed(target));
  // With cookies the kernel looks at the accept queue's limit only.
  if (facts.syncookies.known() && facts.syncookies.value() != 0 && syn.verdict == kWarns) {
    syn.verdict = Verdict::kOk;
    syn.found += " (SYN cookies)";
    syn.fix.clear();
  }
  rows.push_back(syn);
  rows.push_back(sysctl_row({.name = "net.ipv4.tcp_syncookies",
                             .unit = "",
                             .formula = "1",
                             .consequence = "A flood of SYNs keeps everybody else out."},
                            facts.syncookies, 1));
  rows.push_back(sysctl_row({.name = "net.core.netdev_max_backlog",
                             .unit = "packets",
                             .formula = kDeviceFormula,
                             .consequence = "Packets of a storm are dropped before TCP sees them."},
                            facts.device_backlog, device_backlog_needed(target)));
  LimitRow migrate = sysctl_row(
      {.name = "net.ipv4.tcp_migrate_req",
       .unit = "",
       .formula = "1",
       .consequence = "A restart with --join resets connections that wait in the accept queue."},
      facts.migrate_requests, 1);
  if (facts.migrate_requests.reading == Reading::kMissing) migrate.found = "not there (Linux 5.14)";
  rows.push_back(migrate);
}

std::string triple_text(const FactOf<3>& fact) {
  if (!fact.known()) return fact.reading == Reading::kMissing ? "not there" : "not readable";
  return std::to_string(fact[0]) + " " + std::to_string(fact[1]) + " " + std::to_string(fact[2]);
}

Fact last_of(const FactOf<3>& fact) {
  Fact last;
  last.reading = fact.reading;
  last.values[0] = fact[2];
  return last;
}

void add_tcp_memory(const MachineFacts& facts, std::uint64_t target, std::vector<LimitRow>& rows) {
  const std::uint64_t pages =
      facts.memory_total.known() ? facts.memory_total.value() / facts.page_bytes : 0;
  const auto [low, pressure, high] = tcp_mem_needed(target, pages);
  const std::string triple =
      std::to_string(low) + " " + std::to_string(pressure) + " " + std::to_string(high);
  LimitRow mem =
      at_least({.name = "net.ipv4.tcp_mem",
                .unit = "pages",
                .formula = kTcpMemFormula,
                .consequence = "A broadcast to all stalls: the kernel drops segments."},
               last_of(facts.tcp_mem), high, kWarns, "sysctl -w net.ipv4.tcp_mem='" + triple + "'");
  mem.found = triple_text(facts.tcp_mem);
  mem.needed = triple;
  rows.push_back(mem);

  LimitRow rmem = row_of({.name = "net.ipv4.tcp_rmem",
                          .unit = "bytes",
                          .formula = kRmemFormula,
                          .consequence = "Peers that send faster than they are read can fill the "
                                         "memory of the kernel."});
  rmem.found = triple_text(facts.tcp_rmem);
  if (!facts.tcp_rmem.known() || !facts.memory_total.known()) {
    rmem.verdict = Verdict::kUnknown;
  } else {
    const std::uint64_t most = receive_buffer_most(target, facts.memory_total.value());
    rmem.needed = "at most " + grouped(most);
    rmem.needed_value = most;
    rmem.found_value = facts.tcp_rmem[2];
    if (facts.tcp_rmem[2] > most) {
      rmem.verdict = kWarns;
      const std::uint64_t middle = std::min(facts.tcp_rmem[1], most);
      rmem.fix = "sysctl -w net.ipv4.tcp_rmem='" + std::to_string(facts.tcp_rmem[0]) + " " +
                 std::to_string(middle) + " " + std::to_string(most) + "'";
    }
  }
  rows.push_back(rmem);
}

void add_send_buffers(const MachineFacts& facts, const LimitPlan& plan,
                      std::vector<LimitRow>& rows) {
  LimitRow wmem = row_of({.name = "net.ipv4.tcp_wmem",
                          .unit = "bytes",
                          .formula = "any: [limits] kernel_send_buffer sets that of clients",
                          .consequence = "Only connections to NATS follow it."});
  wmem.found = triple_text(facts.tcp_wmem);
  wmem.needed = "any";
  if (!facts.tcp_wmem.known()) wmem.verdict = Verdict::kUnknown;
  rows.push_back(wmem);
  rows.push_back(
      sysctl_row({.name = "net.core.wmem_max",
                  .unit = "bytes",
                  .formula = "[limits] kernel_send_buffer",
                  .consequence = "The kernel takes less for each client than configured: more, "
                                 "smaller sends."},
                 facts.send_buffer_max, plan.send_buffer_bytes));
}

void add_closing(const MachineFacts& facts, std::uint64_t target, std::vector<LimitRow>& rows) {
  rows.push_back(sysctl_row({.name = "net.ipv4.tcp_max_orphans",
                             .unit = "connections",
                             .formula = kOrphanFormula,
                             .consequence = "A mass disconnect resets connections and loses what "
                                            "they were still to be sent."},
                            facts.max_orphans, closing_needed(target)));
  rows.push_back(sysctl_row({.name = "net.ipv4.tcp_max_tw_buckets",
                             .unit = "connections",
                             .formula = kOrphanFormula,
                             .consequence = "Ports are used again at once, and late packets of old "
                                            "connections reach new ones."},
                            facts.max_time_waits, closing_needed(target)));
}

void add_conntrack(const MachineFacts& facts, const LimitPlan& plan, std::vector<LimitRow>& rows) {
  const RowText text{.name = "nf_conntrack_buckets",
                     .unit = "buckets",
                     .formula = kBucketFormula,
                     .consequence = "Every packet searches long chains of tracked connections."};
  if (!conntrack_is_active(facts) || plan.conntrack_exempt) {
    LimitRow off = row_of(text);
    off.found = plan.conntrack_exempt ? "exempt (configured)" : "not active";
    rows.push_back(off);
    return;
  }
  const std::uint64_t needed = conntrack_buckets_needed(facts.conntrack_max.value());
  rows.push_back(at_least(text, facts.conntrack_buckets, needed, kWarns,
                          "options nf_conntrack hashsize=" + std::to_string(needed) +
                              " in /etc/modprobe.d/, or echo " + std::to_string(needed) +
                              " > /sys/module/nf_conntrack/parameters/hashsize"));
}

void add_ports(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target,
               std::vector<LimitRow>& rows) {
  const FactOf<2>& range = facts.port_range;
  Fact ports;
  ports.reading = range.reading;
  if (range.known()) ports.values[0] = range[1] - range[0] + 1;
  const std::string found = range.known()
                                ? std::to_string(range[0]) + "-" + std::to_string(range[1]) + " (" +
                                      grouped(ports.value()) + ")"
                                : fact_text(ports);
  const bool is_out = ports.known() && ports.value() < plan.nats_links;
  LimitRow own = at_least({.name = "net.ipv4.ip_local_port_range",
                           .unit = "ports",
                           .formula = kPortFormula,
                           .consequence = "Connections to NATS fail with EADDRNOTAVAIL."},
                          ports, ports_needed(plan.nats_links), is_out ? Verdict::kTooLow : kWarns,
                          "sysctl -w net.ipv4.ip_local_port_range='1024 65535'");
  own.found = found;
  rows.push_back(own);

  LimitRow proxy = row_of({.name = "addresses of a proxy",
                           .unit = "addresses",
                           .formula = kProxyFormula,
                           .consequence = "A proxy in front with this port range and fewer source "
                                          "addresses runs out of ports."});
  proxy.found = found;
  if (ports.known()) {
    proxy.needed_value = proxy_addresses_needed(target, ports.value());
    proxy.needed = grouped(*proxy.needed_value) + " a listen address";
  } else {
    proxy.verdict = Verdict::kUnknown;
  }
  rows.push_back(proxy);
}

void add_memory(const MachineFacts& facts, std::uint64_t target, std::vector<LimitRow>& rows) {
  rows.push_back(sysctl_row({.name = "vm.max_map_count",
                             .unit = "mappings",
                             .formula = kMapFormula,
                             .consequence = "Allocations fail though there is memory."},
                            facts.max_map_count, mappings_needed(target)));

  LimitRow pages = row_of({.name = "transparent huge pages",
                           .unit = "",
                           .formula = "madvise or never",
                           .consequence = "Sparse memory is rounded up to 2 MiB pages: more memory "
                                          "a connection, and pauses."});
  pages.found = facts.huge_pages ? log_escaped(*facts.huge_pages) : "not readable";
  pages.needed = "madvise";
  if (!facts.huge_pages) pages.verdict = Verdict::kUnknown;
  if (facts.huge_pages == "always") {
    pages.verdict = kWarns;
    pages.fix = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
  }
  rows.push_back(pages);
}

}  // namespace

std::vector<LimitRow> degrading_rows(const MachineFacts& facts, const LimitPlan& plan,
                                     std::uint64_t target) {
  std::vector<LimitRow> rows;
  add_accept(facts, target, rows);
  add_tcp_memory(facts, target, rows);
  add_send_buffers(facts, plan, rows);
  add_closing(facts, target, rows);
  add_conntrack(facts, plan, rows);
  add_ports(facts, plan, target, rows);
  add_memory(facts, target, rows);
  return rows;
}

}  // namespace millrace
