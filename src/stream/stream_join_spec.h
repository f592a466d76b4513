// Purpose: what a join of two streams is, as the planner gives it to the engine. Pure data.
// Time base: event time, UTC, milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "metering/column_batch.h"
#include "stream/expression.h"

namespace meterstream {

struct StreamSpec;

/// Pairs of rows with one key whose times are near: left time - before <= right time <= left time + after.
struct StreamJoinSpec {
  struct Side {
    std::shared_ptr<const StreamSpec> stream;
    /// Over the side's own columns; of one type on both sides that can_name_groups(). NULL finds nothing.
    std::shared_ptr<const Expression> key;
    /// Rows that find nothing give a row of their own, with NULLs, when nothing can come any more.
    bool keeps_unmatched = false;
  };
  Side left;
  Side right;
  int64_t before_ms = 0;
  int64_t after_ms = 0;
  /// A row is late when the watermark is beyond its time by more than this.
  int64_t grace_ms = 0;
};

/// The same text for the same join.
std::string definition_of(const StreamJoinSpec& join);

}  // namespace meterstream
