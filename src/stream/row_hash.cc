#include "stream/row_hash.h"

#define XXH_INLINE_ALL
#include <bit>

#include <xxhash.h>

namespace meterstream {

uint64_t hash_of_row(const ColumnBatch& batch, const std::vector<size_t>& columns, uint32_t row) {
  uint64_t hash = 0x9E3779B97F4A7C15ULL;
  for (const size_t index : columns) {
    const Column& column = batch.columns[index];
    uint64_t part = 0x6E756C6CULL;
    if (!column.is_null(row)) {
      switch (column.type) {
        case ColumnType::kDouble:
          part = std::bit_cast<uint64_t>(column.doubles[row] + 0.0);
          break;
        case ColumnType::kVarchar:
          part = XXH3_64bits(column.strings[row].data(), column.strings[row].size());
          break;
        default:
          part = static_cast<uint64_t>(column.integers[row]);
          break;
      }
    }
    const uint64_t words[2] = {hash, part};
    hash = XXH3_64bits(words, sizeof(words));
  }
  return hash;
}

}  // namespace meterstream
