// Random statements: what is printed reads back as the same statement.
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sql/parser.h"

namespace meterstream {
namespace {

using Kind = ast::Expression::Kind;

/// Statements as the parser can give them: the levels of AND, OR and signs are the parser's own.
class StatementGenerator {
 public:
  explicit StatementGenerator(uint64_t seed) : random_(seed) {}

  ast::Script script() {
    ast::Script made;
    for (size_t count = below(4); count > 0; --count) made.statements.push_back(statement());
    return made;
  }

 private:
  size_t below(size_t limit) { return random_() % limit; }
  bool maybe() { return below(2) == 0; }

  std::string text() {
    const std::string kTexts[] = {"", "a", "it's", "\"", "`", "--", "/*", ";", "ä\n\t", "'", "select"};
    std::string made;
    for (size_t count = below(4); count > 0; --count) made += kTexts[below(std::size(kTexts))];
    return made;
  }
  ast::Identifier name() {
    const std::string kPlain[] = {"a",     "Value_1", "metricType", "size", "timestamp", "key",
                                  "count", "hours",   "stream",     "on",   "values"};
    if (below(4) != 0) return {kPlain[below(std::size(kPlain))], false, {}};
    const std::string quoted = text();
    return {quoted.empty() ? "from" : quoted, true, {}};
  }
  ColumnType type() { return static_cast<ColumnType>(below(5)); }

  std::vector<ast::Option> options() {
    std::vector<ast::Option> made;
    for (size_t count = below(4); count > 0; --count) {
      const size_t pick = below(3);
      const std::string kNumbers[] = {"1", "-20", "1.5", "-2e10"};
      ast::Option option{name(), static_cast<ast::Option::Kind>(pick), {}, {}};
      option.value = pick == 0 ? text() : pick == 1 ? kNumbers[below(4)] : maybe() ? "TRUE" : "FALSE";
      made.push_back(std::move(option));
    }
    return made;
  }

  static ast::Expression with(ast::Expression parent, ast::Expression child) {
    parent.depth = std::max<uint16_t>(parent.depth, static_cast<uint16_t>(child.depth + 1));
    parent.children.push_back(std::move(child));
    return parent;
  }
  ast::Expression with_some(ast::Expression parent, size_t count, int depth) {
    for (; count > 0; --count) parent = with(std::move(parent), expression(depth - 1));
    return parent;
  }
  static ast::Expression of(Kind kind, std::string content = {}) {
    ast::Expression made;
    made.kind = kind;
    made.text = std::move(content);
    return made;
  }

  ast::Expression leaf() {
    const std::string kDecimals[] = {"1.5", ".5", "2.", "1e3", "1.25E-7"};
    switch (below(6)) {
      case 0:
        return of(Kind::kString, text());
      case 1:
        return of(Kind::kInteger, std::to_string(below(1000)));
      case 2:
        return of(Kind::kDecimal, kDecimals[below(5)]);
      case 3:
        return of(Kind::kBoolean, maybe() ? "TRUE" : "FALSE");
      case 4:
        return of(Kind::kNull);
      default: {
        ast::Expression column = of(Kind::kColumn);
        column.name = name();
        if (below(3) == 0) column.qualifier = name();
        return column;
      }
    }
  }

  ast::Expression expression(int depth) {
    if (depth <= 0) return leaf();
    const std::string kComparisons[] = {"=", "<>", "<", "<=", ">", ">="};
    const std::string kOperators[] = {"+", "-", "*", "/", "%"};
    ast::Expression made = of(static_cast<Kind>(below(20)));
    made.negated = maybe();
    switch (made.kind) {
      case Kind::kAnd:
      case Kind::kOr:
        made.negated = false;
        return with_some(std::move(made), below(3) + 2, depth);
      case Kind::kNot:
      case Kind::kNegate:
        made.negated = false;
        return with_some(std::move(made), 1, depth);
      case Kind::kComparison:
        made.negated = false;
        made.text = kComparisons[below(6)];
        return with_some(std::move(made), 2, depth);
      case Kind::kArithmetic:
        made.negated = false;
        made.text = kOperators[below(5)];
        return with_some(std::move(made), 2, depth);
      case Kind::kBetween:
        return with_some(std::move(made), 3, depth);
      case Kind::kIn:
        return with_some(std::move(made), below(3) + 2, depth);
      case Kind::kLike:
        return with_some(std::move(made), 2, depth);
      case Kind::kIsNull:
        return with_some(std::move(made), 1, depth);
      case Kind::kSearchedCase:
      case Kind::kSimpleCase:
        made.negated = false;
        made.has_else = maybe();
        return with_some(std::move(made),
                         2 * (below(2) + 1) + (made.has_else ? 1 : 0) + (made.kind == Kind::kSimpleCase ? 1 : 0),
                         depth);
      case Kind::kCast:
        made.negated = false;
        made.type = type();
        return with_some(std::move(made), 1, depth);
      case Kind::kCall:
        made.negated = false;
        made.name = name();
        made.star = below(4) == 0;
        return made.star ? made : with_some(std::move(made), below(3), depth);
      default:
        return leaf();
    }
  }

  ast::TimeLength length() {
    return {static_cast<int64_t>(below(5000)) - 10, static_cast<ast::TimeUnit>(below(5)), {}};
  }

  ast::Statement statement() {
    switch (below(5)) {
      case 0: {
        ast::CreateStream stream{maybe(), maybe(), name(), {}, options()};
        for (size_t count = below(4); count > 0; --count) {
          const size_t key = below(4);
          stream.columns.push_back({name(), type(), key == 0, key == 1, {}});
        }
        return stream;
      }
      case 3:
        if (below(4) == 0) return ast::Explain{name()};
        return insert();
      case 1: {
        ast::CreateSink sink{name(), options()};
        if (sink.options.empty()) sink.options.push_back({name(), ast::Option::Kind::kString, text(), {}});
        return sink;
      }
      case 2:
        return ast::SetOption{text(), text(), {}};
      default: {
        ast::CreateTable made = table();
        if (!made.is_stream || !maybe()) return made;
        made.options.clear();
        return ast::InsertQuery{std::move(made)};
      }
    }
  }

  ast::Statement insert() {
    ast::InsertValues made;
    made.target = name();
    for (size_t count = below(4); count > 0; --count) made.columns.push_back(name());
    for (size_t rows = below(3) + 1; rows > 0; --rows) {
      std::vector<ast::Expression>& row = made.rows.emplace_back();
      for (size_t count = below(3) + 1; count > 0; --count) row.push_back(expression(static_cast<int>(below(3))));
    }
    return made;
  }

  ast::CreateTable table() {
    ast::CreateTable made;
    made.is_stream = maybe();
    made.name = name();
    made.options = options();
    for (size_t count = below(4) + 1; count > 0; --count) {
      ast::SelectItem item;
      item.star = below(5) == 0;
      if (!item.star) {
        item.expression = expression(static_cast<int>(below(5)));
        if (maybe()) item.alias = name();
      }
      made.items.push_back(std::move(item));
    }
    made.source = name();
    if (maybe()) made.source_alias = name();
    for (size_t count = below(3); count > 0; --count) {
      ast::Join join{static_cast<ast::Join::Kind>(below(4)), name(), std::nullopt, std::nullopt, expression(2), {}};
      if (maybe()) join.alias = name();
      if (maybe()) {
        join.within.emplace().before = length();
        if (maybe()) join.within->after = length();
        if (maybe()) join.within->grace = length();
      }
      made.joins.push_back(std::move(join));
    }
    if (maybe()) {
      made.window.emplace();
      made.window->size = length();
      if (maybe()) {
        made.window->kind = ast::Window::Kind::kSession;
      } else if (maybe()) {
        made.window->kind = ast::Window::Kind::kHopping;
        made.window->advance = length();
      } else if (maybe()) {
        made.window->zone = ast::TimeZone{"Europe/Athens", {}};
      }
      if (maybe()) made.window->retention = length();
      if (maybe()) made.window->grace = length();
    }
    if (maybe()) made.where = expression(static_cast<int>(below(5)));
    for (size_t count = below(3); count > 0; --count) made.group_by.push_back(expression(1));
    if (maybe()) made.partition_by = expression(static_cast<int>(below(3)));
    if (maybe()) made.having = expression(static_cast<int>(below(5)));
    made.emit = static_cast<ast::Emit>(below(4));
    return made;
  }

  std::mt19937_64 random_;
};

void check_round_trip(uint64_t seed) {
  const ast::Script script = StatementGenerator(seed).script();
  const std::string text = to_sql(script);
  RC_LOG() << text << "\n";
  const auto parsed = parse_sql(SourceText(text, "random.sql"));
  if (!parsed) RC_FAIL(parsed.error().message);
  RC_ASSERT(to_sql(*parsed) == text);
  RC_ASSERT(*parsed == script);
}

RC_GTEST_PROP(SqlRoundTrip, PrintedStatementsReadBackTheSame, (uint64_t seed)) {
  constexpr uint64_t kRounds = 20;
  for (uint64_t round = 0; round < kRounds; ++round) check_round_trip(seed * kRounds + round);
}

}  // namespace
}  // namespace meterstream
