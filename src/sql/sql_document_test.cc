// What docs/sql.md and examples/ show compiles.
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "sql/expression_binder.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

/// A file of the checkout this test was built from.
std::string file_of_checkout(const std::string& path) {
  const std::string source = __FILE__;
  const std::string root = source.substr(0, source.rfind("src/sql/"));
  std::ifstream file(root + path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST(SqlDocument, EveryBlockCompiles) {
  const std::string document = file_of_checkout("docs/sql.md");
  constexpr std::string_view kOpening = "```sql\n";
  int blocks = 0;
  for (size_t at = document.find(kOpening); at != std::string::npos; at = document.find(kOpening, at)) {
    at += kOpening.size();
    const std::string block = document.substr(at, document.find("```", at) - at);
    const auto program = compile_sql(block, "docs/sql.md");
    EXPECT_TRUE(program) << program.error().message;
    ++blocks;
  }
  EXPECT_GE(blocks, 6);
}

/// The rows of the table of functions, each a line's cells without their back quotes.
std::vector<std::vector<std::string>> function_rows() {
  std::stringstream document(file_of_checkout("docs/sql.md"));
  std::vector<std::vector<std::string>> rows;
  bool is_inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("## ")) is_inside = line == "## Functions";
    if (!is_inside || !line.starts_with("| `")) continue;
    std::vector<std::string>& cells = rows.emplace_back();
    std::stringstream rest(line.substr(1));
    for (std::string cell; std::getline(rest, cell, '|');) {
      std::erase(cell, '`');
      cells.push_back(cell.substr(1, cell.size() - 2));
    }
  }
  return rows;
}

TEST(SqlDocument, EveryExampleOfAFunctionIsWhatTheTableSays) {
  for (const std::vector<std::string>& row : function_rows()) {
    ASSERT_EQ(row.size(), 4U) << row[0];
    const std::string expected = row[3] == "NULL" ? " IS NULL" : " = " + row[3];
    const auto program = compile_sql(
        "CREATE STREAM metrics; CREATE TABLE t AS SELECT gateway, COUNT(*) AS n FROM metrics "
        "WINDOW TUMBLING (SIZE 1 MINUTE) WHERE " +
            row[2] + expected + " GROUP BY gateway;",
        "docs/sql.md");
    ASSERT_TRUE(program) << program.error().message;
    ColumnBatch batch;
    batch.rows = 1;
    int64_t faults = 0;
    const Column holds = evaluate(*program->views[0].filter, batch, faults);
    EXPECT_TRUE(!holds.is_null(0) && holds.integers[0] != 0) << row[2] << expected;
    EXPECT_EQ(faults, row[3] == "NULL" && row[2].starts_with("SQRT") ? 1 : 0) << row[2];
  }
}

TEST(SqlDocument, TheTableOfFunctionsHasAllOfThemAndNoOthers) {
  std::set<std::string> listed;
  for (const std::vector<std::string>& row : function_rows()) listed.insert(row[0].substr(0, row[0].find('(')));
  const std::vector<std::string_view> names = scalar_function_names();
  EXPECT_EQ(listed, std::set<std::string>(names.begin(), names.end()));
}

TEST(SqlDocument, TheAggregatesExampleIsThreeViewsInThreeTables) {
  const auto program = compile_sql(file_of_checkout("examples/aggregates.sql"), "examples/aggregates.sql");
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->views.size(), 3u);
  ASSERT_EQ(program->sinks.size(), 3u);
  const int64_t seconds[] = {60, 3'600, 86'400};
  const std::string buckets[] = {"days", "months", ""};
  for (size_t i = 0; i < 3; ++i) {
    const ViewSpec& view = program->views[i];
    EXPECT_EQ(view.window_size_ms, seconds[i] * 1'000);
    EXPECT_EQ(view.grace_ms, 300'000);
    EXPECT_EQ(view.source, program->streams[0]);
    EXPECT_EQ(view.topic, "metrics-aggregates-" + std::to_string(seconds[i]));
    EXPECT_EQ(program->sinks[i].topic, view.topic);
    EXPECT_EQ(program->sinks[i].table, "metrics_aggregates_" + std::to_string(seconds[i]));
    EXPECT_EQ(program->sinks[i].bucket, buckets[i]);
  }
}

}  // namespace
}  // namespace meterstream
