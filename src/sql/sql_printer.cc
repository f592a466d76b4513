#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "sql/parser.h"

namespace meterstream {
namespace {

using Kind = ast::Expression::Kind;

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char byte : text) out.append(byte == quote ? 2 : 1, byte);
  out.push_back(quote);
  return out;
}

/// How tightly an expression holds together; a looser one inside a tighter one needs parentheses.
int precedence(const ast::Expression& expression) {
  switch (expression.kind) {
    case Kind::kOr:
      return 1;
    case Kind::kAnd:
      return 2;
    case Kind::kNot:
      return 3;
    case Kind::kComparison:
    case Kind::kBetween:
    case Kind::kIn:
    case Kind::kLike:
    case Kind::kIsNull:
      return 4;
    case Kind::kArithmetic:
      return expression.text == "+" || expression.text == "-" ? 5 : 6;
    case Kind::kNegate:
      return 7;
    default:
      return 8;
  }
}

std::string operand(const ast::Expression& expression, int at_least) {
  const std::string text = to_sql(expression);
  return precedence(expression) < at_least ? "(" + text + ")" : text;
}

std::string list(const std::vector<ast::Expression>& expressions, size_t from, std::string_view separator,
                 int at_least) {
  std::string out;
  for (size_t i = from; i < expressions.size(); ++i) {
    if (i > from) out += separator;
    out += operand(expressions[i], at_least);
  }
  return out;
}

std::string case_text(const ast::Expression& expression) {
  std::string out = "CASE";
  const auto& children = expression.children;
  size_t at = 0;
  if (expression.kind == Kind::kSimpleCase) out += " " + to_sql(children[at++]);
  for (; at + 1 < children.size(); at += 2) {
    out += fmt::format(" WHEN {} THEN {}", to_sql(children[at]), to_sql(children[at + 1]));
  }
  if (expression.has_else) out += " ELSE " + to_sql(children.back());
  return out + " END";
}

std::string_view name_of(ast::TimeUnit unit) {
  switch (unit) {
    case ast::TimeUnit::kMillisecond:
      return "MILLISECONDS";
    case ast::TimeUnit::kSecond:
      return "SECONDS";
    case ast::TimeUnit::kMinute:
      return "MINUTES";
    case ast::TimeUnit::kHour:
      return "HOURS";
    case ast::TimeUnit::kDay:
      return "DAYS";
  }
  return "?";
}

std::string to_text(const ast::TimeLength& length) {
  return fmt::format("{} {}", length.count, name_of(length.unit));
}

std::string to_text(const std::vector<ast::Option>& options) {
  if (options.empty()) return {};
  std::string out;
  for (const ast::Option& option : options) {
    out += fmt::format("{}{} = {}", out.empty() ? " WITH (" : ", ", to_sql(option.name),
                       option.kind == ast::Option::Kind::kString ? sql_string(option.value) : option.value);
  }
  return out + ")";
}

std::string to_text(const ast::CreateStream& stream) {
  std::string columns;
  for (const ast::ColumnDefinition& column : stream.columns) {
    columns +=
        fmt::format("{}\n  {} {}{}", columns.empty() ? "" : ",", to_sql(column.name), meterstream::name_of(column.type),
                    column.primary_key ? " PRIMARY KEY"
                    : column.key       ? " KEY"
                                       : "");
  }
  if (!columns.empty()) columns = " (" + columns + "\n)";
  return fmt::format("CREATE {}{} {}{}{};\n", stream.is_source ? "SOURCE " : "", stream.is_table ? "TABLE" : "STREAM",
                     to_sql(stream.name), columns, to_text(stream.options));
}

std::string to_text(const ast::Within& within) {
  std::string out = within.after ? fmt::format(" WITHIN ({}, {})", to_text(within.before), to_text(*within.after))
                                 : " WITHIN " + to_text(within.before);
  if (within.grace) out += " GRACE PERIOD " + to_text(*within.grace);
  return out;
}

/// SELECT to the semicolon.
std::string select_text(const ast::CreateTable& table) {
  std::string out = "\nSELECT";
  for (size_t i = 0; i < table.items.size(); ++i) {
    const ast::SelectItem& item = table.items[i];
    out += fmt::format("{}\n  {}", i == 0 ? "" : ",", item.star ? "*" : to_sql(item.expression));
    if (item.alias) out += " AS " + to_sql(*item.alias);
  }
  out += "\nFROM " + to_sql(table.source);
  if (table.source_alias) out += " AS " + to_sql(*table.source_alias);
  for (const ast::Join& join : table.joins) {
    const std::string_view kind = join.kind == ast::Join::Kind::kLeft    ? "LEFT "
                                  : join.kind == ast::Join::Kind::kRight ? "RIGHT "
                                  : join.kind == ast::Join::Kind::kFull  ? "FULL "
                                                                         : "";
    out +=
        fmt::format("\n{}JOIN {}{}{} ON {}", kind, to_sql(join.source), join.alias ? " AS " + to_sql(*join.alias) : "",
                    join.within ? to_text(*join.within) : "", to_sql(join.condition));
  }
  if (table.window) {
    constexpr std::string_view kBeginnings[] = {"TUMBLING (SIZE ", "HOPPING (SIZE ", "SESSION ("};
    out +=
        fmt::format("\nWINDOW {}{}", kBeginnings[static_cast<size_t>(table.window->kind)], to_text(table.window->size));
    if (table.window->zone) out += ", TIMEZONE " + sql_string(table.window->zone->name);
    if (table.window->advance) out += ", ADVANCE BY " + to_text(*table.window->advance);
    if (table.window->retention) out += ", RETENTION " + to_text(*table.window->retention);
    if (table.window->grace) out += ", GRACE PERIOD " + to_text(*table.window->grace);
    out += ")";
  }
  if (table.where) out += "\nWHERE " + to_sql(*table.where);
  if (!table.group_by.empty()) out += "\nGROUP BY " + list(table.group_by, 0, ", ", 0);
  if (table.partition_by) out += "\nPARTITION BY " + to_sql(*table.partition_by);
  if (table.having) out += "\nHAVING " + to_sql(*table.having);
  if (table.emit == ast::Emit::kFinal) out += "\nEMIT FINAL";
  if (table.emit == ast::Emit::kChanges) out += "\nEMIT CHANGES";
  if (table.emit == ast::Emit::kBounds) out += "\nEMIT BOUNDS";
  return out + ";\n";
}

std::string to_text(const ast::CreateTable& table) {
  return fmt::format("CREATE {} {}{} AS{}", table.is_stream ? "STREAM" : "TABLE", to_sql(table.name),
                     to_text(table.options), select_text(table));
}

std::string to_text(const ast::InsertQuery& insert) {
  return fmt::format("INSERT INTO {}{}", to_sql(insert.select.name), select_text(insert.select));
}

std::string to_text(const ast::CreateSink& sink) {
  return fmt::format("CREATE SINK {}{};\n", to_sql(sink.name), to_text(sink.options));
}

std::string to_text(const ast::InsertValues& insert) {
  std::string out = "INSERT INTO " + to_sql(insert.target);
  for (size_t i = 0; i < insert.columns.size(); ++i) out += (i == 0 ? " (" : ", ") + to_sql(insert.columns[i]);
  out += insert.columns.empty() ? " VALUES" : ") VALUES";
  for (size_t i = 0; i < insert.rows.size(); ++i)
    out += fmt::format("{}\n  ({})", i == 0 ? "" : ",", list(insert.rows[i], 0, ", ", 0));
  return out + ";\n";
}

std::string to_text(const ast::Explain& explain) {
  return fmt::format("EXPLAIN {};\n", to_sql(explain.target));
}

std::string to_text(const ast::SetOption& option) {
  return fmt::format("SET {} = {};\n", sql_string(option.name), sql_string(option.value));
}

}  // namespace

std::string sql_string(std::string_view text) {
  return doubled(text, '\'');
}

std::string to_sql(const ast::Identifier& identifier) {
  return identifier.quoted ? doubled(identifier.text, '"') : identifier.text;
}

std::string to_sql(const ast::Expression& expression) {
  const auto& children = expression.children;
  const std::string_view negated = expression.negated ? "NOT " : "";
  switch (expression.kind) {
    case Kind::kColumn:
      return (expression.qualifier.text.empty() ? "" : to_sql(expression.qualifier) + ".") + to_sql(expression.name);
    case Kind::kString:
      return sql_string(expression.text);
    case Kind::kInteger:
    case Kind::kDecimal:
    case Kind::kBoolean:
      return expression.text;
    case Kind::kNull:
      return "NULL";
    case Kind::kOr:
      return list(children, 0, " OR ", 2);
    case Kind::kAnd:
      return list(children, 0, " AND ", 3);
    case Kind::kNot:
      return "NOT " + operand(children[0], 3);
    case Kind::kNegate:
      return "-" + operand(children[0], 8);  // never "--", which begins a comment
    case Kind::kComparison:
      return fmt::format("{} {} {}", operand(children[0], 5), expression.text, operand(children[1], 5));
    case Kind::kArithmetic: {
      const int own = precedence(expression);
      return fmt::format("{} {} {}", operand(children[0], own), expression.text, operand(children[1], own + 1));
    }
    case Kind::kBetween:
      return fmt::format("{} {}BETWEEN {} AND {}", operand(children[0], 5), negated, operand(children[1], 5),
                         operand(children[2], 5));
    case Kind::kIn:
      return fmt::format("{} {}IN ({})", operand(children[0], 5), negated, list(children, 1, ", ", 0));
    case Kind::kLike:
      return fmt::format("{} {}LIKE {}", operand(children[0], 5), negated, operand(children[1], 5));
    case Kind::kIsNull:
      return fmt::format("{} IS {}NULL", operand(children[0], 5), negated);
    case Kind::kSearchedCase:
    case Kind::kSimpleCase:
      return case_text(expression);
    case Kind::kCast:
      return fmt::format("CAST({} AS {})", to_sql(children[0]), meterstream::name_of(expression.type));
    case Kind::kCall:
      return fmt::format("{}({})", to_sql(expression.name), expression.star ? "*" : list(children, 0, ", ", 0));
  }
  return {};
}

std::string to_sql(const ast::Script& script) {
  std::string out;
  for (const ast::Statement& statement : script.statements) {
    out += std::visit([](const auto& one) { return to_text(one); }, statement);
  }
  return out;
}

}  // namespace meterstream
