// The numbers in the sources that have no row in the table, each with what it is instead, or where
// it is tested.
#pragma once

#include <map>
#include <string>

namespace millrace {

std::map<std::string, std::string> no_limits();

}  // namespace millrace
