// jemalloc's controls, from jemalloc/jemalloc.h; null in a program without it.
#pragma once

#include <cstddef>

extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));
