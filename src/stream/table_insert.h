// Purpose: rows that are written into tables (INSERT INTO).
// Guarantee: the rows of one call are there together, or none.
// Thread-safety: pure functions. Blocks on the log. Errors: those of the log.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/event_log.h"
#include "stream/table_feed.h"

namespace meterstream {

/// A row as a record: its key, and its other columns as JSON.
struct InsertSpec {
  std::shared_ptr<const TableSpec> table;
  std::string key;
  std::string value;
};

/// Whether rows replace those that are there.
enum class InsertMode : uint8_t { kReplace, kOnlyNewKeys };

/// Creates missing topics. Gives how many rows were written.
Result<int64_t> insert_rows(const std::vector<InsertSpec>& rows, InsertMode mode, EventLog& log, TableFeeds& tables);

}  // namespace meterstream
