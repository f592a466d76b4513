// What docs/sql.md and examples/ show compiles.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

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

TEST(SqlDocument, TheAggregatesExampleIsThreeViewsInThreeTables) {
  const auto program = compile_sql(file_of_checkout("examples/aggregates.sql"), "examples/aggregates.sql");
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->views.size(), 3u);
  ASSERT_EQ(program->sinks.size(), 3u);
  const int64_t kSeconds[] = {60, 3'600, 86'400};
  const std::string kBuckets[] = {"days", "months", ""};
  for (size_t i = 0; i < 3; ++i) {
    const ViewSpec& view = program->views[i];
    EXPECT_EQ(view.window_size_ms, kSeconds[i] * 1'000);
    EXPECT_EQ(view.grace_ms, 300'000);
    EXPECT_EQ(view.source, program->streams[0]);
    EXPECT_EQ(view.topic, "metrics-aggregates-" + std::to_string(kSeconds[i]));
    EXPECT_EQ(program->sinks[i].topic, view.topic);
    EXPECT_EQ(program->sinks[i].table, "metrics_aggregates_" + std::to_string(kSeconds[i]));
    EXPECT_EQ(program->sinks[i].bucket, kBuckets[i]);
  }
}

}  // namespace
}  // namespace meterstream
