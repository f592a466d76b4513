#include "connectors/lake/lake_range.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

namespace meterstream {
namespace {

using Json = simdjson::dom::element;
constexpr std::string_view kEnding = ".json";
constexpr size_t kOffsetDigits = 19;

/// Reads fields of one JSON object; after a failed one the first failure stays.
class FieldReader {
 public:
  explicit FieldReader(Json object) : object_(object) {}

  template <class Number>
  Number number(const char* name) {
    int64_t value = 0;
    if (object_[name].get(value) && fault_.empty()) fault_ = fmt::format("{} is missing or no integer", name);
    return static_cast<Number>(value);
  }
  uint64_t unsigned_number(const char* name) {
    uint64_t value = 0;
    if (object_[name].get(value) && fault_.empty()) fault_ = fmt::format("{} is missing or no integer", name);
    return value;
  }
  std::string_view text(const char* name) {
    std::string_view value;
    if (object_[name].get(value) && fault_.empty()) fault_ = fmt::format("{} is missing or no text", name);
    return value;
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  Json object_;
  std::string fault_;
};

Error broken(std::string_view path, std::string_view what) {
  return corrupt(fmt::format("lake: {}: {}", path, what));
}

/// Topics' names need no escapes.
std::string source_fields(const TopicPartition& source) {
  return fmt::format(R"("topic":"{}","partition":{})", source.topic, source.partition);
}

}  // namespace

std::string LakeRange::directory_of(const TopicPartition& source) {
  return fmt::format("{}/{}+{}", kRangesDirectory, source.topic, source.partition);
}

std::string LakeRange::path_of(const TopicPartition& source, Offset first) {
  return fmt::format("{}/{:0{}}{}", directory_of(source), first.value, kOffsetDigits, kEnding);
}

std::string LakeRange::json() const {
  std::string text = fmt::format(
      R"({{"schema":1,{},"firstOffset":{},"lastOffset":{},"records":{},"rejected":{},"fingerprint":{},"objects":[)",
      source_fields(source), first, last, records, rejected, fingerprint);
  for (size_t i = 0; i < objects.size(); ++i) {
    text += fmt::format(R"({}{{"date":"{}","readings":{},"bytes":{},"crc32c":{}}})", i == 0 ? "" : ",",
                        date_text(objects[i].day), objects[i].readings, objects[i].bytes, objects[i].checksum);
  }
  return text + "]}\n";
}

Result<LakeRange> LakeRange::parse(std::string_view path, std::string_view json) {
  simdjson::dom::parser parser;
  Json root;
  if (parser.parse(json.data(), json.size(), true).get(root)) return broken(path, "is no JSON");
  FieldReader fields(root);
  LakeRange range;
  const auto schema = fields.number<int64_t>("schema");
  range.source.topic = fields.text("topic");
  range.source.partition = PartitionId(fields.number<int32_t>("partition"));
  range.first = Offset(fields.number<int64_t>("firstOffset"));
  range.last = Offset(fields.number<int64_t>("lastOffset"));
  range.records = fields.number<int64_t>("records");
  range.rejected = fields.number<int64_t>("rejected");
  range.fingerprint = fields.unsigned_number("fingerprint");
  simdjson::dom::array objects;
  if (root["objects"].get(objects)) return broken(path, "objects is missing or no array");
  for (const Json element : objects) {
    FieldReader object(element);
    const auto day = parse_date(object.text("date"));
    range.objects.push_back({day.value_or(0), object.number<int64_t>("readings"), object.number<int64_t>("bytes"),
                             object.number<uint32_t>("crc32c")});
    if (!object.fault().empty() || !day) return broken(path, "an entry of objects is not complete");
  }
  if (!fields.fault().empty()) return broken(path, fields.fault());
  if (schema != 1) return broken(path, fmt::format("has schema {}; this program reads 1", schema));
  if (range.first > range.last || range.path() != path) return broken(path, "describes another range than its name");
  return range;
}

std::optional<LakeRangeName> LakeRangeName::parse(std::string_view path) {
  const std::string prefix = fmt::format("{}/", kRangesDirectory);
  if (!path.starts_with(prefix) || !path.ends_with(kEnding)) return std::nullopt;
  path = path.substr(prefix.size(), path.size() - prefix.size() - kEnding.size());
  const size_t slash = path.find('/');
  const size_t plus = path.substr(0, slash).rfind('+');
  if (slash == std::string_view::npos || plus == std::string_view::npos) return std::nullopt;
  const std::string_view first_text = path.substr(slash + 1);
  const std::string_view partition_text = path.substr(plus + 1, slash - plus - 1);
  int64_t first = 0;
  int32_t partition = 0;
  const auto is_number = [](std::string_view text, auto& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 0;
  };
  if (first_text.size() != kOffsetDigits || !is_number(first_text, first) || !is_number(partition_text, partition)) {
    return std::nullopt;
  }
  return LakeRangeName{{std::string(path.substr(0, plus)), PartitionId(partition)}, Offset(first)};
}

std::string LakeMerge::path_of(const LakeObjectName& object) {
  return fmt::format("{}/{}{}", kMergedDirectory, object.path(), kEnding);
}

std::string LakeMerge::json() const {
  std::string text = fmt::format(
      R"({{"schema":1,{},"date":"{}","firstOffset":{},"lastOffset":{},"readings":{},"bytes":{},"crc32c":{},"parts":[)",
      source_fields(object.source), date_text(object.day), object.first, object.last, readings, bytes, checksum);
  for (size_t i = 0; i < parts.size(); ++i) {
    text += fmt::format(R"({}{{"firstOffset":{},"lastOffset":{}}})", i == 0 ? "" : ",", parts[i].first, parts[i].last);
  }
  return text + "]}\n";
}

Result<LakeMerge> LakeMerge::parse(std::string_view path, std::string_view json) {
  simdjson::dom::parser parser;
  Json root;
  if (parser.parse(json.data(), json.size(), true).get(root)) return broken(path, "is no JSON");
  FieldReader fields(root);
  LakeMerge merge;
  const auto schema = fields.number<int64_t>("schema");
  merge.object.source.topic = fields.text("topic");
  merge.object.source.partition = PartitionId(fields.number<int32_t>("partition"));
  const auto day = parse_date(fields.text("date"));
  merge.object.day = day.value_or(0);
  merge.object.first = Offset(fields.number<int64_t>("firstOffset"));
  merge.object.last = Offset(fields.number<int64_t>("lastOffset"));
  merge.readings = fields.number<int64_t>("readings");
  merge.bytes = fields.number<int64_t>("bytes");
  merge.checksum = fields.number<uint32_t>("crc32c");
  simdjson::dom::array parts;
  if (root["parts"].get(parts)) return broken(path, "parts is missing or no array");
  for (const Json element : parts) {
    FieldReader part(element);
    LakeObjectName name = merge.object;
    name.first = Offset(part.number<int64_t>("firstOffset"));
    name.last = Offset(part.number<int64_t>("lastOffset"));
    if (!part.fault().empty() || !merge.object.covers(name.first, name.last)) {
      return broken(path, "an entry of parts is not inside of the object");
    }
    merge.parts.push_back(std::move(name));
  }
  if (!fields.fault().empty()) return broken(path, fields.fault());
  if (!day || schema != 1 || merge.path() != path) return broken(path, "describes another object than its name");
  return merge;
}

}  // namespace meterstream
