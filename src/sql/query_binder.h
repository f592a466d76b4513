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
};

/// Of a computed stream or table, whose columns have the types of `schema`.
QuerySource query_source(const ViewSpec& view, std::string name, const std::vector<ColumnSchema>& schema);
QuerySource query_source(const StreamSpec& stream);
QuerySource query_source(const TableSpec& table);

struct BoundQuery {
  std::shared_ptr<const QuerySource> source;
  std::shared_ptr<const Expression> condition;  ///< null: all rows
  std::vector<std::shared_ptr<const Expression>> values;
  std::vector<ColumnSchema> columns;
  /// Columns of the source that some expression reads.
  std::vector<bool> needed;
  bool emits_changes = false;
  std::optional<int64_t> limit;
  /// What the condition says about keys of records and about WINDOWSTART, both bounds included: rows with others do not pass.
  std::optional<std::vector<std::string>> keys;
  int64_t first_window_ms = INT64_MIN;
  int64_t last_window_ms = INT64_MAX;
};

Result<BoundQuery> bind_query(const ast::Query& query, std::shared_ptr<const QuerySource> from,
                              const SourceText& source);

/// How the rows are found, for EXPLAIN.
std::string to_text(const BoundQuery& query);

}  // namespace meterstream
