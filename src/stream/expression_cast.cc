#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/timestamp.h"
#include "stream/expression_operand.h"

namespace meterstream {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

/// Into BOOLEAN, BIGINT or TIMESTAMP, which share their representation.
bool to_integer(const Operand& from, size_t row, ColumnType type, int64_t& out) {
  switch (from.type) {
    case ColumnType::kDouble: {
      const double number = from.number(row);
      if (type == ColumnType::kBoolean) {
        out = number != 0 ? 1 : 0;
        return true;
      }
      // 2^63 is a double; every double below it and at or above -2^63 fits.
      if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) return false;
      out = static_cast<int64_t>(number);
      return true;
    }
    case ColumnType::kVarchar: {
      const std::string_view text = from.text(row);
      if (type == ColumnType::kBigint) return parse_number(text, out);
      if (type == ColumnType::kTimestamp) {
        const auto time = parse_timestamp(text);
        if (time) out = time->value;
        return time.has_value();
      }
      const std::string_view word = trimmed(text);
      out = equals_ignoring_case(word, "true") ? 1 : 0;
      return out == 1 || equals_ignoring_case(word, "false");
    }
    default:
      out = type == ColumnType::kBoolean ? (from.integer(row) != 0 ? 1 : 0) : from.integer(row);
      return true;
  }
}

bool to_number(const Operand& from, size_t row, double& out) {
  if (from.type == ColumnType::kVarchar) return parse_number(from.text(row), out) && std::isfinite(out);
  out = from.type == ColumnType::kDouble ? from.number(row) : static_cast<double>(from.integer(row));
  return true;
}

std::string to_varchar(const Operand& from, size_t row) {
  switch (from.type) {
    case ColumnType::kBoolean:
      return from.integer(row) != 0 ? "true" : "false";
    case ColumnType::kTimestamp:
      return format_timestamp(EventTime(from.integer(row)));
    case ColumnType::kDouble:
      return fmt::format("{}", from.number(row));
    case ColumnType::kVarchar:
      return std::string(from.text(row));
    case ColumnType::kBigint:
      break;
  }
  return fmt::format("{}", from.integer(row));
}

}  // namespace

Operand cast_operand(Operand operand, ColumnType type, EvaluationContext& context) {
  if (operand.type == type) return operand;
  const size_t rows = operand.constant ? 1 : context.batch.rows;
  Column out = empty_column(type, rows);
  int64_t constant_faults = 0;
  for (size_t row = 0; row < rows; ++row) {
    if (operand.is_null(row)) {
      mark_null(out, row, rows);
      continue;
    }
    bool ok = true;
    if (type == ColumnType::kDouble) {
      ok = to_number(operand, row, out.doubles[row]);
      if (!ok) out.doubles[row] = 0;
    } else if (type == ColumnType::kVarchar) {
      out.strings[row] = context.batch.arena.emplace_back(to_varchar(operand, row));
    } else {
      ok = to_integer(operand, row, type, out.integers[row]);
      if (!ok) out.integers[row] = 0;
    }
    if (ok) continue;
    mark_null(out, row, rows);
    if (operand.constant) {
      constant_faults = 1;
    } else {
      context.faults += context.counts(row) ? 1 : 0;
    }
  }
  for (size_t row = 0; row < context.batch.rows && constant_faults != 0; ++row) {
    context.faults += context.counts(row) ? 1 : 0;
  }
  return own(std::move(out), operand.constant);
}

bool matches_like(std::string_view text, std::string_view pattern) {
  const auto next_character = [&](size_t at) {
    ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
    return at;
  };
  size_t at = 0;
  size_t wanted = 0;
  size_t percent = std::string_view::npos;  // the latest %, and the text that it is known to cover
  size_t covered = 0;
  while (at < text.size()) {
    if (wanted < pattern.size() && pattern[wanted] == '%') {
      percent = wanted++;
      covered = at;
    } else if (wanted < pattern.size() && pattern[wanted] == '_') {
      at = next_character(at);
      ++wanted;
    } else if (wanted < pattern.size() && pattern[wanted] == text[at]) {
      ++at;
      ++wanted;
    } else if (percent != std::string_view::npos) {
      covered = next_character(covered);
      at = covered;
      wanted = percent + 1;
    } else {
      return false;
    }
  }
  while (wanted < pattern.size() && pattern[wanted] == '%') ++wanted;
  return wanted == pattern.size();
}

}  // namespace meterstream
