#include "sql/token_meaning.h"

namespace meterstream {

ColumnType column_type(Terminal word) {
  switch (word) {
    case Terminal::kBoolean:
      return ColumnType::kBoolean;
    case Terminal::kDouble:
      return ColumnType::kDouble;
    case Terminal::kVarchar:
    case Terminal::kStringWord:
      return ColumnType::kVarchar;
    case Terminal::kTimestamp:
      return ColumnType::kTimestamp;
    default:
      return ColumnType::kBigint;
  }
}

ast::TimeUnit time_unit(Terminal word) {
  switch (word) {
    case Terminal::kMillisecond:
    case Terminal::kMilliseconds:
      return ast::TimeUnit::kMillisecond;
    case Terminal::kMinute:
    case Terminal::kMinutes:
      return ast::TimeUnit::kMinute;
    case Terminal::kHour:
    case Terminal::kHours:
      return ast::TimeUnit::kHour;
    case Terminal::kDay:
    case Terminal::kDays:
      return ast::TimeUnit::kDay;
    default:
      return ast::TimeUnit::kSecond;
  }
}

}  // namespace meterstream
