#include "metering/row_writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "metering/byte_arena.h"

namespace meterstream {

namespace {

size_t key_part_bytes(std::string_view text) {
  size_t bytes = 1 + text.size();
  for (uint64_t length = zigzag(static_cast<int64_t>(text.size())); length >= 0x80; length >>= 7) ++bytes;
  return bytes;
}

}  // namespace

bool is_wanted(const DecodeRequest& request, size_t column) {
  const auto& key = request.group_key;
  return request.needed[column] || std::find(key.begin(), key.end(), column) != key.end();
}

void check_request(const DecodeRequest& request) {
  CHECK(request.needed.size() == request.columns.size());
  for (const size_t column : request.group_key)
    CHECK(column < request.columns.size() && request.columns[column].type == ColumnType::kVarchar);
}

void RowWriter::begin(size_t rows) {
  batch_.rejected.clear();
  batch_.arena.clear();
  batch_.columns.resize(request_.columns.size());
  for (size_t i = 0; i < request_.columns.size(); ++i) {
    batch_.columns[i].type = request_.columns[i].type;
    batch_.columns[i].validity.clear();
  }
  resize(rows);
}

void RowWriter::finish(size_t rows) {
  resize(rows);
}

// Slots that exist keep their old values, because every row is written anyway.
void RowWriter::resize(size_t rows) {
  batch_.rows = rows;
  for (size_t i = 0; i < batch_.columns.size(); ++i) {
    Column& column = batch_.columns[i];
    const size_t wanted = request_.needed[i] ? rows : 0;
    const bool is_double = column.type == ColumnType::kDouble;
    const bool is_text = column.type == ColumnType::kVarchar;
    column.doubles.resize(is_double ? wanted : 0);
    column.strings.resize(is_text ? wanted : 0);
    column.integers.resize(!is_double && !is_text ? wanted : 0);
    if (!column.validity.empty()) column.validity.resize(wanted);
  }
  batch_.record_index.resize(rows);
  batch_.group_keys.resize(request_.group_key.empty() ? 0 : rows);
}

void RowWriter::abandon_row() {
  for (Column& column : batch_.columns) {
    if (!column.validity.empty()) column.validity[row_] = 1;
  }
}

void RowWriter::set_null(size_t column) {
  texts_[column].is_null = true;
  if (!request_.needed[column]) return;
  Column& target = batch_.columns[column];
  if (!target.integers.empty()) target.integers[row_] = 0;
  if (!target.doubles.empty()) target.doubles[row_] = 0;
  if (!target.strings.empty()) target.strings[row_] = {};
  const size_t rows = target.integers.size() + target.doubles.size() + target.strings.size();
  if (target.validity.empty()) target.validity.assign(rows, 1);
  target.validity[row_] = 0;
}

void RowWriter::set_text(size_t column, std::string_view text) {
  // An empty value is not NULL: its pointer must not be null.
  if (text.data() == nullptr) text = "";
  texts_[column].text = text;
  texts_[column].is_null = false;
  if (request_.needed[column]) batch_.columns[column].strings[row_] = text;
}

size_t RowWriter::key_bytes() const {
  size_t bytes = 0;
  for (const size_t column : request_.group_key)
    bytes += texts_[column].is_null ? 1 : key_part_bytes(texts_[column].text);
  return bytes;
}

void RowWriter::build_group_key() {
  std::string& chunk = ByteArena(batch_.arena).reserve(key_bytes());
  const size_t start = chunk.size();
  for (const size_t column : request_.group_key) {
    const Text& part = texts_[column];
    append_varint(chunk, zigzag(part.is_null ? -1 : static_cast<int64_t>(part.text.size())));
    if (!part.is_null) chunk.append(part.text);
  }
  batch_.group_keys[row_] = std::string_view(chunk).substr(start);
}

std::string_view first_characters(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace meterstream
