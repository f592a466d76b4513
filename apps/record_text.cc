#include "apps/record_text.h"

#include <fmt/format.h>

#include "apps/avro_text.h"
#include "apps/terminal.h"
#include "base/bytes.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kWireHeader = 5;

/// Whether the bytes can stand in a line of JSON as they are: an object or array without line ends or controls.
bool looks_like_json(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const bool has_brackets =
      (bytes.front() == '{' && bytes.back() == '}') || (bytes.front() == '[' && bytes.back() == ']');
  if (!has_brackets) return false;
  for (const char byte : bytes) {
    if (static_cast<unsigned char>(byte) < 0x20) return false;
  }
  return true;
}

/// Calls `use` with name and value of each header; what is damaged ends it.
template <class Use>
void for_each_header(std::string_view headers, const Use& use) {
  ByteReader reader(headers);
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    if (reader.ok()) use(name, value);
  }
}

std::string headers_json(std::string_view headers) {
  std::string text;
  for_each_header(headers, [&](std::string_view name, std::string_view value) {
    text += text.empty() ? "{\"name\":" : ",{\"name\":";
    append_json_string(text, escaped(name));
    text += ",\"value\":";
    append_json_string(text, escaped(value));
    text += '}';
  });
  return "[" + text + "]";
}

std::string headers_text(std::string_view headers) {
  std::string text;
  for_each_header(headers, [&](std::string_view name, std::string_view value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", escaped(name), escaped(value));
  });
  return "{" + text + "}";
}

std::string time_text(IngestTime time) {
  return format_timestamp(EventTime(time.value));
}

}  // namespace

const AvroSchema* RecordText::schema(SchemaId id) {
  const auto [entry, is_new] = known_.try_emplace(id);
  Known& known = entry->second;
  if (is_new || (known.again && std::chrono::steady_clock::now() >= *known.again)) ask(id, known);
  return known.schema ? &*known.schema : nullptr;
}

void RecordText::ask(SchemaId id, Known& known) {
  constexpr auto kPause = std::chrono::seconds(5);
  known.again.reset();
  const Result<std::string> text = schemas_.schema(id);
  std::string problem;
  if (!text) {
    problem = text.error().message;
    if (text.error().code == ErrorCode::kUnavailable) known.again = std::chrono::steady_clock::now() + kPause;
  } else if (auto schema = AvroSchema::parse(*text)) {
    known.schema = std::move(*schema);
  } else {
    problem = schema.error().message;
  }
  if (problem.empty() || known.is_told || !on_problem_) return;
  known.is_told = true;
  on_problem_(fmt::format("records of schema {} are shown as bytes: {}", id, problem));
}

std::string RecordText::value_json(const RecordView& record) {
  if (record.is_tombstone()) return "null";
  if (looks_like_json(record.value)) return std::string(record.value);
  if (record.value.size() >= kWireHeader && record.value[0] == '\0') {
    const SchemaId id(static_cast<int32_t>(load_big_endian32(record.value.data() + 1)));
    if (const AvroSchema* known = schema(id)) {
      if (auto text = avro_to_json(*known, record.value.substr(kWireHeader))) return *std::move(text);
    }
  }
  std::string text;
  append_json_string(text, escaped(record.value));
  return text;
}

std::string RecordText::record_json(std::string_view topic, PartitionId partition, const RecordView& record) {
  std::string text = "{\"topic\":";
  append_json_string(text, topic);
  text += fmt::format(",\"partition\":{},\"offset\":{},\"ingestTime\":\"{}\",\"key\":", partition, record.offset,
                      time_text(record.ingest_time));
  if (record.has_key()) {
    append_json_string(text, escaped(record.key));
  } else {
    text += "null";
  }
  if (!record.headers.empty()) text += ",\"headers\":" + headers_json(record.headers);
  return text + ",\"value\":" + value_json(record) + "}";
}

std::string RecordText::record_line(PartitionId partition, const RecordView& record) {
  const std::string headers = record.headers.empty() ? "" : headers_text(record.headers) + "  ";
  return fmt::format("{}:{}  {}  {}  {}{}", partition, record.offset, time_text(record.ingest_time),
                     record.has_key() ? escaped(record.key) : "-", headers, value_json(record));
}

}  // namespace meterstream
