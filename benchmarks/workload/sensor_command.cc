#include "benchmarks/workload/sensor_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "benchmarks/workload/topic_writer.h"
#include "metering/avro_encoder.h"
#include "metering/random_source.h"
#include "metering/schema_store.h"

namespace meterstream {
namespace {

constexpr int64_t kStartMs = 1'704'067'200'000;  // 2024-01-01T00:00:00Z
constexpr int64_t kGroupSize = 10;
constexpr int64_t kMovesEvery = 20;

struct Sensor {
  std::string name;
  EncodedSeries encoded;
  int64_t phase_ms;
};

}  // namespace

void SensorCommand::declare(CLI::App& app) {
  app.add_option("--sensors", sensors_, "how many (1000)")->check(CLI::PositiveNumber);
  app.add_option("--rounds", rounds_, "readings of each (600)")->check(CLI::PositiveNumber);
  app.add_option("--period-ms", period_ms_, "between two readings of a sensor (1000)")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed_, "of the values (1)");
  app.add_option("--partitions", partitions_, "of each topic (4)")->check(CLI::PositiveNumber);
  app.add_option("--topic", topic_, "of the readings (metrics)");
  app.add_option("--files", files_, "also write metrics.json and groups.json into this folder");
}

Result<ExitCode> SensorCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kWrite, "workload-sensors"));
  TopicWriter writer(*backbone, partitions_, files_);
  ASSIGN_OR_RETURN(const SchemaId schema, backbone->schemas().register_schema(topic_ + "-value", kMetricAvroSchema));
  ASSIGN_OR_RETURN(const size_t groups, writer.open_topic("sensor-groups", "groups.json"));
  ASSIGN_OR_RETURN(const size_t readings, writer.open_topic(topic_, "metrics.json"));
  RETURN_IF_ERROR(write_groups(writer, groups));
  RETURN_IF_ERROR(write_readings(writer, readings, schema));
  RETURN_IF_ERROR(writer.finish());
  fmt::print("{{\"readings\":{}}}\n", sensors_ * rounds_);
  return ExitCode::kDone;
}

Status SensorCommand::write_groups(TopicWriter& writer, size_t topic) const {
  const auto place = [&](const std::string& child, const std::string& parent, int64_t since_ms) {
    const std::string value = fmt::format(R"({{"since":{},"parent":"{}"}})", since_ms, parent);
    return writer.add(topic, child, value,
                      fmt::format(R"({{"child":"{}","since":{},"parent":"{}"}})", child, since_ms, parent));
  };
  const int64_t groups = (sensors_ + kGroupSize - 1) / kGroupSize;
  for (int64_t sensor = 0; sensor < sensors_; ++sensor)
    RETURN_IF_ERROR(place(fmt::format("sensor-{}", sensor), fmt::format("group-1-{}", sensor / kGroupSize), 0));
  for (int64_t group = 0; group < groups; ++group)
    RETURN_IF_ERROR(place(fmt::format("group-1-{}", group), fmt::format("group-2-{}", group / kGroupSize), 0));
  for (int64_t group = 0; group < (groups + kGroupSize - 1) / kGroupSize; ++group)
    RETURN_IF_ERROR(place(fmt::format("group-2-{}", group), "group-3-0", 0));
  const int64_t moved_ms = kStartMs + rounds_ / 2 * period_ms_;
  for (int64_t sensor = 0; sensor < sensors_; sensor += kMovesEvery)
    RETURN_IF_ERROR(place(fmt::format("sensor-{}", sensor),
                          fmt::format("group-1-{}", (sensor / kGroupSize + 1) % groups), moved_ms));
  return {};
}

Status SensorCommand::write_readings(TopicWriter& writer, size_t topic, SchemaId schema) const {
  std::vector<Sensor> sensors;
  RandomSource random(seed_);
  for (int64_t number = 0; number < sensors_; ++number) {
    std::string name = fmt::format("sensor-{}", number);
    EncodedSeries encoded(schema, SeriesKey{name, "ELECTRICITY", "ACTIVE_POWER"});
    sensors.push_back({std::move(name), std::move(encoded), number * period_ms_ / sensors_});
  }
  std::string value;
  std::string line;
  for (int64_t round = 0; round < rounds_; ++round) {
    for (const Sensor& sensor : sensors) {
      const int64_t time_ms = kStartMs + round * period_ms_ + sensor.phase_ms;
      const double watts = static_cast<double>(random.next() % 30'000) / 10.0;
      value.clear();
      append_metric_avro(value, sensor.encoded, EventTime(time_ms), watts);
      line.clear();
      if (writer.writes_files()) {
        fmt::format_to(std::back_inserter(line), R"({{"gateway":"{}","timestamp":{},"value":{}}})", sensor.name,
                       time_ms, watts);
      }
      RETURN_IF_ERROR(writer.add(topic, sensor.encoded.key, value, line));
    }
  }
  return {};
}

}  // namespace meterstream
