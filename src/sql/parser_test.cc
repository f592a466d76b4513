#include "sql/parser.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

std::string error_of(std::string_view text) {
  const auto script = parse_sql(SourceText(text, "flows.sql"));
  return script ? "no error" : script.error().message;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// The condition of a table, printed as SQL again.
std::string condition(const std::string& text) {
  const std::string file = "CREATE TABLE t AS SELECT a FROM s WHERE " + text + ";";
  const auto script = parse_sql(SourceText(file, "flows.sql"));
  if (!script) return script.error().message;
  return to_sql(*std::get<ast::CreateTable>(script->statements[0]).where);
}

TEST(Parser, ReadsAStreamWithColumnsAndOptions) {
  const std::string text =
      "create stream `odd ``name` (a int, b BIGINT KEY, \"c\" string) with (topic = 'it''s', partitions = -3, x = "
      "true)";
  const auto script = parse_sql(SourceText(text, "flows.sql"));
  ASSERT_TRUE(script) << script.error().message;
  const auto& stream = std::get<ast::CreateStream>(script->statements.at(0));
  EXPECT_EQ(stream.name, (ast::Identifier{"odd `name", true, {}}));
  ASSERT_EQ(stream.columns.size(), 3u);
  EXPECT_EQ(stream.columns[0].type, ColumnType::kBigint);
  EXPECT_TRUE(stream.columns[1].key);
  EXPECT_EQ(stream.columns[2].name, (ast::Identifier{"c", true, {}}));
  EXPECT_EQ(stream.columns[2].type, ColumnType::kVarchar);
  ASSERT_EQ(stream.options.size(), 3u);
  EXPECT_EQ(stream.options[0].value, "it's");
  EXPECT_EQ(stream.options[1].value, "-3");
  EXPECT_EQ(stream.options[2].kind, ast::Option::Kind::kBoolean);
}

TEST(Parser, ReadsATableWithEveryClause) {
  const std::string text =
      "CREATE TABLE t WITH (partitions = 2) AS SELECT WINDOWSTART AS min, COUNT(*) n, MAX(m.value + 1) FROM metrics AS "
      "m\n"
      "WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 2 DAYS, GRACE PERIOD 5 MINUTES) WHERE NOT a = 1\n"
      "GROUP BY gateway, metricType EMIT FINAL;";
  const auto script = parse_sql(SourceText(text, "flows.sql"));
  ASSERT_TRUE(script) << script.error().message;
  const auto& table = std::get<ast::CreateTable>(script->statements.at(0));
  ASSERT_EQ(table.items.size(), 3u);
  EXPECT_EQ(table.items[0].alias->text, "min");
  EXPECT_TRUE(table.items[1].expression.star);
  EXPECT_EQ(table.items[1].alias->text, "n");
  EXPECT_FALSE(table.items[2].alias);
  EXPECT_EQ(table.source.text, "metrics");
  EXPECT_EQ(table.source_alias->text, "m");
  EXPECT_EQ(table.window->size, (ast::TimeLength{1, ast::TimeUnit::kHour, {}}));
  EXPECT_EQ(table.window->retention, (ast::TimeLength{2, ast::TimeUnit::kDay, {}}));
  EXPECT_EQ(table.window->grace, (ast::TimeLength{5, ast::TimeUnit::kMinute, {}}));
  EXPECT_EQ(table.where->kind, ast::Expression::Kind::kNot);
  EXPECT_EQ(table.group_by.size(), 2u);
  EXPECT_EQ(table.emit, ast::Emit::kFinal);
}

TEST(Parser, TakesHoppingWindows) {
  const auto script =
      parse_sql(SourceText("CREATE TABLE t AS SELECT advance FROM hopping WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 "
                           "MINUTES, RETENTION 2 DAYS, "
                           "GRACE PERIOD 1 DAY)",
                           "f"));
  ASSERT_TRUE(script) << script.error().message;
  const auto& window = std::get<ast::CreateTable>(script->statements.at(0)).window;
  EXPECT_EQ(window->kind, ast::Window::Kind::kHopping);
  EXPECT_EQ(window->size, (ast::TimeLength{1, ast::TimeUnit::kHour, {}}));
  EXPECT_EQ(window->advance, (ast::TimeLength{5, ast::TimeUnit::kMinute, {}}));
  EXPECT_EQ(window->retention, (ast::TimeLength{2, ast::TimeUnit::kDay, {}}));
  EXPECT_EQ(window->grace, (ast::TimeLength{1, ast::TimeUnit::kDay, {}}));
}

TEST(ParserError, SaysThatAHoppingWindowNeedsItsAdvance) {
  const std::string from = "CREATE TABLE t AS SELECT a FROM s WINDOW ";
  EXPECT_EQ(first_line(error_of(from + "HOPPING (SIZE 1 HOUR)")), "flows.sql:1:62: expected ',', found ')'");
  EXPECT_EQ(first_line(error_of(from + "HOPPING (SIZE 1 HOUR, GRACE PERIOD 1 DAY)")),
            "flows.sql:1:64: expected ADVANCE, found 'GRACE'");
  EXPECT_EQ(first_line(error_of(from + "HOPPING (SIZE 1 HOUR, ADVANCE 1 DAY)")),
            "flows.sql:1:72: expected BY, found '1'");
  EXPECT_EQ(first_line(error_of(from + "TUMBLING (SIZE 1 HOUR, ADVANCE BY 1 DAY)")).substr(0, 16), "flows.sql:1:65: ");
}

TEST(Parser, TakesWhereBeforeAndAfterWindow) {
  const auto one = parse_sql(SourceText("CREATE TABLE t AS SELECT a FROM s WHERE x WINDOW TUMBLING (SIZE 1 DAY)", "f"));
  const auto other =
      parse_sql(SourceText("CREATE TABLE t AS SELECT a FROM s WINDOW TUMBLING (SIZE 1 DAYS) WHERE x;", "f"));
  ASSERT_TRUE(one && other);
  EXPECT_EQ(*one, *other);
}

TEST(Parser, LetsFunctionNamesAndOurOtherWordsBeNames) {
  const std::string text =
      "CREATE STREAM stream (key INT, timestamp TIMESTAMP, size INT, min INT, count INT, hours INT); "
      "CREATE TABLE final AS SELECT MIN(min) AS min, size, stream.key FROM stream GROUP BY size";
  const auto script = parse_sql(SourceText(text, "flows.sql"));
  EXPECT_TRUE(script) << script.error().message;
}

TEST(Parser, BindsOperatorsAsSqlDoes) {
  EXPECT_EQ(condition("a or b and not c = 1 + 2 * -d"), "a OR b AND NOT c = 1 + 2 * -d");
  EXPECT_EQ(condition("((a + b)) * c - (d - e)"), "(a + b) * c - (d - e)");
  EXPECT_EQ(condition("(a - b) - c"), "a - b - c");
  EXPECT_EQ(condition("not not a"), "NOT NOT a");
  EXPECT_EQ(condition("- - a"), "-(-a)");
  EXPECT_EQ(condition("a != 1"), "a <> 1");
  EXPECT_EQ(condition("a between 1 and 2 and b"), "a BETWEEN 1 AND 2 AND b");
  EXPECT_EQ(condition("a not in (1, 'x''y') or b is not null"), "a NOT IN (1, 'x''y') OR b IS NOT NULL");
  EXPECT_EQ(condition("(a = 1) = true"), "(a = 1) = TRUE");
  EXPECT_EQ(condition("case a when 1 then 'x' end like '%'"), "CASE a WHEN 1 THEN 'x' END LIKE '%'");
  EXPECT_EQ(condition("case when a then 1.5e3 else .5 end > cast(b as int)"),
            "CASE WHEN a THEN 1.5e3 ELSE .5 END > CAST(b AS BIGINT)");
}

TEST(Parser, SkipsCommentsAndEmptyStatements) {
  const auto script = parse_sql(SourceText("\xef\xbb\xbf-- one; two\n;; /* SET 'a'\n = */ SET 'k'='v' -- end", "f"));
  ASSERT_TRUE(script) << script.error().message;
  EXPECT_EQ(std::get<ast::SetOption>(script->statements.at(0)).value, "v");
  EXPECT_TRUE(parse_sql(SourceText("", "f")));
}

TEST(ParserError, ShowsPlaceExpectationLineAndCaret) {
  EXPECT_EQ(error_of("SET 'a' = 'b';\nCREATE TABLE t AS\n  SELECT * FORM metrics;"),
            "flows.sql:3:12: expected FROM, found 'FORM'\n    SELECT * FORM metrics;\n             ^");
  EXPECT_EQ(error_of("\tSET 'ä' 5"), "flows.sql:1:10: expected '=', found '5'\n  \tSET 'ä' 5\n  \t        ^");
}

TEST(ParserError, NamesTheMisspelledKeyword) {
  EXPECT_EQ(first_line(error_of("CREAT STREAM a;")), "flows.sql:1:1: expected CREATE, found 'CREAT'");
  EXPECT_EQ(first_line(error_of("CREATE TABLE t AS SELECT a AS b FROM s GROPU BY a")),
            "flows.sql:1:40: expected GROUP, found 'GROPU'");
  EXPECT_EQ(first_line(error_of("CREATE TABLE t AS SELECT a FROM s WINDOW TUMBLING (SIZE 1 HOUR, GRASE PERIOD 1 DAY)")),
            "flows.sql:1:65: expected GRACE, found 'GRASE'");
}

TEST(ParserError, TellsWhatWasExpectedAtTheFurthestPlace) {
  EXPECT_EQ(first_line(error_of("CREATE STREAM a (x INT")), "flows.sql:1:23: expected ')', found the end of the file");
  EXPECT_EQ(first_line(error_of("CREATE STREAM from (x INT)")),
            "flows.sql:1:15: expected a name, found 'from' (a reserved word; quote it to use it as a name)");
  EXPECT_EQ(first_line(error_of("CREATE TABLE t AS SELECT a FROM s WHERE a >")),
            "flows.sql:1:44: expected an expression, found the end of the file");
  EXPECT_EQ(first_line(error_of("SET 'a' = 'b' SET 'c' = 'd'")), "flows.sql:1:15: expected ';', found 'SET'");
}

TEST(ParserError, SaysWhatIsWrongWithCharacters) {
  EXPECT_EQ(first_line(error_of("SET 'a' = 'b")),
            "flows.sql:1:11: this string has no closing ' (a ' inside a string is written '')");
  EXPECT_EQ(first_line(error_of("SET \"a")), "flows.sql:1:5: this quoted name has no closing quote");
  EXPECT_EQ(first_line(error_of("/* never")), "flows.sql:1:1: this comment has no closing */");
  EXPECT_EQ(first_line(error_of("SET ?")), "flows.sql:1:5: unexpected character '?'");
  EXPECT_EQ(first_line(error_of(std::string_view("SET \0", 5))), "flows.sql:1:5: unexpected character '\\x00'");
  EXPECT_EQ(first_line(error_of("CREATE SINK `` WITH (a = 1)")), "flows.sql:1:13: a quoted name cannot be empty");
  EXPECT_NE(error_of("CREATE TABLE t AS SELECT 1a FROM s").find("a number ends before a letter"), std::string::npos);
}

TEST(ParserError, SaysHonestlyWhatIsNotSupportedYet) {
  const std::pair<std::string, std::string> kCases[] = {
      {"CREATE OR REPLACE STREAM a (x INT)", "1:8: not supported yet: CREATE OR REPLACE"},
      {"CREATE STREAM IF NOT EXISTS a (x INT)", "1:15: not supported yet: IF NOT EXISTS"},
      {"CREATE STREAM a AS SELECT DISTINCT b FROM c", "1:27: not supported yet: DISTINCT"},
      {"CREATE STREAM a (x ARRAY<INT>)", ""},
      {"INSERT INTO a (b) SELECT b FROM c",
       "1:19: not supported yet: columns before the SELECT of an INSERT (name its results by AS)"},
      {"DROP STREAM a", "1:1: not supported yet: DROP"},
      {"SELECT * FROM a", "1:1: not supported yet: a query outside CREATE TABLE"},
      {"CREATE TABLE t AS SELECT a FROM b, c", "1:34: not supported yet: more than one source in FROM"},
      {"CREATE TABLE t AS SELECT COUNT(DISTINCT a) FROM b", "1:32: not supported yet: DISTINCT"},
      {"CREATE TABLE t AS SELECT a FROM b EMIT FINAL LIMIT 3", "1:46: not supported yet: LIMIT"},
      {"SHOW STREAMS", "1:1: not supported yet: SHOW and LIST"},
  };
  for (const auto& [text, expected] : kCases) {
    if (expected.empty()) {
      EXPECT_NE(error_of(text), "no error") << text;
    } else {
      EXPECT_EQ(first_line(error_of(text)), "flows.sql:" + expected) << text;
    }
  }
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ParserError, RefusesDeepNestingOfEveryKindWithoutExhaustingTheStack) {
  constexpr int kMany = 100'000;
  const std::string kCases[] = {repeated("(", kMany),          repeated("(", kMany) + "a" + repeated(")", kMany),
                                repeated("NOT ", kMany) + "a", repeated("- ", kMany) + "a",
                                "a" + repeated(" + 1", kMany), "a" + repeated(" * 1", kMany),
                                repeated("CASE WHEN ", kMany), repeated("CASE a WHEN 1 THEN ", kMany),
                                repeated("f(", kMany),         repeated("CAST(", kMany),
                                repeated("a IN (", kMany)};
  for (const std::string& text : kCases) {
    EXPECT_NE(condition(text).find("nested more than 200 levels deep"), std::string::npos) << text.substr(0, 20);
  }
}

TEST(Parser, TakesNestingUpToTheLimitAndLongFlatConditions) {
  const std::string nested = repeated("(", 190) + "a" + repeated(")", 190);
  EXPECT_EQ(condition(nested), "a");
  const std::string flat = "a = 1" + repeated(" OR a = 1", 5000);
  EXPECT_EQ(condition(flat), flat);
}

}  // namespace
}  // namespace meterstream
