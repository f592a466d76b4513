// Purpose: readings as Avro in the Confluent wire format, the values of topic `metrics`.
// Format: 0x00, schema id (4 bytes, big-endian), Avro body of MetricAvro (docs/formats/metrics-topic.md).
// Thread-safety: pure functions and immutable values.
#pragma once

#include <string>
#include <string_view>

#include "base/strong.h"
#include "metering/reading.h"

namespace meterstream {

/// The writer's schema of topic `metrics`, as it is registered.
inline constexpr std::string_view kMetricAvroSchema =
    R"({"type":"record","name":"MetricAvro","namespace":"auth.ece.common.model.avro","fields":[)"
    R"({"name":"gateway","type":"string"},{"name":"metricType","type":"string"},)"
    R"({"name":"metricAttribute","type":"string"},{"name":"timestamp","type":"string"},)"
    R"({"name":"value","type":"double"}]})";

/// Subject under which Confluent clients register the value schema of topic `metrics`.
inline constexpr std::string_view kMetricAvroSubject = "metrics-value";

/// The parts of a series' records that never change, made once.
struct EncodedSeries {
  /// "gateway.TYPE.ATTRIBUTE", the record's key.
  std::string key;
  /// The wire format up to and including metricAttribute.
  std::string prefix;

  EncodedSeries(SchemaId id, const SeriesKey& series);
};

/// Appends one record value of `series` to `out`.
void append_metric_avro(std::string& out, const EncodedSeries& series, EventTime timestamp, double value);
void append_metric_avro(std::string& out, SchemaId id, const Reading& reading);
std::string encode_metric_avro(SchemaId id, const Reading& reading);

}  // namespace meterstream
