#include "base/bytes.h"

#include <isa-l/crc.h>

namespace meterstream {

uint32_t crc32c(std::string_view bytes) {
  // The library takes a mutable pointer and an int length, and leaves the final inversion to the caller.
  uint32_t crc = 0xffffffffU;
  auto* position = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size();
  constexpr size_t kStep = size_t{1} << 30;
  while (left > 0) {
    const size_t step = left < kStep ? left : kStep;
    crc = crc32_iscsi(position, static_cast<int>(step), crc);
    position += step;
    left -= step;
  }
  return ~crc;
}

}  // namespace meterstream
