#include "sql/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using ::testing::HasSubstr;

Result<ParsedStatement> parse(std::string_view text, const std::map<std::string, std::string>& variables = {}) {
  const std::vector<StatementPart> parts = split_statements(text);
  if (parts.size() != 1) return invalid("not one statement");
  return parse_statement(parts.front(), "t", variables);
}

template <class Command>
Command command(std::string_view text) {
  auto parsed = parse(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  if (!parsed || !std::holds_alternative<Command>(parsed->command)) {
    ADD_FAILURE() << text << " is another statement";
    return {};
  }
  return std::get<Command>(std::move(parsed->command));
}

std::string error(std::string_view text) {
  auto parsed = parse(text);
  return parsed ? "no error" : parsed.error().message;
}

TEST(Statements, AreSplitAtSemicolonsOutsideOfQuotesAndComments) {
  const std::string text = "LIST STREAMS; -- one; two\nPRINT 'a;''b' /* ; */ ;; \"x;\" `y;`\n  SELECT";
  const auto parts = split_statements(text);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].text, "LIST STREAMS");
  EXPECT_TRUE(parts[0].is_complete);
  EXPECT_EQ(parts[1].text, "PRINT 'a;''b' /* ; */ ");
  EXPECT_EQ(parts[1].first_line, 2U);
  EXPECT_FALSE(parts[2].is_complete);
  EXPECT_TRUE(split_statements(" -- nothing\n ; /* no */").empty());
}

TEST(Statements, QueriesHaveAnEmitAndALimit) {
  const auto query = command<ast::Query>("SELECT a, b AS c FROM t WHERE a = 'x' EMIT CHANGES LIMIT 7;");
  EXPECT_EQ(query.limit, 7);
  EXPECT_EQ(query.select.emit, ast::Emit::kChanges);
  EXPECT_EQ(query.select.source.text, "t");
  EXPECT_EQ(query.select.items.size(), 2U);
  EXPECT_EQ(command<ast::Query>("SELECT * FROM t").limit, std::nullopt);
}

TEST(Statements, PlacesInQueriesAreThoseOfTheText) {
  const auto parsed = parse("  SELECT nothing\n FROM t");
  ASSERT_TRUE(parsed);
  const auto& query = std::get<ast::Query>(parsed->command);
  EXPECT_THAT(parsed->source().error_at(query.select.items[0].expression.position.offset, "here").message,
              HasSubstr("t:1:10: here"));
  EXPECT_THAT(parsed->source().error_at(query.select.source.position.offset, "here").message, HasSubstr("t:2:7: here"));
  EXPECT_THAT(error("SELECT a\nFROM FROM t"), HasSubstr("t:2:6: expected a name"));
}

TEST(Statements, CreateKnowsReplaceAndIfNotExists) {
  const auto plain =
      command<ast::CreateSource>("CREATE STREAM s (a VARCHAR, t TIMESTAMP) WITH (value_format = 'JSON');");
  EXPECT_FALSE(plain.or_replace || plain.if_not_exists);
  const auto replaced =
      command<ast::CreateSource>("create or replace stream s (a VARCHAR, t TIMESTAMP) WITH (value_format = 'JSON')");
  EXPECT_TRUE(replaced.or_replace);
  EXPECT_EQ(replaced.name.text, "s");
  EXPECT_TRUE(replaced.definition == plain.definition);
  EXPECT_TRUE(command<ast::CreateSource>("CREATE TABLE IF NOT EXISTS t AS SELECT COUNT(*) AS n FROM s GROUP BY a")
                  .if_not_exists);
  EXPECT_THAT(error("CREATE OR REPLACED STREAM s"), HasSubstr("expected REPLACE"));
  EXPECT_THAT(error("CREATE STREAM IF EXISTS s"), HasSubstr("expected NOT"));
}

TEST(Statements, TheRestIsReadAsWritten) {
  const auto drop = command<ast::DropSource>("DROP TABLE IF EXISTS \"My Table\" DELETE TOPIC");
  EXPECT_TRUE(drop.if_exists && drop.deletes_topic && drop.name.quoted);
  EXPECT_EQ(drop.name.text, "My Table");
  EXPECT_EQ(command<ast::ControlQuery>("TERMINATE ALL").id, "");
  EXPECT_EQ(command<ast::ControlQuery>("PAUSE CTAS_T_5").id, "CTAS_T_5");
  EXPECT_EQ(command<ast::ListObjects>("SHOW ALL TOPICS").what, ast::ListObjects::What::kTopics);
  EXPECT_TRUE(command<ast::ListObjects>("LIST STREAMS EXTENDED").extended);
  EXPECT_TRUE(command<ast::Describe>("DESCRIBE EXTENDED t").extended);
  EXPECT_TRUE(command<ast::Describe>("DESCRIBE t EXTENDED").extended);
  EXPECT_EQ(command<ast::Describe>("DESCRIBE extended").name.text, "extended");
  EXPECT_TRUE(command<ast::ExplainQuery>("EXPLAIN SELECT * FROM t LIMIT 2").query.has_value());
  const auto print = command<ast::PrintTopic>("PRINT 'a-b' FROM BEGINNING INTERVAL 3 LIMIT 2");
  EXPECT_EQ(print.topic, "a-b");
  EXPECT_TRUE(print.from_beginning);
  EXPECT_EQ(print.interval, 3);
  EXPECT_EQ(print.limit, 2);
  EXPECT_EQ(command<ast::SetProperty>("SET 'a' = 'b'").value, "b");
  EXPECT_EQ(command<ast::SetProperty>("UNSET 'a'").value, std::nullopt);
  EXPECT_EQ(command<ast::DefineVariable>("DEFINE v = '1'").value, "1");
  EXPECT_EQ(command<ast::DefineVariable>("UNDEFINE v").name, "v");
}

TEST(Statements, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_THAT(error("DROP VIEW x"), HasSubstr("t:1:6: expected STREAM, TABLE or SINK, found 'VIEW'"));
  EXPECT_THAT(error("SHWO STREAMS"), HasSubstr("expected SHOW"));
  EXPECT_THAT(error("LIST STREAMS now"), HasSubstr("t:1:14: expected the end of the statement"));
  EXPECT_THAT(error("PRINT t LIMIT 0"), HasSubstr("1 or more"));
  EXPECT_THAT(error("SELECT * FROM t LIMIT 99999999999999999999"), HasSubstr("1 or more"));
  EXPECT_THAT(error("DROP TABLE"), HasSubstr("found the end of the statement"));
}

TEST(Statements, VariablesAreReplacedEverywhere) {
  const auto parsed = parse("PRINT '${Topic}' LIMIT ${n}", {{"topic", "metrics"}, {"n", "4"}});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), "PRINT 'metrics' LIMIT 4");
  const auto second = parse("DROP STREAM ${name}", {{"name", "a; DROP STREAM b"}});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("a variable's value ends the statement here"));
  const auto unknown = parse("PRINT '${other}'");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("'other' is not defined"));
}

}  // namespace
}  // namespace meterstream
