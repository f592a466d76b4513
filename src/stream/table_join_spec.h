// Purpose: what a join of two tables is, as the planner gives it to the engine. Pure data.
#pragma once

#include <memory>
#include <string>

#include "stream/lookup_spec.h"

namespace meterstream {

/// The rows of both tables that have one primary key, as a table with the same key. Neither has times. With a foreign key: each row
/// of the left table with the row of the right one whose primary key that is, as a table with the left one's key.
struct TableJoinSpec {
  struct Side {
    std::shared_ptr<const TableSpec> table;
    /// Its rows without a partner stay, with NULLs.
    bool keeps_unmatched = false;
  };
  Side left;
  Side right;
  /// VARCHAR, over the left table's columns; null: none. NULL finds nothing. Right rows without a partner are left out.
  std::shared_ptr<const Expression> foreign_key;
};

/// The same text for the same join.
std::string definition_of(const TableJoinSpec& join);

}  // namespace meterstream
