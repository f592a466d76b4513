#include "benchmarks/yardstick.h"

#include <algorithm>
#include <cstring>

#include "metering/timestamp.h"
#include "stream/key_interner.h"

namespace meterstream {
namespace {

struct Window {
  int64_t start_ms = -1;
  int64_t count = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
};

}  // namespace

int64_t run_yardstick(const std::vector<std::string_view>& values) {
  constexpr size_t kGroup = 256;
  KeyInterner keys;
  std::vector<Window> windows;
  std::string_view names[kGroup];
  uint32_t ids[kGroup];
  int64_t times_ms[kGroup];
  double numbers[kGroup];
  int64_t closed = 0;
  for (size_t first = 0; first < values.size(); first += kGroup) {
    const size_t count = std::min(kGroup, values.size() - first);
    for (size_t i = 0; i < count; ++i) {
      const char* start = values[first + i].data() + 5;
      const char* position = start;
      for (int field = 0; field < 3; ++field) position += 1 + (static_cast<uint8_t>(*position) >> 1);
      names[i] = {start, static_cast<size_t>(position - start)};
      const size_t size = static_cast<uint8_t>(*position) >> 1;
      const auto time = parse_common_timestamp({position + 1, size});
      if (!time) return 0;
      times_ms[i] = time->value;
      std::memcpy(&numbers[i], position + 1 + size, sizeof(double));
    }
    keys.intern({names, count}, ids);
    if (keys.size() > windows.size()) windows.resize(std::max<size_t>(1024, keys.size() * 2));
    for (size_t i = 0; i < count; ++i) __builtin_prefetch(&windows[ids[i]], 1);
    for (size_t i = 0; i < count; ++i) {
      Window& window = windows[ids[i]];
      const int64_t start_ms = times_ms[i] - times_ms[i] % 60'000;
      if (window.start_ms != start_ms) {
        ++closed;
        window = {start_ms, 0, numbers[i], numbers[i], 0};
      }
      ++window.count;
      window.min = std::min(window.min, numbers[i]);
      window.max = std::max(window.max, numbers[i]);
      window.sum += numbers[i];
    }
  }
  return closed;
}

}  // namespace meterstream
