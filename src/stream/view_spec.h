// Purpose: what a windowed view is, as the planner gives it to the engine. Pure data.
// Time base: event time, UTC, milliseconds; windows are [start, end), start a multiple of the size, or of
//            the advance of hopping windows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/column_batch.h"
#include "stream/expression.h"
#include "stream/lookup_spec.h"
#include "stream/stream_join_spec.h"
#include "stream/table_join_spec.h"
#include "stream/value_format.h"
#include "stream/window_math.h"

namespace meterstream {

/// A declared stream over a topic: how to read it and how its time behaves.
struct StreamSpec {
  std::string name;
  std::string topic;
  ValueFormat format = ValueFormat::kAvro;
  std::vector<ColumnSchema> columns;
  /// Index of the TIMESTAMP column that is event time.
  size_t timestamp_column = 0;
  /// Index of the VARCHAR column that is the record's key; the others are in its value.
  std::optional<size_t> key_column;
  /// The keys of records are made of their gateway, metricType and metricAttribute, if there are such columns and
  /// no key_column.
  bool key_is_series = true;
  /// Drop exact repeats of a reading and reject repeats with another value, as far back as the horizon. A
  /// reading is named by all VARCHAR columns, that of its key too, and its event time; its value is the other
  /// columns.
  bool deduplicate = false;
  int64_t deduplicate_horizon_ms = 3'600'000;
  /// A partition without data for this long stops holding others back.
  int64_t idle_timeout_ms = 30'000;
  /// A reading later than its ingest time by more than this moves the watermark only so far, and is counted.
  int64_t max_ahead_ms = 60'000;
  /// Of the topic, when it has to be created.
  int32_t partitions = 4;
  /// Of DELIMITED values: what stands between fields.
  char delimiter = ',';
  /// The key column is in the value, too.
  bool value_has_key = false;
};

enum class AggregateFunction : uint8_t {
  kCountAll,
  kCount,
  kMin,
  kMax,
  kSum,
  kAverage,
  kVariancePopulation,
  kVarianceSample,
  kDeviationPopulation,
  kDeviationSample,
  // What follows remembers samples (stream/sample_set.h).
  kCountDistinct,
  kLatestByOffset,
  kEarliestByOffset,
  kIncrease,
  kRate,
  kTimeWeightedAverage,
  kPercentile,
  kTopK,
  kTopKDistinct,
  kHistogram,
};

/// "COUNT", "MIN", ... as SQL spells them.
std::string_view name_of(AggregateFunction function);
/// Variances and standard deviations, which need the squares of their argument summed, too.
bool is_spread(AggregateFunction function);

struct AggregateSpec {
  AggregateFunction function = AggregateFunction::kCountAll;
  /// Over the stream's columns; null for COUNT(*). BIGINT, DOUBLE or TIMESTAMP; those with samples take others, too.
  std::shared_ptr<const Expression> argument = nullptr;
  /// The second argument: the share of a percentile, the modulus of a register, the most that a list holds.
  std::optional<double> parameter = {};
};

/// Whether its state is a set of samples, and not a part of the slot.
bool is_sampled(const AggregateSpec& aggregate);
/// Its result is a JSON array or object, which is VARCHAR to the plan and may only be selected.
bool gives_json(const AggregateSpec& aggregate);

/// Of the result, as calculations take it: SUM and AVG of DOUBLE are DOUBLE there.
ColumnType type_of(const AggregateSpec& aggregate);
/// "MAX(value)"
std::string to_text(const AggregateSpec& aggregate, const std::vector<ColumnSchema>& columns);

/// A column of the view's result and where it comes from.
struct OutputColumn {
  enum class From : uint8_t { kGroupKey, kWindowStart, kWindowEnd, kAggregate, kCalculation };
  std::string name;
  From from = From::kAggregate;
  size_t index = 0;  ///< into group_by, aggregates or calculations
};

/// A column that is computed row by row, over the view's row_columns().
struct ProjectedColumn {
  std::string name;
  std::shared_ptr<const Expression> expression;
};

enum class EmitMode : uint8_t {
  kFinal,    ///< one result of each window, when it closes
  kChanges,  ///< refinements
  kBounds,   ///< of sessions: one result when it begins and one when it has ended, in turns for each group
};

/// What keeps the records of a topic outside of the log: aggregates in a table (embedded, cassandra), the latest readings
/// (redis), or all readings (lake).
struct SinkSpec {
  std::string name;
  std::string topic;   ///< JSON aggregates as DESIGN section 2 has them, or readings
  std::string type;    ///< "embedded", "cassandra", "redis" or "lake"
  std::string table;   ///< of aggregates: e.g. metrics_aggregates_60
  std::string bucket;  ///< of aggregates: "", "minutes", "hours", "days" or "months"
  /// What only this type has, checked: "keyspace", "ttl_s", "contents", "key_prefix", "db", "uri".
  std::map<std::string, std::string> options;
};

struct ViewSpec {
  std::string name;
  std::shared_ptr<const StreamSpec> source;
  /// Null: none. Else the source has the columns of both streams, and the topic and name of the left one.
  std::shared_ptr<const StreamJoinSpec> join;
  /// Null: none. Else the source stands for both tables, with the columns of both and the topic and name of the left one, and
  /// each change of a row gives one of the result.
  std::shared_ptr<const TableJoinSpec> table_join;
  /// Rows of one key stand in partitions of one number on both sides; known when the topics are.
  bool is_joined_by_partition = false;
  /// One after the other, before the filter. Each adds the columns of its table.
  std::vector<LookupSpec> lookups;
  /// Behind the lookups, before the filter. Each adds a column.
  std::vector<LagSpec> lags;
  std::shared_ptr<const Expression> filter;  ///< null: all rows
  /// Of row_columns(); the indexes behind them are those of group_expressions. All of types that can_name_groups().
  std::vector<size_t> group_by;
  std::vector<std::shared_ptr<const Expression>> group_expressions;
  std::vector<AggregateSpec> aggregates;
  std::vector<OutputColumn> output;
  /// Over result_columns(): which results are emitted; null: all of them. What coarser windows get is not touched by it.
  std::shared_ptr<const Expression> having;
  /// Over result_columns(): columns of the output that are more than a group, a bound of the window or an aggregate.
  std::vector<std::shared_ptr<const Expression>> calculations;
  int64_t window_size_ms = 60'000;
  /// Above 0: hopping windows, one from each multiple of it; below the size. 0: tumbling windows.
  int64_t advance_ms = 0;
  /// Of tumbling windows of whole days: from midnight to midnight there; empty: in UTC.
  std::string time_zone;
  /// Above 0: sessions, which hold readings that follow each other by at most this; window_size_ms is the same.
  int64_t session_gap_ms = 0;
  int64_t grace_ms = 0;
  EmitMode emit = EmitMode::kFinal;
  /// Not empty: a stream. Each row that passes the filter gives one with these columns, at once and under the key of its
  /// record; there are no groups, aggregates and windows, and nothing is late.
  std::vector<ProjectedColumn> projection;
  /// Of a stream, over row_columns(), VARCHAR: the key of its records, NULL for none. Null: that of the record that a row comes from.
  std::shared_ptr<const Expression> partition_by;
  std::string topic;                               ///< where results go
  int32_t partitions = 4;                          ///< of `topic`
  int32_t late_partitions = 4;                     ///< of late_topic()
  ValueFormat result_format = ValueFormat::kJson;  ///< of `topic`; DELIMITED of streams only
  char result_delimiter = ',';

  [[nodiscard]] bool is_hopping() const { return advance_ms != 0; }
  [[nodiscard]] bool has_local_days() const { return !time_zone.empty(); }
  [[nodiscard]] bool is_session() const { return session_gap_ms != 0; }
  /// It joins two streams or two tables.
  [[nodiscard]] bool reads_two() const { return join != nullptr || table_join != nullptr; }
  [[nodiscard]] bool is_stream() const { return !projection.empty(); }
  /// One window holds all times and never closes; only with EmitMode::kChanges.
  [[nodiscard]] bool is_unbounded() const { return window_size_ms == kUnboundedWindowMs; }
  /// What expressions and group_by are over: the columns of the stream, of the looked up tables, and the lags.
  [[nodiscard]] std::vector<ColumnSchema> row_columns() const;
  [[nodiscard]] std::string late_topic() const { return topic + "-late"; }
  /// Columns of row_columns() that some expression reads, sorted, each once. Those that only group_by names are not among them.
  [[nodiscard]] std::vector<size_t> columns_read() const;
  /// Name and type of what group_by[group] means.
  [[nodiscard]] ColumnSchema group_column(size_t group) const;
  /// Whether the groups are VARCHAR columns of the stream as they are, so that decoders can make their keys.
  [[nodiscard]] bool groups_by_texts() const;
  /// The groups, WINDOWSTART, WINDOWEND, the aggregates.
  [[nodiscard]] std::vector<ColumnSchema> result_columns() const;
  /// The same text for the same computation; differs when the definition changed. Idle timeout, far-future
  /// cap and partition counts are settings of a run and not part of it.
  [[nodiscard]] std::string definition() const;
};

}  // namespace meterstream
