// Purpose: what a join of two tables is, as the planner gives it to the engine. Pure data.
#pragma once

#include <memory>
#include <string>

#include "stream/lookup_spec.h"

namespace meterstream {

/// The rows of both tables that have one primary key, as a table with the same key. Neither has times.
struct TableJoinSpec {
  struct Side {
    std::shared_ptr<const TableSpec> table;
    /// Its rows without a partner stay, with NULLs.
    bool keeps_unmatched = false;
  };
  Side left;
  Side right;
};

/// The same text for the same join.
std::string definition_of(const TableJoinSpec& join);

}  // namespace meterstream
