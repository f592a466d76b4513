#include "metering/delimited_reader.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/number_parser.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

/// Up to `max_digits` digits; at least one.
bool parse_digits(const char*& position, const char* end, int max_digits, uint32_t& number) {
  const char* const begin = position;
  number = 0;
  while (position != end && position - begin < max_digits && is_digit(*position))
    number = number * 10 + static_cast<uint32_t>(*position++ - '0');
  return position != begin;
}

bool accept(const char*& position, const char* end, char c) {
  if (position == end || *position != c) return false;
  ++position;
  return true;
}

}  // namespace

std::vector<std::string> split_header(std::string_view line, char separator) {
  std::vector<std::string> fields;
  while (true) {
    const size_t end = line.find(separator);
    std::string_view field = line.substr(0, end);
    constexpr std::string_view kAround = " \t\"";
    const size_t first = field.find_first_not_of(kAround);
    field = first == std::string_view::npos ? std::string_view()
                                            : field.substr(first, field.find_last_not_of(kAround) - first + 1);
    fields.emplace_back(field);
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

Result<std::string> DelimitedReader::read_header(ByteSource& source, LineSplitter& lines) {
  Line line;
  ASSIGN_OR_RETURN(const bool has_line, lines.next(line));
  if (!has_line) return invalid(fmt::format("'{}' is empty; a header line was expected", source.name()));
  if (line.is_overlong)
    return invalid(
        fmt::format("'{}' has a first line of more than 1 MB; it is no text file of readings", source.name()));
  if (line.text.find('\r') != std::string_view::npos) {
    return invalid(fmt::format(
        "'{}' ends its lines with carriage returns alone; turn them into line feeds, as with tr '\\r' '\\n'",
        source.name()));
  }
  return std::string(line.text);
}

DelimitedReader::DelimitedReader(std::unique_ptr<ByteSource> source, std::unique_ptr<LineSplitter> lines,
                                 DelimitedFormat format)
    : source_(std::move(source)), lines_(std::move(lines)), format_(std::move(format)) {
  CHECK(!format_.registers.empty() && !format_.columns.empty());
  progress_.lines = 1;
  progress_.bytes_total = source_->bytes_total();
}

Status DelimitedReader::next(DatasetBatch& batch, size_t max_rows) {
  const size_t width = format_.registers.size();
  batch.width = width;
  batch.rows = 0;
  batch.timestamps.resize(max_rows);
  batch.line_numbers.resize(max_rows);
  batch.values.resize(max_rows * width);
  batch.counts.resize(max_rows);
  Line line;
  while (fault_status_ && batch.rows < max_rows) {
    auto has_line = lines_->next(line);
    if (!has_line) {
      fault_status_ = std::move(has_line).error();
      break;
    }
    if (!*has_line) break;
    progress_.lines = line.number;
    if (line.number < first_line_ || (line.text.empty() && !line.is_overlong)) continue;
    fault_ = "the line is longer than 1 MB";
    const RowKind kind =
        line.is_overlong ? RowKind::kMalformed : parse_row(line.text, batch.values.data() + batch.rows * width);
    if (kind == RowKind::kMalformed) {
      count_malformed(line.number);
      continue;
    }
    ++progress_.rows;
    progress_.values += row_values_;
    progress_.skipped_values += row_skipped_;
    if (kind == RowKind::kNoValues) continue;
    batch.timestamps[batch.rows] = EventTime(day_ms_ + time_ms_);
    batch.line_numbers[batch.rows] = line.number;
    batch.counts[batch.rows] = {progress_.rows, progress_.values, progress_.skipped_values, progress_.malformed_lines};
    ++batch.rows;
  }
  batch.timestamps.resize(batch.rows);
  batch.line_numbers.resize(batch.rows);
  batch.values.resize(batch.rows * width);
  batch.counts.resize(batch.rows);
  progress_.bytes_consumed = lines_->bytes_consumed();
  // Rows before a fault are good; the fault comes at the next call.
  if (batch.rows > 0) return {};
  return fault_status_;
}

void DelimitedReader::count_malformed(int64_t line_number) {
  if (progress_.malformed_lines++ > 0) return;
  progress_.first_malformed_line = line_number;
  progress_.first_malformed_reason = fault_;
}

DelimitedReader::RowKind DelimitedReader::parse_row(std::string_view line, double* values) {
  const char* position = line.data();
  const char* const end = position + line.size();
  day_ms_ = 0;
  row_skipped_ = 0;
  row_values_ = 0;
  bool is_first = true;
  for (const DelimitedColumn& column : format_.columns) {
    if (!is_first && !accept(position, end, format_.separator)) {
      fault_ = position == end ? "the line has too few fields" : "a field has text after its value";
      return RowKind::kMalformed;
    }
    is_first = false;
    if (!parse_field(column, position, end, values)) return RowKind::kMalformed;
  }
  if (position != end) {
    fault_ = *position == format_.separator ? "the line has too many fields" : "a field has text after its value";
    return RowKind::kMalformed;
  }
  return row_values_ > 0 ? RowKind::kValues : RowKind::kNoValues;
}

bool DelimitedReader::parse_field(const DelimitedColumn& column, const char*& position, const char* end,
                                  double* values) {
  switch (column.role) {
    case DelimitedColumn::Role::kValue:
      return parse_value(column.register_index, position, end, values);
    case DelimitedColumn::Role::kIgnored:
      while (position != end && *position != format_.separator) ++position;
      return true;
    case DelimitedColumn::Role::kDate:
      return parse_date(position, end);
    case DelimitedColumn::Role::kTimeOfDay:
      return parse_time_of_day(position, end);
    case DelimitedColumn::Role::kUnixSeconds:
      return parse_unix_seconds(position, end);
  }
  return false;
}

bool DelimitedReader::parse_date(const char*& position, const char* end) {
  const auto left = static_cast<size_t>(end - position);
  const size_t known = last_date_.size();
  if (known != 0 && left > known && position[known] == format_.separator &&
      std::memcmp(position, last_date_.data(), known) == 0) [[likely]] {
    position += known;
    day_ms_ = last_day_ms_;
    return true;
  }
  const char* const begin = position;
  uint32_t day = 0;
  uint32_t month = 0;
  uint32_t year = 0;
  const bool is_shaped = parse_digits(position, end, 2, day) && accept(position, end, '/') &&
                         parse_digits(position, end, 2, month) && accept(position, end, '/') &&
                         parse_digits(position, end, 4, year);
  if (!is_shaped || year < 1000 || !is_valid_date(year, month, day)) {
    fault_ = "the date is not a day/month/year that exists";
    return false;
  }
  day_ms_ = days_from_date(year, month, day) * kMsPerDay;
  last_date_.assign(begin, position);
  last_day_ms_ = day_ms_;
  return true;
}

bool DelimitedReader::parse_time_of_day(const char*& position, const char* end) {
  uint32_t hour = 0;
  uint32_t minute = 0;
  uint32_t second = 0;
  const bool is_shaped = parse_digits(position, end, 2, hour) && accept(position, end, ':') &&
                         parse_digits(position, end, 2, minute) && accept(position, end, ':') &&
                         parse_digits(position, end, 2, second);
  if (!is_shaped || hour > 23 || minute > 59 || second > 59) {
    fault_ = "the time is not hours:minutes:seconds";
    return false;
  }
  time_ms_ = ((int64_t{hour} * 60 + minute) * 60 + second) * 1000;
  return true;
}

bool DelimitedReader::parse_unix_seconds(const char*& position, const char* end) {
  int64_t seconds = 0;
  // Rows that AMPds2 marks carry a plus sign.
  const bool has_plus = end - position > 1 && *position == '+' && is_digit(position[1]);
  const auto result = std::from_chars(has_plus ? position + 1 : position, end, seconds);
  // Year 9999 at the latest.
  constexpr int64_t kMaxSeconds = 253'402'300'799;
  if (result.ec != std::errc() || seconds < -kMaxSeconds || seconds > kMaxSeconds) {
    fault_ = "the time is not whole seconds since 1970";
    return false;
  }
  position = result.ptr;
  time_ms_ = seconds * 1000;
  return true;
}

bool DelimitedReader::parse_value(size_t index, const char*& position, const char* end, double* values) {
  if (position == end || *position == format_.separator || *position == '?') {
    if (position != end && *position == '?') ++position;
    values[index] = std::numeric_limits<double>::quiet_NaN();
    ++row_skipped_;
    return true;
  }
  const char* const next = parse_number(position, end, values[index]);
  if (next == nullptr) {
    fault_ = "a value is not a number";
    return false;
  }
  position = next;
  ++row_values_;
  return true;
}

}  // namespace meterstream
