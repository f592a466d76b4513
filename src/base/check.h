// Purpose: assertions for bugs. They stay in release builds, print the place and the message, and abort.
#pragma once

#include <string_view>

namespace meterstream {
[[noreturn]] void fail_check(const char* file, int line, std::string_view condition, std::string_view message);
}

#define CHECK(condition) CHECK_MESSAGE(condition, "")
#define CHECK_MESSAGE(condition, message)                                 \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::meterstream::fail_check(__FILE__, __LINE__, #condition, message); \
  } while (false)
