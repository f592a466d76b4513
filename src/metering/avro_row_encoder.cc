#include "metering/avro_row_encoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_letter_or_digit(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

std::string_view type_text(ColumnType type) {
  switch (type) {
    case ColumnType::kBoolean:
      return R"("boolean")";
    case ColumnType::kBigint:
      return R"("long")";
    case ColumnType::kDouble:
      return R"("double")";
    case ColumnType::kVarchar:
      return R"("string")";
    case ColumnType::kTimestamp:
      return R"({"type":"long","logicalType":"timestamp-millis"})";
  }
  return {};
}

}  // namespace

Result<std::string> avro_schema_of(std::string_view name, const std::vector<ColumnSchema>& columns) {
  std::string record(name);
  std::ranges::replace_if(record, [](char c) { return !is_letter_or_digit(c); }, '_');
  if (record.empty() || !is_letter(record.front())) record.insert(record.begin(), '_');
  std::string fields;
  for (const ColumnSchema& column : columns) {
    const bool is_name =
        !column.name.empty() && is_letter(column.name.front()) && std::ranges::all_of(column.name, is_letter_or_digit);
    if (!is_name) {
      return invalid(fmt::format("column '{}' cannot be a field of AVRO, whose names have letters, digits and '_' only",
                                 column.name));
    }
    fields += fmt::format(R"({}{{"name":"{}","type":["null",{}],"default":null}})", fields.empty() ? "" : ",",
                          column.name, type_text(column.type));
  }
  return fmt::format(R"({{"type":"record","name":"{}","namespace":"meterstream","fields":[{}]}})", record, fields);
}

void append_avro_row(std::string& out, SchemaId schema, const std::vector<const Column*>& columns, size_t row) {
  out.push_back('\0');
  append_big_endian32(out, static_cast<uint32_t>(schema.value));
  for (const Column* column : columns) {
    const bool is_null = column->is_null(row);
    append_varint(out, zigzag(is_null ? 0 : 1));  // the branch of the union
    if (is_null) continue;
    switch (column->type) {
      case ColumnType::kBoolean:
        out.push_back(column->integers[row] != 0 ? '\1' : '\0');
        break;
      case ColumnType::kBigint:
      case ColumnType::kTimestamp:
        append_varint(out, zigzag(column->integers[row]));
        break;
      case ColumnType::kDouble:
        append_little_endian(out, column->doubles[row]);
        break;
      case ColumnType::kVarchar:
        append_varint(out, zigzag(static_cast<int64_t>(column->strings[row].size())));
        out.append(column->strings[row]);
        break;
    }
  }
}

}  // namespace meterstream
