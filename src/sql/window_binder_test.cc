// Windows and what EMIT fits them: from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;

Result<Program> compile(const std::string& text) {
  return compile_sql("CREATE STREAM metrics;\n" + text, "f.sql");
}

Program compiled(const std::string& text) {
  auto program = compile(text);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : Program();
}

/// "2:75: message"
std::string error_of(const std::string& text) {
  const auto program = compile(text);
  if (program) return "no error";
  const std::string& message = program.error().message;
  return message.substr(6, message.find('\n') - 6);
}

const std::string kCount = "CREATE TABLE t AS SELECT gateway, COUNT(*) AS n FROM metrics ";

TEST(SessionBinder, KeepsGapGraceAndEmitInTheDefinition) {
  const ViewSpec view =
      compiled(kCount + "WINDOW SESSION (30 MINUTES, RETENTION 1 DAY, GRACE PERIOD 1 HOUR) GROUP BY gateway EMIT FINAL")
          .views.at(0);
  EXPECT_TRUE(view.is_session());
  EXPECT_EQ(view.session_gap_ms, 1'800'000);
  EXPECT_EQ(view.grace_ms, 3'600'000);
  EXPECT_THAT(view.definition(), HasSubstr("\nsession gap 1800000 ms, grace 3600000 ms, emit final\n"));
  const ViewSpec bounds = compiled(kCount + "WINDOW SESSION (1 DAY) GROUP BY gateway EMIT BOUNDS").views.at(0);
  EXPECT_EQ(bounds.emit, EmitMode::kBounds);
  EXPECT_THAT(bounds.definition(), HasSubstr("\nsession gap 86400000 ms, grace 86400000 ms, emit bounds\n"));
  const ViewSpec tumbling =
      compiled(kCount + "WINDOW TUMBLING (SIZE 30 MINUTES, GRACE PERIOD 1 HOUR) GROUP BY gateway").views.at(0);
  EXPECT_FALSE(tumbling.is_session());
}

TEST(SessionBinder, ShowsPlanOperatorsAndDuckDb) {
  const Program program =
      compiled(kCount +
               "WINDOW SESSION (30 MINUTES) GROUP BY gateway; EXPLAIN t;"
               "CREATE TABLE u AS SELECT COUNT(*) FROM metrics WINDOW SESSION (1 HOUR) GROUP BY gateway EMIT "
               "BOUNDS; EXPLAIN u");
  const Explanation& changes = program.explanations.at(0);
  EXPECT_THAT(changes.plan, HasSubstr("WindowAggregate session with gaps up to 30m, grace 1d, by gateway: COUNT(*)"));
  EXPECT_THAT(changes.operators, HasSubstr("sessions with gaps up to 30m, closed 1d30m after their end"));
  EXPECT_TRUE(changes.duckdb);
  const Explanation& bounds = program.explanations.at(1);
  EXPECT_THAT(bounds.plan, HasSubstr("emit bounds"));
  EXPECT_THAT(bounds.operators, HasSubstr("the beginning of each session, without WINDOWEND, and its final result"));
  ASSERT_FALSE(bounds.duckdb);
  EXPECT_THAT(bounds.duckdb.error().message, HasSubstr("no counterpart of EMIT BOUNDS"));
}

TEST(SessionBinder, RefusesWhatHasNoMeaning) {
  EXPECT_EQ(error_of(kCount + "WINDOW SESSION (0 MINUTES) GROUP BY gateway"),
            "2:78: the session's gap must be above 0");
  EXPECT_EQ(error_of(kCount + "WINDOW SESSION (2 DAYS, RETENTION 1 DAY, GRACE PERIOD 0 DAYS) GROUP BY gateway"),
            "2:96: the retention must cover the session's gap and its grace period");
  EXPECT_EQ(error_of(kCount + "WINDOW SESSION (SIZE 1 DAY) GROUP BY gateway").substr(0, 5), "2:78:");
  EXPECT_EQ(error_of(kCount + "WINDOW TUMBLING (SIZE 1 DAY) GROUP BY gateway EMIT BOUNDS"),
            "2:54: EMIT BOUNDS is for sessions: WINDOW SESSION (...) after the source");
  EXPECT_EQ(error_of(kCount + "GROUP BY gateway EMIT BOUNDS").substr(0, 28), "2:54: EMIT BOUNDS is for ses");
  EXPECT_THAT(error_of(kCount + "WINDOW SESSION (1 DAY) GROUP BY gateway HAVING COUNT(*) > 1 EMIT BOUNDS"),
              HasSubstr("HAVING would leave out beginnings or ends of sessions"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics EMIT BOUNDS"),
              HasSubstr("leave EMIT BOUNDS out"));
  EXPECT_THAT(error_of(kCount + "WINDOW SESSION (1 DAY) GROUP BY gateway EMIT FINAL;"
                                "CREATE SINK k WITH (type = 'embedded', topic = 't')"),
              HasSubstr("topic t has no results of windows of one length"));
}

TEST(SessionBinder, BoundsAndSessionAreNamesToo) {
  EXPECT_TRUE(
      compile("CREATE STREAM session (bounds DOUBLE, timestamp TIMESTAMP);"
              "CREATE TABLE x AS SELECT bounds > 1 AS session, COUNT(*) FROM session WINDOW SESSION (1 DAY) "
              "GROUP BY bounds > 1"));
}

TEST(LocalDayBinder, TakesAZoneWithAndWithoutAComma) {
  const auto view_of = [](const std::string& window) {
    return compiled(kCount + "WINDOW TUMBLING (" + window + ", GRACE PERIOD 1 HOUR) GROUP BY gateway").views.at(0);
  };
  const ViewSpec athens = view_of("SIZE 1 DAY, TIMEZONE 'Europe/Athens'");
  EXPECT_EQ(athens.time_zone, "Europe/Athens");
  EXPECT_EQ(athens.definition(), view_of("SIZE 24 HOURS TIMEZONE 'Europe/Athens'").definition());
  EXPECT_THAT(athens.definition(), HasSubstr("\nwindow 86400000 ms, days of 13:Europe/Athens, grace 3600000 ms"));
  EXPECT_EQ(view_of("SIZE 7 DAYS TIMEZONE '+02:00'").time_zone, "+02:00");
  // The same windows, so the same view.
  EXPECT_EQ(view_of("SIZE 1 DAY, TIMEZONE 'UTC'").definition(), view_of("SIZE 1 DAY").definition());
}

TEST(LocalDayBinder, RefusesZonesThatThereAreNotAndPartsOfDays) {
  EXPECT_EQ(error_of(kCount + "WINDOW TUMBLING (SIZE 1 DAY, TIMEZONE 'Europe/Atens') GROUP BY gateway"),
            "2:100: unknown time zone 'Europe/Atens'; it has a name like 'Europe/Athens', or is an offset like "
            "'+02:00'");
  EXPECT_EQ(error_of(kCount + "WINDOW TUMBLING (SIZE 1 HOUR, TIMEZONE 'Europe/Athens') GROUP BY gateway"),
            "2:84: windows with a TIMEZONE are whole days: SIZE 1 DAY");
  EXPECT_EQ(
      error_of(kCount + "WINDOW HOPPING (SIZE 2 DAYS, TIMEZONE 'UTC', ADVANCE BY 1 DAY) GROUP BY gateway").substr(0, 5),
      "2:91:");
}

}  // namespace
}  // namespace meterstream
