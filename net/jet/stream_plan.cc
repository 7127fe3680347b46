#include "net/jet/stream_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/hash.h"
#include "net/jet/jet_json.h"
#include "net/jet/jet_names.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

// nats-server's own default.
constexpr Duration kDuplicateWindow = seconds(120);
// All nodes must make the same of it.
constexpr HashKey kEpochKey{0x6d696c6c72616365U, 0x2065706f63682031U};

std::string quoted(Bytes text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + quoted(text);
  return "[" + out + "]";
}

class Judge {
 public:
  explicit Judge(Bytes config) : config_(config) {}

  void number(Bytes name, std::int64_t wanted, StreamFit otherwise) {
    text(name, std::to_string(wanted), jet_member(config_, name), "0", otherwise);
  }
  void truth(Bytes name, bool wanted, StreamFit otherwise) {
    text(name, wanted ? "true" : "false", jet_member(config_, name), "false", otherwise);
  }
  void word(Bytes name, Bytes wanted, StreamFit otherwise) {
    text(name, wanted, jet_text(jet_member(config_, name)), "", otherwise);
  }
  void text(Bytes name, Bytes wanted, Bytes found, Bytes missing, StreamFit otherwise) {
    if (found.empty()) found = missing;
    if (found == wanted) return;
    verdict.fit = std::max(verdict.fit, otherwise);
    if (!verdict.what.empty()) verdict.what += ", ";
    verdict.what += fmt::format("{} is {} and not {}", name, found, wanted);
  }

  StreamVerdict verdict;

 private:
  Bytes config_;
};

}  // namespace

StreamPlan plan_stream(Bytes prefix, const JetNamespace& name_space) {
  const Duration age = std::max(name_space.kept.meta_age, name_space.kept.age);
  return {.name = jet_stream_name(prefix, name_space.name),
          .subjects = {jet_republish_source(prefix, name_space.name),
                       jet_mark_wildcard(prefix, name_space.name)},
          .republish_source = jet_republish_source(prefix, name_space.name),
          .republish_destination = jet_republish_destination(prefix, name_space.name),
          .per_subject = std::uint64_t{name_space.kept.size} + 1,
          .age_ns = age.ns,
          .duplicates_ns = std::min(age, kDuplicateWindow).ns,
          .bytes = name_space.bytes,
          .replicas = name_space.replicas};
}

std::string stream_config_json(const StreamPlan& plan) {
  return fmt::format(
      R"({{"name":{},"subjects":{},"retention":"limits","max_consumers":-1,"max_msgs":-1,)"
      R"("max_bytes":{},"discard":"old","max_age":{},"max_msgs_per_subject":{},)"
      R"("max_msg_size":-1,"storage":"file","num_replicas":{},"duplicate_window":{},)"
      R"("deny_delete":true,"deny_purge":false,"allow_rollup_hdrs":false,"allow_direct":true,)"
      R"("republish":{{"src":{},"dest":{}}}}})",
      quoted(plan.name), list_of(plan.subjects), plan.bytes, plan.age_ns, plan.per_subject,
      plan.replicas, plan.duplicates_ns, quoted(plan.republish_source),
      quoted(plan.republish_destination));
}

StreamVerdict judge_stream(const StreamPlan& plan, Bytes config) {
  Judge judge(config);
  judge.word("retention", "limits", StreamFit::kForeign);
  judge.word("storage", "file", StreamFit::kForeign);
  judge.truth("deny_delete", true, StreamFit::kForeign);
  judge.truth("deny_purge", false, StreamFit::kForeign);
  judge.truth("sealed", false, StreamFit::kForeign);
  judge.word("discard", "old", StreamFit::kDiffers);
  judge.truth("allow_rollup_hdrs", false, StreamFit::kDiffers);
  judge.truth("allow_direct", true, StreamFit::kDiffers);
  judge.number("max_msgs", -1, StreamFit::kDiffers);
  judge.number("max_bytes", static_cast<std::int64_t>(plan.bytes), StreamFit::kDiffers);
  judge.number("max_age", plan.age_ns, StreamFit::kDiffers);
  judge.number("max_msgs_per_subject", static_cast<std::int64_t>(plan.per_subject),
               StreamFit::kDiffers);
  judge.number("num_replicas", plan.replicas, StreamFit::kDiffers);
  judge.number("duplicate_window", plan.duplicates_ns, StreamFit::kDiffers);
  judge.text("subjects", list_of(plan.subjects), list_of(jet_texts(jet_member(config, "subjects"))),
             "", StreamFit::kDiffers);
  const Bytes republish = jet_member(config, "republish");
  judge.text("republish.src", plan.republish_source, jet_text(jet_member(republish, "src")), "none",
             StreamFit::kDiffers);
  judge.text("republish.dest", plan.republish_destination, jet_text(jet_member(republish, "dest")),
             "none", StreamFit::kDiffers);
  const auto kept = jet_number(jet_member(config, "max_msgs_per_subject"));
  judge.verdict.keeps_more = kept.has_value() && *kept < plan.per_subject;
  return std::move(judge.verdict);
}

Epoch stream_epoch(Bytes name, Bytes created) {
  std::string life(name);
  life += ' ';
  life += created;
  return Epoch::of_bits(siphash_1_3(kEpochKey, life));
}

}  // namespace millrace
