#include "testing/view_pipeline.h"

#include <fmt/format.h>

#include "metering/aggregate.h"
#include "metering/avro_encoder.h"

namespace meterstream {

std::shared_ptr<StreamSpec> standard_stream() {
  auto stream = std::make_shared<StreamSpec>();
  stream->name = "metrics";
  stream->topic = "metrics";
  stream->columns = {{"gateway", ColumnType::kVarchar},
                     {"metricType", ColumnType::kVarchar},
                     {"metricAttribute", ColumnType::kVarchar},
                     {"timestamp", ColumnType::kTimestamp},
                     {"value", ColumnType::kDouble}};
  stream->timestamp_column = 3;
  return stream;
}

ViewSpec standard_view(std::shared_ptr<const StreamSpec> stream, int64_t size_ms, int64_t grace_ms) {
  auto value = std::make_shared<Expression>();
  value->kind = Expression::Kind::kColumn;
  value->type = ColumnType::kDouble;
  value->column = 4;
  using From = OutputColumn::From;
  ViewSpec view;
  view.name = fmt::format("metrics_aggregates_{}", size_ms / 1000);
  view.topic = fmt::format("metrics-aggregates-{}", size_ms / 1000);
  view.source = std::move(stream);
  view.group_by = {0, 1, 2};
  view.aggregates = {{AggregateFunction::kCountAll, nullptr},
                     {AggregateFunction::kMin, value},
                     {AggregateFunction::kMax, value},
                     {AggregateFunction::kSum, value},
                     {AggregateFunction::kAverage, value}};
  view.output = {{"windowStart", From::kWindowStart, 0},
                 {"windowEnd", From::kWindowEnd, 0},
                 {"sampleCount", From::kAggregate, 0},
                 {"min", From::kAggregate, 1},
                 {"max", From::kAggregate, 2},
                 {"sum", From::kAggregate, 3},
                 {"average", From::kAggregate, 4},
                 {"metricType", From::kGroupKey, 1},
                 {"metricAttribute", From::kGroupKey, 2},
                 {"gateway", From::kGroupKey, 0}};
  view.window_size_ms = size_ms;
  view.grace_ms = grace_ms;
  return view;
}

Result<std::unique_ptr<ViewPipeline>> ViewPipeline::open(KeyValueStore& store, const Clock& clock) {
  std::unique_ptr<ViewPipeline> pipeline(new ViewPipeline(store, clock));
  ASSIGN_OR_RETURN(pipeline->log_, EmbeddedLog::open(store, clock));
  pipeline->schemas_ = std::make_unique<LogSchemaStore>(store);
  return pipeline;
}

Status ViewPipeline::append(const std::vector<OracleReading>& readings, int32_t partitions) {
  ASSIGN_OR_RETURN(const auto topic, log_->create_topic({"metrics", partitions}));
  ASSIGN_OR_RETURN(const SchemaId schema, schemas_->register_schema(kMetricAvroSubject, kMetricAvroSchema));
  std::map<PartitionId, RecordBatchBuilder> builders;
  for (const OracleReading& item : readings) {
    const std::string key = item.reading.series.text();
    builders[partition_for_key(key, topic.config.partitions)].add(key, encode_metric_avro(schema, item.reading), {},
                                                                  item.ingest_time);
  }
  Transaction transaction;
  for (auto& [partition, builder] : builders)
    transaction.appends.push_back({{"metrics", partition}, std::move(builder)});
  return log_->commit(std::move(transaction), Durability::kSync);
}

Status ViewPipeline::run(const std::vector<ViewSpec>& views, PassTaskOptions options, int64_t max_steps, bool close) {
  options.bounded = true;
  ASSIGN_OR_RETURN(auto tasks, deploy_views(views, {*log_, store_, *schemas_, clock_}, options));
  for (auto& task : tasks) RETURN_IF_ERROR(task->open());
  bool limited = false;
  for (auto& task : tasks) {
    for (;;) {
      if (max_steps-- <= 0) {
        limited = true;
        break;
      }
      ASSIGN_OR_RETURN(const Task::Step step, task->step());
      if (step == Task::Step::kExhausted) break;
    }
    RETURN_IF_ERROR(task->finish(close && !limited));
  }
  accounting_.clear();
  for (auto& task : tasks) {
    for (const TaskStatus::View& view : task->status().views) accounting_[view.name] += view.accounting;
  }
  return {};
}

Result<std::vector<ViewPipeline::Record>> ViewPipeline::read_topic(const std::string& topic) {
  ASSIGN_OR_RETURN(const auto description, log_->describe_topic(topic));
  std::vector<Record> all;
  RecordSet records;
  for (int32_t partition = 0; partition < description.config.partitions; ++partition) {
    for (Offset next(0);;) {
      RETURN_IF_ERROR(log_->read({topic, PartitionId(partition)}, next, size_t{1} << 20, records));
      if (records.records.empty()) break;
      for (const RecordView& record : records.records) {
        all.push_back({std::string(record.key), std::string(record.value), std::string(record.headers)});
      }
      next = records.next;
    }
  }
  return all;
}

Result<std::map<std::pair<int64_t, std::string>, OracleWindow>> ViewPipeline::read_windows(const std::string& topic) {
  ASSIGN_OR_RETURN(const auto records, read_topic(topic));
  std::map<std::pair<int64_t, std::string>, OracleWindow> windows;
  for (const Record& record : records) {
    ASSIGN_OR_RETURN(const Aggregate aggregate, parse_aggregate_json(record.value));
    const OracleWindow window{aggregate.sample_count, aggregate.min, aggregate.max, aggregate.sum};
    if (!windows.try_emplace({aggregate.window_start.value, record.key}, window).second) {
      return conflict(fmt::format("{} has the window of {} twice: {}", topic, record.key, record.value));
    }
  }
  return windows;
}

}  // namespace meterstream
