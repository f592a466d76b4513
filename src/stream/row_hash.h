// Purpose: one number for the non-text columns of a row, to tell whether two readings have the same value.
// Non-guarantee: equal numbers do not prove equal rows; the chance of a mistake is 2^-64 a pair.
#pragma once

#include <cstdint>
#include <vector>

#include "metering/column_batch.h"

namespace meterstream {

uint64_t hash_of_row(const ColumnBatch& batch, const std::vector<size_t>& columns, uint32_t row);

}  // namespace meterstream
