// Purpose: the plan of the rows that a SELECT is over: its sources, joined, and WHERE. Part of the binder.
// Thread-safety: pure functions.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sql/logical_plan.h"

namespace meterstream {

/// A node over `input`.
template <class Operation>
std::unique_ptr<PlanNode> above(std::unique_ptr<PlanNode> input, Operation operation,
                                std::vector<ColumnSchema> schema) {
  auto node = std::make_unique<PlanNode>();
  node->operation = std::move(operation);
  node->schema = std::move(schema);
  node->input = std::move(input);
  return node;
}

/// What the clauses of a SELECT bound to.
struct RowSources {
  std::shared_ptr<const StreamSpec> stream;
  std::optional<StreamJoinNode> stream_join;
  std::vector<LookupSpec> lookups;
  std::vector<LagSpec> lags;
  /// WHERE; null for none.
  ExpressionPointer condition;
};

std::unique_ptr<PlanNode> plan_rows(RowSources sources);

}  // namespace meterstream
