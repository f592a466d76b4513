#include "sql/token.h"

#include <array>
#include <string>

#include "base/check.h"

namespace meterstream {
namespace {

constexpr auto kTerminalCount = static_cast<size_t>(Terminal::kCount);

constexpr std::array<std::string_view, kTerminalCount> kNames = {"the end of the file",
                                                                 "a name",
                                                                 "a name",
                                                                 "a string",
                                                                 "a whole number",
                                                                 "a number",
                                                                 "'('",
                                                                 "')'",
                                                                 "','",
                                                                 "';'",
                                                                 "'.'",
                                                                 "'*'",
                                                                 "'+'",
                                                                 "'-'",
                                                                 "'/'",
                                                                 "'%'",
                                                                 "'='",
                                                                 "'<>'",
                                                                 "'<'",
                                                                 "'<='",
                                                                 "'>'",
                                                                 "'>='",
                                                                 "AND",
                                                                 "AS",
                                                                 "BETWEEN",
                                                                 "CASE",
                                                                 "CAST",
                                                                 "CREATE",
                                                                 "ELSE",
                                                                 "EMIT",
                                                                 "END",
                                                                 "FALSE",
                                                                 "FROM",
                                                                 "FULL",
                                                                 "GROUP",
                                                                 "HAVING",
                                                                 "IN",
                                                                 "INNER",
                                                                 "IS",
                                                                 "JOIN",
                                                                 "LEFT",
                                                                 "LIKE",
                                                                 "LIMIT",
                                                                 "NOT",
                                                                 "NULL",
                                                                 "OR",
                                                                 "PARTITION",
                                                                 "RIGHT",
                                                                 "SELECT",
                                                                 "THEN",
                                                                 "TRUE",
                                                                 "WHEN",
                                                                 "WHERE",
                                                                 "WINDOW",
                                                                 "WITH",
                                                                 "ADVANCE",
                                                                 "ALTER",
                                                                 "ARRAY",
                                                                 "BIGINT",
                                                                 "BOOLEAN",
                                                                 "BOUNDS",
                                                                 "BY",
                                                                 "BYTES",
                                                                 "CHANGES",
                                                                 "CONNECTOR",
                                                                 "DATE",
                                                                 "DAY",
                                                                 "DAYS",
                                                                 "DECIMAL",
                                                                 "DEFINE",
                                                                 "DESCRIBE",
                                                                 "DISTINCT",
                                                                 "DOUBLE",
                                                                 "DROP",
                                                                 "EXISTS",
                                                                 "EXPLAIN",
                                                                 "FINAL",
                                                                 "GRACE",
                                                                 "HOPPING",
                                                                 "HOUR",
                                                                 "HOURS",
                                                                 "IF",
                                                                 "INSERT",
                                                                 "INT",
                                                                 "INTEGER",
                                                                 "INTO",
                                                                 "KEY",
                                                                 "LIST",
                                                                 "MAP",
                                                                 "MILLISECOND",
                                                                 "MILLISECONDS",
                                                                 "MINUTE",
                                                                 "MINUTES",
                                                                 "ON",
                                                                 "OUTER",
                                                                 "PAUSE",
                                                                 "PERIOD",
                                                                 "PRIMARY",
                                                                 "PRINT",
                                                                 "REPLACE",
                                                                 "RESUME",
                                                                 "RETENTION",
                                                                 "SECOND",
                                                                 "SECONDS",
                                                                 "SESSION",
                                                                 "SET",
                                                                 "SHOW",
                                                                 "SINK",
                                                                 "SIZE",
                                                                 "SOURCE",
                                                                 "STREAM",
                                                                 "STRING",
                                                                 "STRUCT",
                                                                 "TABLE",
                                                                 "TERMINATE",
                                                                 "TIME",
                                                                 "TIMESTAMP",
                                                                 "TIMEZONE",
                                                                 "TUMBLING",
                                                                 "TYPE",
                                                                 "UNDEFINE",
                                                                 "UNSET",
                                                                 "VALUES",
                                                                 "VARCHAR",
                                                                 "WITHIN"};
static_assert(!kNames.back().empty(), "every terminal has a name");

}  // namespace

std::string_view name_of(Terminal terminal) {
  return kNames[static_cast<size_t>(terminal)];
}

Terminal word_terminal(std::string_view word) {
  for (auto index = static_cast<size_t>(Terminal::kAnd); index < kTerminalCount; ++index) {
    if (equals_ignoring_case(word, kNames[index])) return static_cast<Terminal>(index);
  }
  return Terminal::kName;
}

std::string unquoted(std::string_view text) {
  CHECK(text.size() >= 2);
  std::string out;
  for (size_t at = 1; at + 1 < text.size(); ++at) {
    out.push_back(text[at]);
    if (text[at] == text[0]) ++at;
  }
  return out;
}

}  // namespace meterstream
