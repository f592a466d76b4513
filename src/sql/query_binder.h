// Purpose: SELECT as a statement: a query over the records of a stream, or over the rows that a table has now.
// Errors: kInvalid with the position: unknown names, types that do not fit, clauses that a query does not have.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/source_text.h"
#include "sql/statement.h"
#include "stream/view_spec.h"

namespace meterstream {

/// What a query can read: a declared or computed stream or table.
struct QuerySource {
  std::string name;
  bool is_table = false;
  std::vector<ColumnSchema> columns;
  std::string topic;
  ValueFormat format = ValueFormat::kJson;
  char delimiter = ',';  ///< of DELIMITED
  /// A VARCHAR column that is the record's key and not in its value.
  std::optional<size_t> key_column;
  /// Of a computed table: the columns that its groups are, in the order of the record's key. Empty when it does not select them all.
  std::vector<size_t> group_columns;
  /// Of a table of windows.
  bool is_windowed = false;
  std::optional<size_t> window_start;
  std::optional<size_t> window_end;
  /// Of a stream: its event time.
  std::optional<size_t> timestamp_column;
};

/// Of a computed stream or table, whose columns have the types of `schema`.
QuerySource query_source(const ViewSpec& view, std::string name, const std::vector<ColumnSchema>& schema);
QuerySource query_source(const StreamSpec& stream);
QuerySource query_source(const TableSpec& table);

/// Keys of records in the order of their bytes.
struct KeyRange {
  std::string from;               ///< included
  std::optional<std::string> to;  ///< not included; none: to the end
  bool operator==(const KeyRange&) const = default;
};

/// What a condition says about keys of records and about WINDOWSTART, both bounds included: rows of others do not pass.
struct RowPlaces {
  std::optional<std::vector<std::string>> keys;
  /// Without keys: where keys of rows that pass lie, ascending and apart. Empty: anywhere.
  std::vector<KeyRange> key_ranges;
  int64_t first_window_ms = INT64_MIN;
  int64_t last_window_ms = INT64_MAX;
};

/// A source whose rows are joined to those before it, where all of its keys are equal.
struct QueryJoin {
  struct Key {
    std::shared_ptr<const Expression> left;   ///< over the columns before
    std::shared_ptr<const Expression> right;  ///< over the source's own
  };
  std::shared_ptr<const QuerySource> source;
  std::vector<Key> keys;
  /// Rows without a partner stay, with NULLs.
  bool keeps_left = false;
  bool keeps_right = false;
  RowPlaces places;
};

struct BoundQuery {
  std::shared_ptr<const QuerySource> source;
  std::vector<QueryJoin> joins;
  /// What expressions are over: the columns of the source and, behind them, of those that it is joined with.
  std::vector<ColumnSchema> row_columns;
  std::shared_ptr<const Expression> condition;  ///< null: all rows
  /// Of a query without aggregates.
  std::vector<std::shared_ptr<const Expression>> values;
  /// Null: none. Else what is computed of the rows, over row_columns; its filter is the condition, and its calculations are the
  /// columns of the result. Without group_by all rows are one group.
  std::shared_ptr<const ViewSpec> groups;
  /// Groups are of windows of event time.
  bool has_windows = false;
  std::vector<ColumnSchema> columns;
  /// Of row_columns: those that some expression reads.
  std::vector<bool> needed;
  bool emits_changes = false;
  std::optional<int64_t> limit;
  /// Of the source's rows.
  RowPlaces places;
};

/// `from`: what FROM names and, behind it, what each JOIN names.
Result<BoundQuery> bind_query(const ast::Query& query, const std::vector<std::shared_ptr<const QuerySource>>& from,
                              const SourceText& source);

/// Where a query with joins finds the rows of one of its sources: 0 is that of FROM.
BoundQuery scan_of(const BoundQuery& query, size_t source);

/// How the rows are found, for EXPLAIN.
std::string to_text(const BoundQuery& query);

}  // namespace meterstream
