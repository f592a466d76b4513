#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& condition) {
  const auto program = compile_sql(
      "CREATE STREAM metrics;\nCREATE TABLE t AS SELECT gateway, COUNT(*) AS n FROM metrics "
      "WINDOW TUMBLING (SIZE 1 MINUTE) WHERE\n" +
          condition + "\nGROUP BY gateway;",
      "f.sql");
  return program ? "" : program.error().message;
}

TEST(FunctionBinder, NamesWhatAFunctionTakesAndItsPlace) {
  EXPECT_THAT(error_of("ABS(gateway) = 1"),
              HasSubstr("f.sql:3:1: ABS does not take (VARCHAR); it is ABS(BIGINT) or ABS(DOUBLE)"));
  EXPECT_THAT(error_of("LEN() = 1"), HasSubstr("LEN does not take (); it is LEN(VARCHAR)"));
  EXPECT_THAT(error_of("CONCAT() = 'x'"), HasSubstr("it is CONCAT(VARCHAR, ...)"));
  EXPECT_THAT(error_of("ABS(*) = 1"), HasSubstr("ABS(*) has no meaning"));
}

TEST(FunctionBinder, ProposesTheNearestName) {
  EXPECT_THAT(error_of("SUBSTRNG(gateway, 1) = 'a'"), HasSubstr("did you mean SUBSTRING?"));
}

TEST(FunctionBinder, TellsWhatIsWrongInEveryRowBeforeTheFirst) {
  EXPECT_THAT(error_of("HOUR(timestamp, 'Europe/Atlantis') = 1"),
              HasSubstr("f.sql:3:17: there is no time zone 'Europe/Atlantis'"));
  EXPECT_THAT(error_of("FORMAT_TIMESTAMP(timestamp, 'qq') = ''"), HasSubstr("'qq' is no pattern of a time"));
  EXPECT_EQ(error_of("HOUR(timestamp, gateway) = 1"), "");
  EXPECT_THAT(error_of("EXTRACTJSONFIELD(gateway, 'a.b') = ''"), HasSubstr("f.sql:3:27: 'a.b' is no path into JSON"));
  EXPECT_EQ(error_of("EXTRACTJSONFIELD(gateway, metricType) = ''"), "");
}

TEST(FunctionBinder, NeedsOneTypeForCoalesce) {
  EXPECT_THAT(error_of("COALESCE(value, gateway) = 1"), HasSubstr("this is VARCHAR, and what came before it DOUBLE"));
  EXPECT_THAT(error_of("IFNULL(value) = 1"), HasSubstr("takes two arguments, not 1"));
  EXPECT_EQ(error_of("COALESCE(NULL, 1, value) = 1"), "");
  EXPECT_EQ(error_of("NULLIF(value, 0) > 1"), "");
}

TEST(FunctionBinder, NamesIgnoreCaseAndNestedCallsDoNotGrowWithoutBound) {
  EXPECT_EQ(error_of("abs(Round(value)) = 1"), "");
  std::string nested = "value";
  for (int depth = 0; depth < 60; ++depth) nested = std::string("COALESCE(").append(nested).append(", 1)");
  EXPECT_THAT(error_of(nested + " = 1"), HasSubstr("too large"));
}

}  // namespace
}  // namespace meterstream
