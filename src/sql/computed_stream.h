// Purpose: how the topic of a computed stream is read by other statements. Part of the binder.
// Thread-safety: pure functions.
#pragma once

#include <memory>
#include <vector>

#include "sql/logical_plan.h"

namespace meterstream {

/// What the rows of a stream's plan come from: the stream that is scanned, or the pairs of a join.
const StreamSpec& source_of(const PlanNode& plan);

/// Whether gateway, metricType and metricAttribute are those of the source, whose keys the records have.
bool keeps_series(const std::vector<ColumnSchema>& columns, const Project& project, const StreamSpec& source);

/// Its event time is the column that the source's event time came through as, or its only TIMESTAMP. Null when there is none.
std::shared_ptr<const StreamSpec> computed_stream(const BoundView& view, const Sink& sink, const StreamSpec& defaults);

}  // namespace meterstream
