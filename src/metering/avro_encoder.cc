#include "metering/avro_encoder.h"

#include "base/bytes.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

void append_avro_string(std::string& out, std::string_view text) {
  append_varint(out, zigzag(static_cast<int64_t>(text.size())));
  out.append(text);
}

void append_prefix(std::string& out, SchemaId id, const SeriesKey& series) {
  out.push_back('\0');
  append_big_endian32(out, static_cast<uint32_t>(id.value));
  append_avro_string(out, series.gateway);
  append_avro_string(out, series.metric_type);
  append_avro_string(out, series.metric_attribute);
}

// The text is at most 32 bytes, so that its length is one byte, written afterwards.
void append_time_and_value(std::string& out, EventTime timestamp, double value) {
  const size_t length_at = out.size();
  out.push_back('\0');
  append_timestamp(out, timestamp);
  out[length_at] = static_cast<char>(zigzag(static_cast<int64_t>(out.size() - length_at - 1)));
  append_little_endian(out, value);
}

}  // namespace

EncodedSeries::EncodedSeries(SchemaId id, const SeriesKey& series) : key(series.text()) {
  append_prefix(prefix, id, series);
}

void append_metric_avro(std::string& out, const EncodedSeries& series, EventTime timestamp, double value) {
  out.append(series.prefix);
  append_time_and_value(out, timestamp, value);
}

void append_metric_avro(std::string& out, SchemaId id, const Reading& reading) {
  append_prefix(out, id, reading.series);
  append_time_and_value(out, reading.timestamp, reading.value);
}

std::string encode_metric_avro(SchemaId id, const Reading& reading) {
  std::string out;
  out.reserve(96);
  append_metric_avro(out, id, reading);
  return out;
}

}  // namespace meterstream
