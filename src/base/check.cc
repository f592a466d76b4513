#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace meterstream {

void fail_check(const char* file, int line, std::string_view condition, std::string_view message) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %.*s %.*s\nThis is a bug in Meterstream. Nothing committed is lost.\n",
               file, line, static_cast<int>(condition.size()), condition.data(), static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace meterstream
