// Purpose: the SQL text that the command-line shortcuts (aggregate, store) run.
// Guarantee: the text compiles with compile_sql (sql/stream_plan.h) for every valid AggregateOptions.
// Errors: a bug (a window that is not positive) is CHECK; every text is quoted as it must be.
// Thread-safety: pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stream/view_spec.h"

namespace meterstream {

struct AggregateOptions {
  struct Window {
    int64_t size_ms = 60'000;
    /// Also a sink of this type ("embedded", "cassandra") into metrics_aggregates_<size>; empty: none.
    std::string sink_type;
    /// Of that sink: "", "minutes", "hours", "days" or "months".
    std::string bucket;
  };
  std::string source_topic = "metrics";
  ValueFormat format = ValueFormat::kAvro;
  std::vector<Window> windows;
  int64_t grace_ms = 300'000;
  std::optional<int64_t> deduplicate_horizon_ms;
  EmitMode emit = EmitMode::kFinal;
  int32_t partitions = 4;
};

/// "60" for whole seconds, "1500ms" otherwise: the name's part of a window of this size.
std::string window_label(int64_t size_ms);

/// CREATE STREAM metrics, and for each window CREATE TABLE metrics_aggregates_<label> into the topic
/// metrics-aggregates-<label> with the columns of the platform's aggregates, and CREATE SINK where asked.
std::string aggregate_sql(const AggregateOptions& options);

}  // namespace meterstream
