#include "bench/load/json_report.h"

#include <type_traits>

#include "bench/load/json_writer.h"

namespace millrace::load {
namespace {

double to_ms(Duration span) { return static_cast<double>(span.ns) / 1e6; }
double to_seconds(Duration span) { return static_cast<double>(span.ns) / 1e9; }

void write_times(JsonWriter& json, const char* key, const Histogram& times) {
  if (times.count() == 0) return;
  json.key(key).open();
  json.field("count", times.count()).field("min", to_ms(times.min()));
  json.field("mean", to_ms(times.mean())).field("p50", to_ms(times.quantile(0.5)));
  json.field("p90", to_ms(times.quantile(0.9))).field("p99", to_ms(times.quantile(0.99)));
  json.field("p99.9", to_ms(times.quantile(0.999)));
  json.field("p99.99", to_ms(times.quantile(0.9999))).field("max", to_ms(times.max()));
  json.close();
}

template <typename Counts>
void write_counts(JsonWriter& json, const char* name, const Counts& counts) {
  json.key(name).open();
  for (const auto& [key, count] : counts) {
    if constexpr (std::is_same_v<typename Counts::key_type, std::string>) {
      json.field(key, count);
    } else {
      json.field(std::to_string(key), count);
    }
  }
  json.close();
}

void write_report(JsonWriter& json, const Report& report) {
  json.field("attempts", report.attempts).field("came_up", report.came_up);
  json.field("refused", report.refused);
  write_counts(json, "retry_after", report.retry_after);
  write_counts(json, "connect_errors", report.connect_errors);
  write_counts(json, "command_errors", report.command_errors);
  write_counts(json, "closes", report.closes);
  write_counts(json, "drain_closes", report.drain_closes);
  write_counts(json, "slow_closes", report.slow_closes);
  json.field("own_closes", report.own_closes).field("pings", report.pings);
  json.field("published", report.published).field("unsent", report.unsent);
  write_counts(json, "publish_errors", report.publish_errors);
  json.field("deliveries", report.deliveries).field("slow_deliveries", report.slow_deliveries);
  json.field("holes", report.sequences.holes).field("duplicates", report.sequences.duplicates);
  json.field("out_of_order", report.sequences.out_of_order);
  json.field("misdelivered", report.misdelivered).field("unsubscribes", report.unsubscribes);
  json.field("recovered", report.recovered).field("unrecovered", report.unrecovered);
  write_times(json, "connect_ms", report.connect_time);
  write_times(json, "delivery_ms", report.delivery);
  write_times(json, "publish_ms", report.publish_time);
  write_times(json, "close_ms", report.close_time);
}

void write_process(JsonWriter& json, const char* key, const ProcessSample& process) {
  if (process.pid == 0) return;
  json.key(key).open();
  json.field("pid", process.pid).field("cpu_seconds", process.cpu_seconds);
  json.field("resident_bytes", process.resident_bytes);
  json.field("anonymous_bytes", process.anonymous_bytes).close();
}

void write_sample(JsonWriter& json, const char* key, const Sample& sample) {
  json.key(key).open();
  write_process(json, "server", sample.server);
  write_process(json, "client", sample.self);
  json.key("kernel").open();
  json.field("slab_bytes", sample.machine.slab_bytes);
  json.field("unreclaimable_bytes", sample.machine.unreclaimable_bytes);
  json.field("page_table_bytes", sample.machine.page_table_bytes);
  json.field("tcp_bytes", sample.machine.tcp_bytes);
  json.field("tcp_sockets", sample.machine.tcp_sockets);
  json.field("time_wait", sample.machine.time_wait);
  json.field("available_bytes", sample.machine.available_bytes).close();
  if (!sample.stats.empty()) json.key("stats").raw(sample.stats);
  json.close();
}

void write_usage(JsonWriter& json, const Usage& usage) {
  json.key("cpu").open();
  json.field("server", usage.server).field("server_thread", usage.server_thread);
  json.field("client", usage.self).field("client_thread", usage.self_thread);
  json.field("machine", usage.machine).field("cores", usage.cores);
  json.field("saturated", saturated_name(saturated(usage))).close();
}

void write_phase(JsonWriter& json, const PhaseResult& phase) {
  json.field("phase", phase_text(phase.phase)).field("name", phase_name(phase.phase.kind));
  json.field("seconds", to_seconds(phase.ended - phase.began)).field("up", phase.up);
  json.field("complete", phase.complete).field("interrupted", phase.interrupted);
  write_report(json, phase.report);
  if (phase.load_seconds > 0) {
    json.field("load_seconds", phase.load_seconds);
    json.field("deliveries_per_second",
               static_cast<double>(phase.report.deliveries) / phase.load_seconds);
    json.field("published_per_second",
               static_cast<double>(phase.report.published) / phase.load_seconds);
  }
  if (phase.phase.kind == PhaseKind::kBroadcast) {
    json.key("broadcast_ms").open('[');
    for (const Duration span : phase.broadcasts) json.value(to_ms(span));
    json.close(']').field("missing", phase.broadcast_missing);
  }
  write_usage(json, phase.usage);
  write_sample(json, "after", phase.after);
}

void write_options(JsonWriter& json, const Options& options, const RunResult& run) {
  json.field("workload", workload_name(options.workload));
  json.field("connections", options.connections);
  json.field("protocol", protocol_name(options.protocol));
  json.key("targets").open('[');
  for (const ListenAddress& target : options.targets) json.value(to_string(target));
  json.close(']').field("sources", std::uint64_t{run.sources}).field("pairs", run.pairs);
  json.field("threads", std::uint64_t{run.threads});
  json.key("subscriptions").open('[');
  for (const ChannelPattern& channel : options.channels) json.value(channel.text());
  json.close(']').field("publish_by", options.publish_by_api ? "api" : "client");
  json.field("rate", options.rate).field("in_flight", options.in_flight);
  json.field("size", options.size);
}

}  // namespace

std::string json_report(const Options& options, const RunResult& run) {
  JsonWriter json;
  Report total;
  for (const PhaseResult& phase : run.phases) total.add(phase.report);
  json.open().field("millrace_load", MILLRACE_VERSION).field("ok", run.failures.empty());
  json.key("failures").open('[');
  for (const std::string& failure : run.failures) json.value(failure);
  json.close(']');
  write_options(json, options, run);
  write_sample(json, "before", run.before);
  json.key("phases").open('[');
  for (const PhaseResult& phase : run.phases) {
    json.open();
    write_phase(json, phase);
    json.close();
  }
  json.close(']').key("total").open();
  write_report(json, total);
  json.close();
  write_sample(json, "after", run.after);
  return json.close().text();
}

std::string json_begin(const Phase& phase, Duration since_start) {
  JsonWriter json;
  json.open().field("event", "begin").field("phase", phase_text(phase));
  json.field("name", phase_name(phase.kind)).field("at", to_seconds(since_start));
  return json.close().text();
}

std::string json_end(const PhaseResult& phase, Duration since_start) {
  JsonWriter json;
  json.open().field("event", "end").field("at", to_seconds(since_start));
  write_phase(json, phase);
  return json.close().text();
}

}  // namespace millrace::load
