#include "net/server/readiness.h"

#include <utility>

#include "proto/json_string.h"

namespace millrace {

namespace {

constexpr const char* kNatsFix =
    "see to the nats-server, or check [broker]; the server takes it up by itself";

std::string shard_name(std::size_t shard) { return "shard " + std::to_string(shard); }

void judge_broker(const ShardReadiness& shard, const std::string& name,
                  std::vector<NotReady>& starting, std::vector<NotReady>& broker) {
  if (shard.broker_ready) return;
  if (!shard.broker_was_ready) {
    starting.push_back({"starting", name + ": " + shard.broker_cause, kNatsFix});
  } else if (shard.broker_away >= kBrokerGrace) {
    broker.push_back({"broker", name + ": " + shard.broker_cause, kNatsFix});
  }
}

void judge_cap(const ReadinessFacts& facts, std::vector<NotReady>& causes) {
  if (facts.ready_at_cap || facts.connections < facts.max_connections) return;
  causes.push_back({"cap",
                    std::to_string(facts.connections) + " of " +
                        std::to_string(facts.max_connections) +
                        " connections are taken; the limit comes from " + facts.deciding_limit,
                    "send newcomers to another node, or raise the limit (see millrace check)"});
}

}  // namespace

std::vector<NotReady> find_causes(const ReadinessFacts& facts) {
  std::vector<NotReady> causes;
  std::vector<NotReady> stuck;
  std::vector<NotReady> broker;
  if (facts.draining) {
    causes.push_back({"draining", "the server was asked to end and lets nobody in",
                      "send newcomers to another node"});
  }
  for (std::size_t i = 0; i < facts.shards.size(); ++i) {
    const ShardReadiness& shard = facts.shards[i];
    const std::string name = shard_name(i);
    if (shard.answers) {
      judge_broker(shard, name, causes, broker);
    } else if (!shard.has_run) {
      causes.push_back({"starting", name + " has not begun yet", "wait"});
    } else {
      stuck.push_back(
          {"stuck",
           name + " does not answer" + (shard.stuck.empty() ? "" : ": it is " + shard.stuck),
           "see the log and docs/WATCHDOG.md; if /healthz fails as well, start the server again"});
    }
  }
  judge_cap(facts, causes);
  if (facts.memory_is_out) {
    causes.push_back({"memory", "there was no memory left, so newcomers are refused",
                      "give the machine more memory, or lower max_connections"});
  }
  for (auto* more : {&stuck, &broker}) {
    for (NotReady& cause : *more) causes.push_back(std::move(cause));
  }
  return causes;
}

std::string readiness_text(const std::vector<NotReady>& causes) {
  if (causes.empty()) return "ready\n";
  std::string text = "not ready\n";
  for (const NotReady& each : causes) {
    text += each.cause + ": " + each.what + "\n  fix: " + each.fix + "\n";
  }
  return text;
}

std::string readiness_json(const std::vector<NotReady>& causes) {
  std::string json =
      causes.empty() ? R"({"ready":true,"causes":[)" : R"({"ready":false,"causes":[)";
  const char* separator = "";
  for (const NotReady& each : causes) {
    json += std::exchange(separator, ",");
    json += R"({"cause":)";
    append_json_string(json, each.cause);
    json += R"(,"what":)";
    append_json_string(json, each.what);
    json += R"(,"fix":)";
    append_json_string(json, each.fix);
    json += '}';
  }
  return json + "]}\n";
}

}  // namespace millrace
