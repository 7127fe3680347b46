#include "core/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace millrace {
namespace {

spdlog::logger& logger() {
  // Made at the first message and never destroyed, so that destructors of other statics may log.
  static const auto* const kKept = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto made = std::make_unique<std::shared_ptr<spdlog::logger>>(
        std::make_shared<spdlog::logger>("millrace", std::move(sink)));
    (*made)->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    (*made)->set_level(spdlog::level::info);
    return made.release();
  }();
  return **kKept;
}

void log(spdlog::level::level_enum level, std::string_view text) {
  spdlog::logger& out = logger();
  if (!out.should_log(level)) return;
  const std::string line = log_escaped(text);
  // A string_view is taken as it is, never as a format.
  out.log(level, spdlog::string_view_t(line.data(), line.size()));
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\\') {
    out += "\\\\";
  } else if (byte >= 0x20 && byte < 0x7f) {
    out.push_back(c);
  } else {
    out += "\\x";
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 0xf]);
  }
}

}  // namespace

void log_debug(std::string_view text) { log(spdlog::level::debug, text); }
void log_info(std::string_view text) { log(spdlog::level::info, text); }
void log_warn(std::string_view text) { log(spdlog::level::warn, text); }
void log_error(std::string_view text) { log(spdlog::level::err, text); }

bool set_log_level(std::string_view name) {
  if (name == "debug") {
    logger().set_level(spdlog::level::debug);
  } else if (name == "info") {
    logger().set_level(spdlog::level::info);
  } else if (name == "warn") {
    logger().set_level(spdlog::level::warn);
  } else if (name == "error") {
    logger().set_level(spdlog::level::err);
  } else {
    return false;
  }
  return true;
}

std::string log_escaped(std::string_view text) {
  const std::string_view kept = text.substr(0, kMaxLogText);
  std::string out;
  out.reserve(kept.size());
  for (const char c : kept) append_escaped(out, c);
  if (kept.size() < text.size()) {
    out += "... (" + std::to_string(text.size() - kept.size()) + " bytes more)";
  }
  return out;
}

}  // namespace millrace
