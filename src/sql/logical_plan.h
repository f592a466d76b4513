// Purpose: what a view computes, with names and types resolved, before a runtime is chosen. Plain data.
// Shapes: a chain of nodes from the output down to the scan; every node has the schema of what it gives.
// Ownership: a node owns its input; expressions and streams are shared and immutable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "stream/table_insert.h"
#include "stream/view_spec.h"

namespace meterstream {

/// Reads a declared stream.
struct Scan {
  std::shared_ptr<const StreamSpec> stream;
};

/// Pairs of rows of two streams; its inputs are the scans of both. Its schema: the columns of the left one, then the right one.
struct StreamJoinNode {
  std::shared_ptr<const StreamJoinSpec> spec;
  /// The pairs as a stream: as ViewSpec::source has it.
  std::shared_ptr<const StreamSpec> joined;
};

/// Reads the rows of a table.
struct TableScan {
  std::shared_ptr<const TableSpec> table;
};

/// The rows of two tables that have one primary key; its inputs are the scans of both, its schema their columns.
struct TableJoinNode {
  std::shared_ptr<const TableJoinSpec> spec;
  /// As ViewSpec::source has it.
  std::shared_ptr<const StreamSpec> joined;
};

/// Adds the columns of the table's row that the key finds.
struct Lookup {
  LookupSpec spec;
};

/// Adds a column for each: what the value was for the row before of the same record key.
struct Lag {
  std::vector<LagSpec> lags;
};

/// Keeps the rows for which the condition is TRUE.
struct Filter {
  std::shared_ptr<const Expression> condition;
};

/// Groups by columns and tumbling, hopping or session window. Its schema: the groups, WINDOWSTART, WINDOWEND, the aggregates. A Filter
/// above it is HAVING.
struct WindowAggregate {
  std::vector<size_t> group_by;  ///< columns of the input; the indexes behind them are those of group_expressions
  std::vector<std::shared_ptr<const Expression>> group_expressions;
  std::vector<AggregateSpec> aggregates;
  int64_t size_ms = 0;
  int64_t advance_ms = 0;   ///< of a hopping window; 0: tumbling
  bool is_session = false;  ///< size_ms is its gap
  std::string time_zone;    ///< of a tumbling window of whole days there; empty: UTC
  int64_t grace_ms = 0;
  std::optional<int64_t> retention_ms;
};

/// One expression over the input's columns for each column of the result.
struct Project {
  struct Item {
    std::shared_ptr<const Expression> expression;
    uint32_t position = 0;  ///< byte offset in the SQL text
  };
  std::vector<Item> items;
};

/// Writes results to a topic.
struct Sink {
  std::string topic;
  int32_t partitions = 4;
  EmitMode emit = EmitMode::kChanges;
  ValueFormat format = ValueFormat::kJson;
  char delimiter = ',';
  /// As ViewSpec has it: over the columns of the input of Project.
  std::shared_ptr<const Expression> partition_by = nullptr;
};

struct PlanNode {
  std::variant<Scan, StreamJoinNode, TableScan, TableJoinNode, Lookup, Lag, Filter, WindowAggregate, Project, Sink>
      operation;
  std::vector<ColumnSchema> schema;
  std::unique_ptr<PlanNode> input;   ///< null for scans
  std::unique_ptr<PlanNode> second;  ///< of a join of streams or tables: the right one
};

struct BoundView {
  std::string name;
  /// Of a stream: Sink, Project, perhaps Filter, Lag and Lookups, Scan or StreamJoinNode. Of a table: Sink, Project, perhaps Filter,
  /// WindowAggregate, perhaps Filter and Lookups, Scan; or Sink, Project, perhaps Filter, TableJoinNode.
  std::shared_ptr<const PlanNode> plan;
  /// Of one that EXPLAIN asks for: the queries that write into it, too. Then `plan` may be null.
  std::vector<std::shared_ptr<const PlanNode>> insertions = {};
};

/// Whether the view gives a row for each row, and no results of windows.
bool is_stream(const BoundView& view);
/// Whether it joins tables.
bool is_table_join(const BoundView& view);
/// The join of streams that the view is over; null when there is none.
const StreamJoinNode* stream_join_of(const PlanNode& plan);
/// Whether it gives results of windows of one length; a table without a window has none.
bool has_windows(const BoundView& view);

struct BoundProgram {
  std::vector<std::shared_ptr<const StreamSpec>> streams;
  std::vector<BoundView> views;
  std::vector<SinkSpec> sinks;
  std::vector<InsertSpec> inserts;
  /// That EXPLAIN asks for.
  std::vector<BoundView> explained;
  std::map<std::string, std::string> settings;
};

/// "inner", "left", "right" or "full".
std::string_view join_kind(bool keeps_left, bool keeps_right);

/// A line a node, output first, each input two spaces further in.
std::string to_text(const PlanNode& plan);

}  // namespace meterstream
