#include <gtest/gtest.h>

#include "apps/program_run.h"

namespace meterstream {
namespace {

std::string summary_text(const ProgramSummary& summary, int width) {
  const Configuration configuration;
  const ManualClock clock{IngestTime(0)};
  Terminal terminal;
  terminal.interactive = true;
  terminal.width = width;
  const CommandContext context{
      .configuration = configuration, .output = terminal, .errors = terminal, .clock = clock, .given_globals = ""};
  testing::internal::CaptureStdout();
  print_summary(summary, context);
  std::fflush(stdout);
  return testing::internal::GetCapturedStdout();
}

ViewSummary view_of(const std::string& name, int64_t late) {
  ViewAccounting accounting;
  accounting.read = 5'709'000;
  accounting.late = late;
  accounting.duplicate = 5'752;
  accounting.rejected = 120;
  accounting.conflicts = 120;
  accounting.aggregated = accounting.read - late - 5'752 - 120;
  accounting.results = accounting.aggregated;
  return {name, "topic", accounting};
}

TEST(ProgramSummary, FitsANarrowTerminalAndTellsViewsApart) {
  ProgramSummary summary;
  for (const char* name : {"metrics_aggregates_60", "metrics_aggregates_3600", "metrics_aggregates_86400"}) {
    summary.views.push_back(view_of(name, 4'589));
  }
  const std::string narrow = summary_text(summary, 80);
  const std::string table = narrow.substr(0, narrow.find("read ="));
  for (size_t start = 0; start < table.size();) {
    const size_t end = table.find('\n', start);
    EXPECT_LE(display_width(std::string_view(table).substr(start, end - start)), 80U) << table;
    start = end + 1;
  }
  for (const char* ending : {"_60 ", "_3600 ", "_86400 "}) EXPECT_NE(table.find(ending), std::string::npos) << table;
  EXPECT_EQ(table.find("filtered"), std::string::npos) << "it is 0 everywhere\n" << table;
  const std::string wide = summary_text(summary, 130);
  EXPECT_NE(wide.find("metrics_aggregates_86400 "), std::string::npos) << wide;
  EXPECT_NE(wide.find("filtered"), std::string::npos) << wide;
}

TEST(ProgramSummary, RemarksOnWhatTheTableHasNoRoomFor) {
  ProgramSummary summary;
  summary.views = {view_of("fine", 10), view_of("late", 2'000'000)};
  const std::string text = summary_text(summary, 130);
  EXPECT_NE(text.find("every view: 120 of the rejected were repeats"), std::string::npos) << text;
  EXPECT_NE(text.find("late: 35.0 % of its readings came too late"), std::string::npos) << text;
  EXPECT_EQ(text.find("fine: "), std::string::npos) << text;
}

}  // namespace
}  // namespace meterstream
