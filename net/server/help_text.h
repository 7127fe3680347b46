// What `millrace --help` and `millrace COMMAND --help` print, made of the table of keys. Pure.
#pragma once

#include <string>

namespace millrace {

std::string program_help();
std::string serve_help();
std::string check_help();
std::string token_help();

}  // namespace millrace
