#include "server/rest_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(RestRequest, ReadsStatementsAndSettings) {
  const auto request = parse_rest_statements(
      R"({"ksql":"LIST \u0053TREAMS;","streamsProperties":{"a":"b","n":5,"t":true},"sessionVariables":{"v":"w"},"commandSequenceNumber":7})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->sql, "LIST STREAMS;");
  EXPECT_THAT(request->properties.properties, ElementsAre(Pair("a", "b"), Pair("n", "5"), Pair("t", "true")));
  EXPECT_THAT(request->properties.variables, ElementsAre(Pair("v", "w")));
  EXPECT_EQ(parse_rest_statements(R"({"sql":"x","properties":null,"other":[1]})")->sql, "x");
}

TEST(RestRequest, SaysWhatIsWrong) {
  EXPECT_THAT(parse_rest_statements("").error().message, HasSubstr("not a JSON object"));
  EXPECT_THAT(parse_rest_statements("[]").error().message, HasSubstr("not a JSON object"));
  EXPECT_THAT(parse_rest_statements("{}").error().message, HasSubstr("no statements"));
  EXPECT_THAT(parse_rest_statements(R"({"ksql":1})").error().message, HasSubstr("\"ksql\" must be a text"));
  EXPECT_THAT(parse_rest_statements(R"({"ksql":"","streamsProperties":{"a":[]}})").error().message,
              HasSubstr("property \"a\""));
  EXPECT_THAT(parse_rest_statements(R"({"ksql":"","commandSequenceNumber":"x"})").error().message,
              HasSubstr("whole number"));
  EXPECT_THAT(parse_query_id(R"({"query":"x"})").error().message, HasSubstr("\"queryId\""));
  EXPECT_THAT(parse_insert_target(R"({"x":1})").error().message, HasSubstr("target"));
}

TEST(RestRequest, ReadsRowsWithTheirTypes) {
  const auto row = parse_insert_row(R"({"a":null,"b":true,"c":-5,"d":2.5,"e":"\u00e9","f":1e3})");
  ASSERT_TRUE(row);
  EXPECT_THAT(*row, ElementsAre(Pair("a", QueryValue()), Pair("b", QueryValue(true)),
                                Pair("c", QueryValue(int64_t{-5})), Pair("d", QueryValue(2.5)),
                                Pair("e", QueryValue(std::string("é"))), Pair("f", QueryValue(1000.0))));
  EXPECT_THAT(parse_insert_row(R"({"a":[1]})").error().message, HasSubstr("column a: arrays"));
  EXPECT_THAT(parse_insert_row(R"({"a":18446744073709551615})").error().message, HasSubstr("beyond BIGINT"));
}

TEST(RestRequest, KnowsQueries) {
  EXPECT_TRUE(is_query("select * from a;"));
  EXPECT_TRUE(is_query("PRINT'a'"));
  EXPECT_FALSE(is_query("SELECTED;"));
  EXPECT_FALSE(is_query("CREATE STREAM a AS SELECT * FROM b;"));
  EXPECT_FALSE(is_query("SELECT"));
}

}  // namespace
}  // namespace meterstream
