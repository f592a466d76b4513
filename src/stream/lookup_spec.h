// Purpose: what a view looks up for each of its rows, as the planner gives it to the engine. Pure data.
// Time base: event time, UTC, milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metering/column_batch.h"
#include "stream/expression.h"
#include "stream/value_format.h"

namespace meterstream {

/// The latest record of each key of a topic, as a table. A record without a value deletes its key.
struct TableSpec {
  std::string name;
  std::string topic;
  std::vector<ColumnSchema> columns;
  /// A VARCHAR column: the key of the record.
  size_t key_column = 0;
  /// A TIMESTAMP column: a row is valid from then on, until the next row of its key is. None: the row that came last is
  /// valid, whatever the time.
  std::optional<size_t> valid_from_column;
  /// Its records are results of a view: the key column is in their values, too, and may be of another type than VARCHAR.
  bool is_computed = false;
  /// Of the topic, when it has to be created.
  int32_t partitions = 1;
  ValueFormat format = ValueFormat::kJson;
  char delimiter = ',';  ///< of DELIMITED
};

/// The same text for the same table; names are not part of it.
std::string definition_of(const TableSpec& table);

/// Adds the columns of the table's row that has the key and is valid at the event time of the looking row.
struct LookupSpec {
  std::shared_ptr<const TableSpec> table;
  /// VARCHAR, over the columns before. NULL finds nothing.
  std::shared_ptr<const Expression> key;
  /// Rows that find nothing stay, with NULLs; else they are left out.
  bool keeps_unmatched = false;
};

/// Adds a column: what `value` was so many rows before this one, of those that have the same record key.
struct LagSpec {
  std::shared_ptr<const Expression> value;
  /// Of the first rows of a key, which have none so far before them; null: NULL.
  std::shared_ptr<const Expression> first;
  size_t rows = 1;
};

}  // namespace meterstream
