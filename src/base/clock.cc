#include "base/clock.h"

#include <chrono>

namespace meterstream {

IngestTime SystemClock::now() const {
  using namespace std::chrono;
  return IngestTime(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

int64_t SystemClock::monotonic_ns() const {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace meterstream
