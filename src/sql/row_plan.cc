#include "sql/row_plan.h"

namespace meterstream {
namespace {

std::unique_ptr<PlanNode> scan_of(std::shared_ptr<const StreamSpec> stream) {
  auto plan = std::make_unique<PlanNode>();
  plan->schema = stream->columns;
  plan->operation = Scan{std::move(stream)};
  return plan;
}

}  // namespace

std::unique_ptr<PlanNode> plan_rows(RowSources sources) {
  std::unique_ptr<PlanNode> plan = scan_of(sources.stream);
  if (sources.stream_join) {
    std::vector<ColumnSchema> schema = sources.stream_join->joined->columns;
    std::unique_ptr<PlanNode> right = scan_of(sources.stream_join->spec->right.stream);
    plan = above(std::move(plan), *std::move(sources.stream_join), std::move(schema));
    plan->second = std::move(right);
  }
  for (LookupSpec& lookup : sources.lookups) {
    std::vector<ColumnSchema> schema = plan->schema;
    schema.insert(schema.end(), lookup.table->columns.begin(), lookup.table->columns.end());
    plan = above(std::move(plan), Lookup{std::move(lookup)}, std::move(schema));
  }
  if (!sources.lags.empty()) {
    std::vector<ColumnSchema> schema = plan->schema;
    for (const LagSpec& lag : sources.lags) schema.push_back({"LAG", lag.value->type});
    plan = above(std::move(plan), Lag{std::move(sources.lags)}, std::move(schema));
  }
  if (sources.condition == nullptr) return plan;
  std::vector<ColumnSchema> schema = plan->schema;
  return above(std::move(plan), Filter{std::move(sources.condition)}, std::move(schema));
}

}  // namespace meterstream
