#include "connectors/lake/lake_range.h"

#include <charconv>
#include <memory>
#include <optional>
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
  std::optional<bool> optional_flag(const char* name) {
    Json found;
    if (object_[name].get(found)) return std::nullopt;
    bool value = false;
    if (found.get(value) && fault_.empty()) fault_ = fmt::format("{} is neither true nor false", name);
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

/// What the records of ranges and of merged objects begin with.
struct Head {
  static constexpr int64_t kSchema = 1;
  TopicPartition source;
  Offset first;
  Offset last;

  /// Topics' names need no escapes.
  [[nodiscard]] std::string json() const {
    return fmt::format(R"({{"schema":{},"topic":"{}","partition":{},"firstOffset":{},"lastOffset":{})", kSchema,
                       source.topic, source.partition, first, last);
  }
};

/// A record while it is read.
class RecordReader {
 public:
  static Result<std::unique_ptr<RecordReader>> parse(std::string_view path, std::string_view json) {
    auto reader = std::make_unique<RecordReader>();
    if (reader->parser_.parse(json.data(), json.size(), true).get(reader->root_)) return broken(path, "is no JSON");
    FieldReader fields(reader->root_);
    const auto schema = fields.number<int64_t>("schema");
    reader->head_.source.topic = fields.text("topic");
    reader->head_.source.partition = PartitionId(fields.number<int32_t>("partition"));
    reader->head_.first = Offset(fields.number<int64_t>("firstOffset"));
    reader->head_.last = Offset(fields.number<int64_t>("lastOffset"));
    if (!fields.fault().empty()) return broken(path, fields.fault());
    if (schema != Head::kSchema)
      return broken(path, fmt::format("has schema {}; this program reads {}", schema, Head::kSchema));
    if (reader->head_.first > reader->head_.last) return broken(path, "ends before it begins");
    return reader;
  }
  [[nodiscard]] const Head& head() const { return head_; }
  [[nodiscard]] FieldReader fields() const { return FieldReader(root_); }
  Status read_list(std::string_view path, const char* name, simdjson::dom::array& list) const {
    if (root_[name].get(list)) return broken(path, fmt::format("{} is missing or no array", name));
    return {};
  }

 private:
  simdjson::dom::parser parser_;
  Json root_;
  Head head_;
};

}  // namespace

std::string LakeRange::directory_of(const TopicPartition& source) {
  return fmt::format("{}/{}+{}", kRangesDirectory, source.topic, source.partition);
}

std::string LakeRange::path_of(const TopicPartition& source, Offset first) {
  return fmt::format("{}/{:0{}}{}", directory_of(source), first.value, kOffsetDigits, kEnding);
}

std::string LakeRange::json() const {
  std::string text = Head{source, first, last}.json();
  if (is_beginning) text += fmt::format(R"(,"beginning":{})", *is_beginning);
  text += fmt::format(R"(,"records":{},"rejected":{},"fingerprint":{},"objects":[)", records, rejected, fingerprint);
  for (size_t i = 0; i < objects.size(); ++i) {
    text += fmt::format(R"({}{{"date":"{}","readings":{},"bytes":{},"crc32c":{}}})", i == 0 ? "" : ",",
                        date_text(objects[i].day), objects[i].readings, objects[i].bytes, objects[i].checksum);
  }
  return text + "]}\n";
}

Result<LakeRange> LakeRange::parse(std::string_view path, std::string_view json) {
  ASSIGN_OR_RETURN(const auto record, RecordReader::parse(path, json));
  FieldReader fields = record->fields();
  LakeRange range;
  range.source = record->head().source;
  range.first = record->head().first;
  range.last = record->head().last;
  range.is_beginning = fields.optional_flag("beginning");
  range.records = fields.number<int64_t>("records");
  range.rejected = fields.number<int64_t>("rejected");
  range.fingerprint = fields.unsigned_number("fingerprint");
  simdjson::dom::array objects;
  RETURN_IF_ERROR(record->read_list(path, "objects", objects));
  for (const Json element : objects) {
    FieldReader object(element);
    const auto day = parse_date(object.text("date"));
    range.objects.push_back({day.value_or(0), object.number<int64_t>("readings"), object.number<int64_t>("bytes"),
                             object.number<uint32_t>("crc32c")});
    if (!object.fault().empty() || !day) return broken(path, "an entry of objects is not complete");
  }
  if (!fields.fault().empty()) return broken(path, fields.fault());
  if (range.path() != path) return broken(path, "describes another range than its name");
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
  std::string text = fmt::format(R"({},"date":"{}","readings":{},"bytes":{},"crc32c":{},"parts":[)",
                                 Head{object.source, object.first, object.last}.json(), date_text(object.day), readings,
                                 bytes, checksum);
  for (size_t i = 0; i < parts.size(); ++i) {
    text += fmt::format(R"({}{{"firstOffset":{},"lastOffset":{}}})", i == 0 ? "" : ",", parts[i].first, parts[i].last);
  }
  return text + "]}\n";
}

Result<LakeMerge> LakeMerge::parse(std::string_view path, std::string_view json) {
  ASSIGN_OR_RETURN(const auto record, RecordReader::parse(path, json));
  FieldReader fields = record->fields();
  LakeMerge merge;
  const auto day = parse_date(fields.text("date"));
  merge.object = {day.value_or(0), record->head().source, record->head().first, record->head().last};
  merge.readings = fields.number<int64_t>("readings");
  merge.bytes = fields.number<int64_t>("bytes");
  merge.checksum = fields.number<uint32_t>("crc32c");
  simdjson::dom::array parts;
  RETURN_IF_ERROR(record->read_list(path, "parts", parts));
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
  if (!day || merge.path() != path) return broken(path, "describes another object than its name");
  return merge;
}

}  // namespace meterstream
