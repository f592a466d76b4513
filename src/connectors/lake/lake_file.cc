#include "connectors/lake/lake_file.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>

namespace meterstream {
namespace {

// DuckDB reads row groups of about this many rows in parallel, and skips by their statistics.
constexpr int64_t kRowGroupRows = 131'072;
constexpr const char* kVersionKey = "meterstream.schema";
constexpr const char* kColumns[] = {"gateway", "metric_type", "metric_attribute", "timestamp",
                                    "value",   "offset",      "ingest_time"};
enum ColumnNumber : int { kGateway, kType, kAttribute, kTimestamp, kValue, kOffset, kIngestTime, kColumnCount };

Error from_arrow(const arrow::Status& status) {
  const std::string what = fmt::format("Parquet: {}", status.message());
  return status.IsOutOfMemory() ? unavailable(what) : corrupt(what);
}

#define RETURN_IF_ARROW_ERROR(expression)                                                                        \
  do {                                                                                                           \
    if (const arrow::Status arrow_status_ = (expression); !arrow_status_.ok()) return from_arrow(arrow_status_); \
  } while (false)

template <class T>
Result<T> from_arrow(arrow::Result<T> result) {
  if (!result.ok()) return from_arrow(result.status());
  return std::move(result).ValueUnsafe();
}

std::shared_ptr<arrow::Schema> file_schema() {
  const auto text = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto time = arrow::timestamp(arrow::TimeUnit::MILLI, "UTC");
  return arrow::schema(
      {arrow::field(kColumns[kGateway], text, false), arrow::field(kColumns[kType], text, false),
       arrow::field(kColumns[kAttribute], text, false), arrow::field(kColumns[kTimestamp], time, false),
       arrow::field(kColumns[kValue], arrow::float64(), false), arrow::field(kColumns[kOffset], arrow::int64(), false),
       arrow::field(kColumns[kIngestTime], time, false)});
}

std::shared_ptr<const arrow::KeyValueMetadata> metadata_of(const LakeObjectName& name, size_t readings) {
  return arrow::key_value_metadata({{kVersionKey, fmt::format("{}", kLakeSchemaVersion)},
                                    {"meterstream.topic", name.source.topic},
                                    {"meterstream.partition", fmt::format("{}", name.source.partition)},
                                    {"meterstream.first_offset", fmt::format("{}", name.first)},
                                    {"meterstream.last_offset", fmt::format("{}", name.last)},
                                    {"meterstream.readings", fmt::format("{}", readings)}});
}

std::shared_ptr<parquet::WriterProperties> writer_properties(int zstd_level) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
  builder.version(parquet::ParquetVersion::PARQUET_2_6)->created_by("meterstream")->enable_page_checksum();
  for (const ColumnNumber number : {kTimestamp, kOffset, kIngestTime}) {
    builder.disable_dictionary(kColumns[number])->encoding(kColumns[number], parquet::Encoding::DELTA_BINARY_PACKED);
  }
  builder.set_sorting_columns(
      {{kGateway, false, false}, {kType, false, false}, {kAttribute, false, false}, {kTimestamp, false, false}});
  return builder.build();
}

template <class Number>
Result<std::shared_ptr<arrow::Buffer>> gather(const std::vector<Number>& column, std::span<const uint32_t> order) {
  ASSIGN_OR_RETURN(std::unique_ptr<arrow::Buffer> buffer,
                   from_arrow(arrow::AllocateBuffer(static_cast<int64_t>(order.size() * sizeof(Number)))));
  auto* out = buffer->mutable_data_as<Number>();
  for (const uint32_t row : order) *out++ = column[row];
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

/// One part of the series' names as a dictionary column, whose dictionary holds what these readings use.
Result<std::shared_ptr<arrow::Array>> text_column(const LakeRows& rows, std::span<const uint32_t> order,
                                                  std::string SeriesKey::* part) {
  constexpr int32_t kUnused = -1;
  std::vector<int32_t> index_of_series(rows.series.size(), kUnused);
  std::unordered_map<std::string_view, int32_t> index_of_text;
  arrow::StringBuilder dictionary;
  ASSIGN_OR_RETURN(std::unique_ptr<arrow::Buffer> buffer,
                   from_arrow(arrow::AllocateBuffer(static_cast<int64_t>(order.size() * sizeof(int32_t)))));
  auto* out = buffer->mutable_data_as<int32_t>();
  for (const uint32_t row : order) {
    int32_t& index = index_of_series[rows.series_of[row]];
    if (index == kUnused) [[unlikely]] {
      const std::string& text = rows.series[rows.series_of[row]].*part;
      const auto [found, is_new] = index_of_text.try_emplace(text, static_cast<int32_t>(index_of_text.size()));
      if (is_new) RETURN_IF_ARROW_ERROR(dictionary.Append(text));
      index = found->second;
    }
    *out++ = index;
  }
  std::shared_ptr<arrow::Array> texts;
  RETURN_IF_ARROW_ERROR(dictionary.Finish(&texts));
  const auto indexes = std::make_shared<arrow::Int32Array>(static_cast<int64_t>(order.size()), std::move(buffer));
  return std::static_pointer_cast<arrow::Array>(
      std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), arrow::utf8()), indexes, texts));
}

Result<std::shared_ptr<arrow::Table>> table_of(const LakeRows& rows, std::span<const uint32_t> order) {
  const auto count = static_cast<int64_t>(order.size());
  const auto time_type = arrow::timestamp(arrow::TimeUnit::MILLI, "UTC");
  std::vector<std::shared_ptr<arrow::Array>> columns(kColumnCount);
  ASSIGN_OR_RETURN(columns[kGateway], text_column(rows, order, &SeriesKey::gateway));
  ASSIGN_OR_RETURN(columns[kType], text_column(rows, order, &SeriesKey::metric_type));
  ASSIGN_OR_RETURN(columns[kAttribute], text_column(rows, order, &SeriesKey::metric_attribute));
  ASSIGN_OR_RETURN(auto times, gather(rows.time_ms, order));
  ASSIGN_OR_RETURN(auto values, gather(rows.value, order));
  ASSIGN_OR_RETURN(auto offsets, gather(rows.offset, order));
  ASSIGN_OR_RETURN(auto arrivals, gather(rows.ingest_ms, order));
  columns[kTimestamp] = std::make_shared<arrow::TimestampArray>(time_type, count, times);
  columns[kValue] = std::make_shared<arrow::DoubleArray>(count, values);
  columns[kOffset] = std::make_shared<arrow::Int64Array>(count, offsets);
  columns[kIngestTime] = std::make_shared<arrow::TimestampArray>(time_type, count, arrivals);
  return arrow::Table::Make(file_schema(), columns, count);
}

Result<std::string> write_table(const arrow::Table& table,
                                const std::shared_ptr<const arrow::KeyValueMetadata>& metadata, int zstd_level) {
  ASSIGN_OR_RETURN(const auto sink, from_arrow(arrow::io::BufferOutputStream::Create()));
  ASSIGN_OR_RETURN(const auto writer,
                   from_arrow(parquet::arrow::FileWriter::Open(*table.schema(), arrow::default_memory_pool(), sink,
                                                               writer_properties(zstd_level))));
  RETURN_IF_ARROW_ERROR(writer->WriteTable(table, kRowGroupRows));
  RETURN_IF_ARROW_ERROR(writer->AddKeyValueMetadata(metadata));
  RETURN_IF_ARROW_ERROR(writer->Close());
  ASSIGN_OR_RETURN(const auto buffer, from_arrow(sink->Finish()));
  return buffer->ToString();
}

/// Reads the file's own description of itself.
class MetadataReader {
 public:
  explicit MetadataReader(std::shared_ptr<const arrow::KeyValueMetadata> metadata) : metadata_(std::move(metadata)) {}

  [[nodiscard]] Result<std::string> text(const char* key) const {
    const auto value = metadata_ == nullptr ? arrow::Status::KeyError(key) : metadata_->Get(key);
    if (!value.ok()) return corrupt(fmt::format("the metadata has no {}: this is no object of a lake", key));
    return *value;
  }
  [[nodiscard]] Result<int64_t> number(const char* key) const {
    ASSIGN_OR_RETURN(const std::string value, text(key));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      return corrupt(fmt::format("the metadata's {} is '{}', not a number", key, value));
    }
    return number;
  }

 private:
  std::shared_ptr<const arrow::KeyValueMetadata> metadata_;
};

Result<LakeObjectName> described_name(const MetadataReader& metadata, int64_t rows) {
  ASSIGN_OR_RETURN(const int64_t version, metadata.number(kVersionKey));
  if (version != kLakeSchemaVersion) {
    return corrupt(fmt::format("schema version {}; this program reads version {}", version, kLakeSchemaVersion));
  }
  ASSIGN_OR_RETURN(const int64_t readings, metadata.number("meterstream.readings"));
  if (readings != rows) return corrupt(fmt::format("{} rows, and the metadata says {}", rows, readings));
  LakeObjectName name;
  ASSIGN_OR_RETURN(name.source.topic, metadata.text("meterstream.topic"));
  ASSIGN_OR_RETURN(const int64_t partition, metadata.number("meterstream.partition"));
  name.source.partition = PartitionId(static_cast<int32_t>(partition));
  ASSIGN_OR_RETURN(name.first.value, metadata.number("meterstream.first_offset"));
  ASSIGN_OR_RETURN(name.last.value, metadata.number("meterstream.last_offset"));
  return name;
}

/// Appends a column of 8-byte numbers.
template <class Number>
void append_numbers(const arrow::ChunkedArray& column, std::vector<Number>& out) {
  for (const auto& chunk : column.chunks()) {
    const Number* begin = chunk->data()->GetValues<Number>(1);
    out.insert(out.end(), begin, begin + chunk->length());
  }
}

/// Numbers the texts of one column, in the order of their first appearance.
struct TextColumn {
  std::vector<std::string> texts;
  std::vector<uint32_t> index_of_row;
};

Result<TextColumn> read_texts(const arrow::ChunkedArray& column) {
  TextColumn result;
  std::unordered_map<std::string, uint32_t> index_of_text;
  for (const auto& chunk : column.chunks()) {
    if (chunk->type_id() != arrow::Type::DICTIONARY) return corrupt("a column of names is no text");
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*chunk);
    if (coded.dictionary()->type_id() != arrow::Type::STRING || coded.indices()->type_id() != arrow::Type::INT32) {
      return corrupt("a column of names is no text");
    }
    const auto& texts = static_cast<const arrow::StringArray&>(*coded.dictionary());
    std::vector<uint32_t> index_of_code(static_cast<size_t>(texts.length()));
    for (int64_t code = 0; code < texts.length(); ++code) {
      const auto [found, is_new] =
          index_of_text.try_emplace(texts.GetString(code), static_cast<uint32_t>(result.texts.size()));
      if (is_new) result.texts.push_back(found->first);
      index_of_code[static_cast<size_t>(code)] = found->second;
    }
    const auto& indexes = static_cast<const arrow::Int32Array&>(*coded.indices());
    for (int64_t row = 0; row < indexes.length(); ++row) {
      const int32_t code = indexes.Value(row);
      if (code < 0 || code >= texts.length()) return corrupt("a name's number is beyond its dictionary");
      result.index_of_row.push_back(index_of_code[static_cast<size_t>(code)]);
    }
  }
  return result;
}

/// Rows are sorted by series, so a series is the run of rows with the same three texts.
Status read_series(const arrow::Table& table, LakeRows& rows) {
  ASSIGN_OR_RETURN(const TextColumn gateways, read_texts(*table.column(kGateway)));
  ASSIGN_OR_RETURN(const TextColumn types, read_texts(*table.column(kType)));
  ASSIGN_OR_RETURN(const TextColumn attributes, read_texts(*table.column(kAttribute)));
  for (size_t row = 0; row < gateways.index_of_row.size(); ++row) {
    const uint32_t gateway = gateways.index_of_row[row];
    const uint32_t type = types.index_of_row[row];
    const uint32_t attribute = attributes.index_of_row[row];
    if (row == 0 || gateway != gateways.index_of_row[row - 1] || type != types.index_of_row[row - 1] ||
        attribute != attributes.index_of_row[row - 1]) {
      SeriesKey key{gateways.texts[gateway], types.texts[type], attributes.texts[attribute]};
      if (!rows.series.empty() && !(rows.series.back() < key)) {
        return corrupt(fmt::format("series {} does not stand in its order", key.text()));
      }
      rows.series.push_back(std::move(key));
    }
    rows.series_of.push_back(static_cast<uint32_t>(rows.series.size() - 1));
  }
  return {};
}

Status check_rows(const LakeObjectName& name, const LakeRows& rows) {
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows.offset[row] < name.first.value || rows.offset[row] > name.last.value) {
      return corrupt(
          fmt::format("a reading of offset {}, outside of {} to {}", rows.offset[row], name.first, name.last));
    }
    if (day_of(rows.time_ms[row]) != day_of(rows.time_ms[0])) return corrupt("readings of more than one date");
    const bool follows = row > 0 && rows.series_of[row] == rows.series_of[row - 1];
    if (follows && (rows.time_ms[row] < rows.time_ms[row - 1] ||
                    (rows.time_ms[row] == rows.time_ms[row - 1] && rows.offset[row] <= rows.offset[row - 1]))) {
      return corrupt(fmt::format("the readings of series {} are not in the order of time and offset",
                                 rows.series[rows.series_of[row]].text()));
    }
  }
  return {};
}

Status check_columns(const arrow::Table& table) {
  if (table.num_columns() != kColumnCount) return corrupt(fmt::format("{} columns", table.num_columns()));
  for (int number = 0; number < kColumnCount; ++number) {
    const auto& field = *table.field(number);
    const bool is_number = number > kAttribute;
    const bool is_wide = field.type()->id() == arrow::Type::TIMESTAMP || field.type()->id() == arrow::Type::INT64 ||
                         field.type()->id() == arrow::Type::DOUBLE;
    if (field.name() != kColumns[number] || (is_number && !is_wide) || table.column(number)->null_count() != 0) {
      return corrupt(fmt::format("column {} is not {} as the lake writes it", field.name(), kColumns[number]));
    }
  }
  return {};
}

Result<LakeFile> decode(std::string_view bytes) {
  auto source = std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(
      reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int64_t>(bytes.size())));
  parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties arrow_properties;
  for (const ColumnNumber number : {kGateway, kType, kAttribute}) arrow_properties.set_read_dictionary(number, true);
  parquet::arrow::FileReaderBuilder builder;
  RETURN_IF_ARROW_ERROR(builder.Open(source, properties));
  builder.properties(arrow_properties);
  std::unique_ptr<parquet::arrow::FileReader> reader;
  RETURN_IF_ARROW_ERROR(builder.Build(&reader));
  const auto& description = *reader->parquet_reader()->metadata();
  LakeFile file;
  ASSIGN_OR_RETURN(file.name, described_name(MetadataReader(description.key_value_metadata()), description.num_rows()));
  ASSIGN_OR_RETURN(const std::shared_ptr<arrow::Table> table, from_arrow(reader->ReadTable()));
  RETURN_IF_ERROR(check_columns(*table));
  RETURN_IF_ERROR(read_series(*table, file.rows));
  append_numbers(*table->column(kTimestamp), file.rows.time_ms);
  append_numbers(*table->column(kValue), file.rows.value);
  append_numbers(*table->column(kOffset), file.rows.offset);
  append_numbers(*table->column(kIngestTime), file.rows.ingest_ms);
  RETURN_IF_ERROR(check_rows(file.name, file.rows));
  if (file.rows.size() > 0) file.name.day = day_of(file.rows.time_ms[0]);
  return file;
}

}  // namespace

Result<std::string> encode_lake_file(const LakeObjectName& name, const LakeRows& rows, std::span<const uint32_t> order,
                                     int zstd_level) {
  try {
    ASSIGN_OR_RETURN(const auto table, table_of(rows, order));
    return write_table(*table, metadata_of(name, order.size()), zstd_level);
  } catch (const std::exception& exception) {
    return unavailable(fmt::format("Parquet: {}", exception.what()));
  }
}

Result<LakeFile> decode_lake_file(std::string_view bytes) {
  // Parquet's readers throw on damaged bytes.
  try {
    return decode(bytes);
  } catch (const std::exception& exception) {
    return corrupt(fmt::format("Parquet: {}", exception.what()));
  }
}

}  // namespace meterstream
