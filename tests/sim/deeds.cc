#include "tests/sim/deeds.h"

namespace millrace::sim {
namespace {

constexpr std::array<const char*, kDeeds> kNames{
    "recovered",     "unrecovered",    "recovery_refused", "loss_told",    "unavailable",
    "epoch_changed", "evicted",        "history_page",     "presence",     "join_told",
    "leave_told",    "token_accepted", "token_ran_out",    "token_revoked"};

}  // namespace

const char* deed_name(Deed deed) { return kNames.at(static_cast<std::size_t>(deed)); }

}  // namespace millrace::sim
