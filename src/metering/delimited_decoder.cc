#include "metering/delimited_decoder.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/byte_arena.h"
#include "metering/row_writer.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr std::string_view kSpaces = " \t";

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kSpaces), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, {}, [](unsigned char letter) { return std::tolower(letter); });
}

/// All of the text is the number.
template <class Number>
bool parse(std::string_view text, Number& number) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

DelimitedRecordDecoder::DelimitedRecordDecoder(DecodeRequest request) : request_(std::move(request)) {
  check_request(request_);
  for (size_t column = 0; column < request_.columns.size(); ++column) {
    if (column != request_.absent_column) columns_.push_back(column);
  }
}

bool DelimitedRecordDecoder::fail(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

Status DelimitedRecordDecoder::decode(std::span<const RecordView> records, ColumnBatch& batch) {
  const auto decode_one = [this](const RecordView& record, RowWriter& writer) { return decode_record(record, writer); };
  decode_records(request_, records, batch, decode_one, reason_);
  return {};
}

bool DelimitedRecordDecoder::decode_record(const RecordView& record, RowWriter& writer) {
  if (record.is_tombstone()) return fail("tombstone");
  if (!simdjson::validate_utf8(record.value.data(), record.value.size())) return fail("not valid UTF-8");
  if (!split(without_line_end(record.value))) return false;
  // A record of which all is in its key.
  const bool is_empty = fields_.size() == 1 && fields_[0].text.empty() && !fields_[0].is_quoted;
  if (columns_.empty() && is_empty) fields_.clear();
  if (fields_.size() != columns_.size()) {
    return fail(fmt::format("found {} field(s) between '{}', expected {}", fields_.size(), request_.delimiter,
                            columns_.size()));
  }
  for (size_t field = 0; field < fields_.size(); ++field) {
    if (is_wanted(request_, columns_[field]) && !decode_field(fields_[field], columns_[field], writer)) return false;
  }
  if (request_.absent_column && is_wanted(request_, *request_.absent_column)) writer.set_null(*request_.absent_column);
  if (!request_.group_key.empty()) writer.build_group_key();
  return true;
}

bool DelimitedRecordDecoder::split(std::string_view line) {
  fields_.clear();
  for (size_t at = 0; true; ++at) {
    if (at < line.size() && line[at] == '"') {
      if (!take_quoted(line, at)) return false;
    } else {
      const size_t end = std::min(line.find(request_.delimiter, at), line.size());
      fields_.push_back({line.substr(at, end - at)});
      if (fields_.back().text.find_first_of("\r\n") != std::string_view::npos)
        return fail("a line end outside of quotes; a record is one line");
      at = end;
    }
    if (at == line.size()) return true;
  }
}

/// At the delimiter or the end afterwards.
bool DelimitedRecordDecoder::take_quoted(std::string_view line, size_t& at) {
  Field field{{}, true};
  const size_t begin = ++at;
  for (at = line.find('"', at); at != std::string_view::npos; at = line.find('"', at + 2)) {
    if (at + 1 < line.size() && line[at + 1] == '"') {
      field.has_doubled_quotes = true;
      continue;
    }
    field.text = line.substr(begin, at - begin);
    fields_.push_back(field);
    ++at;
    return at == line.size() || line[at] == request_.delimiter ||
           fail(fmt::format("field {}: text behind its closing quote", fields_.size()));
  }
  return fail(fmt::format("field {}: its quote is not closed", fields_.size() + 1));
}

bool DelimitedRecordDecoder::decode_field(const Field& field, size_t column, RowWriter& writer) {
  const ColumnType type = request_.columns[column].type;
  if (type == ColumnType::kVarchar) {
    if (field.text.empty() && !field.is_quoted) {
      writer.set_null(column);
    } else if (!field.has_doubled_quotes) {
      writer.set_text(column, field.text);
    } else {
      std::string plain;
      for (size_t at = 0; at < field.text.size(); ++at) {
        plain += field.text[at];
        if (field.text[at] == '"') ++at;
      }
      writer.set_text(column, ByteArena(writer.batch().arena).copy(plain));
    }
    return true;
  }
  const std::string_view text = trimmed(field.text);
  if (text.empty()) {
    writer.set_null(column);
    return true;
  }
  if (type == ColumnType::kTimestamp) return decode_timestamp(text, column, writer);
  if (type != ColumnType::kDouble) return decode_integer(text, column, writer);
  double number = 0;
  if (!parse(text, number) || !std::isfinite(number)) return unlike(text, column, "a finite number");
  writer.set_double(column, number);
  return true;
}

bool DelimitedRecordDecoder::decode_integer(std::string_view text, size_t column, RowWriter& writer) {
  int64_t number = 0;
  if (request_.columns[column].type == ColumnType::kBoolean) {
    number = is_word(text, "true") ? 1 : 0;
    if (number == 0 && !is_word(text, "false")) return unlike(text, column, "true or false");
  } else if (!parse(text, number)) {
    return unlike(text, column, "an integer of 64 bits");
  }
  writer.set_integer(column, number);
  return true;
}

bool DelimitedRecordDecoder::decode_timestamp(std::string_view text, size_t column, RowWriter& writer) {
  int64_t number = 0;
  if (!parse(text, number)) {
    const auto time = parse_timestamp_or_explain(text);
    if (!time) return fail(fmt::format("field '{}': {}", request_.columns[column].name, time.error().message));
    number = time->value;
  }
  writer.set_integer(column, number);
  return true;
}

bool DelimitedRecordDecoder::unlike(std::string_view text, size_t column, std::string_view expected) {
  return fail(fmt::format("field '{}': expected {}, found {}", request_.columns[column].name, expected,
                          first_characters(text, 40)));
}

}  // namespace meterstream
