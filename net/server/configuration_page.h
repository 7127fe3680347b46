// docs/CONFIGURATION.md, made of the table of keys; a test keeps the file equal to it. Pure.
#pragma once

#include <string>

namespace millrace {

std::string configuration_page();

// A file with every key at its default: the page holds it, and a test loads it.
std::string default_file();

}  // namespace millrace
