#include "apps/terminal.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "apps/progress_line.h"
#include "apps/terminal_chart.h"
#include "apps/terminal_table.h"
#include "base/nearest_name.h"

namespace meterstream {
namespace {

Terminal plain(int width = 60, bool unicode = false) {
  Terminal terminal;
  terminal.width = width;
  terminal.unicode = unicode;
  return terminal;
}

TEST(Terminal, WidthCountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("Zähler"), 6U);
  EXPECT_EQ(display_width("電力"), 4U);
  EXPECT_EQ(display_width("\x1b[31mred\x1b[0m"), 3U);
  EXPECT_EQ(display_width("\xff\xfe"), 2U);
}

TEST(Terminal, ShortensOnWholeCharacters) {
  EXPECT_EQ(shortened("household", 9), "household");
  EXPECT_EQ(shortened("household", 6), "house…");
  EXPECT_EQ(shortened("電力計", 4, false), "電~");
}

TEST(Terminal, EscapesWhatATerminalCannotShow) {
  EXPECT_EQ(escaped("a\n\x01\xff\\é"), "a\\n\\x01\\xff\\\\é");
  EXPECT_EQ(escaped(std::string_view("\x00\x1b[31m", 6)), "\\x00\\x1b[31m");
}

TEST(Terminal, ColoursOnlyWhereTheyShow) {
  Terminal terminal;
  EXPECT_EQ(coloured(terminal, Colour::kRed, "x"), "x");
  terminal.colour = true;
  EXPECT_EQ(coloured(terminal, Colour::kRed, "x"), "\x1b[31mx\x1b[0m");
}

TEST(TerminalTable, AlignsNumbersRightAndTextLeft) {
  TerminalTable table({{"topic", TerminalTable::Align::kLeft}, {"records", TerminalTable::Align::kRight}});
  table.add_row({"metrics", "1,000"});
  table.add_row({"é", "7"});
  EXPECT_EQ(table.text(plain()), "topic    records\n-------  -------\nmetrics    1,000\né              7\n");
}

TEST(TerminalTable, ShortensTextUntilALineFits) {
  TerminalTable table({{"key", TerminalTable::Align::kLeft}, {"n", TerminalTable::Align::kRight}});
  table.add_row({std::string(100, 'k'), "123456"});
  Terminal terminal = plain(40);
  terminal.interactive = true;
  const std::string text = table.text(terminal);
  const std::string last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_EQ(display_width(last.substr(0, last.size() - 1)), 40U);
  EXPECT_NE(last.find("~  123456"), std::string::npos);
}

TEST(TerminalChart, HigherValuesHaveTallerColumns) {
  const std::string text = chart_text({{"a", 0.0}, {"b", 5.0}, {"c", 10.0}}, {"", "kW", 4}, plain(20));
  EXPECT_NE(text.find("10 kW +"), std::string::npos) << text;
  const std::string top = text.substr(0, text.find('\n'));
  EXPECT_EQ(std::count(top.begin(), top.end(), '#'), 2) << text;
}

TEST(TerminalChart, SmallValuesHaveLabelsThatDiffer) {
  const std::string text = chart_text({{"a", 0.0004}, {"b", 0.001}}, {"", "l/min", 4}, plain(30));
  EXPECT_NE(text.find("0.001 l/min +"), std::string::npos) << text;
  EXPECT_NE(text.find("0.0005 l/min +"), std::string::npos) << text;
}

TEST(TerminalChart, GapsStayVisible) {
  const std::string text = chart_text({{"a", 1.0}, {"b", std::nullopt}, {"c", 1.0}}, {"", "", 3}, plain(14));
  EXPECT_NE(text.find('?'), std::string::npos) << text;
}

TEST(TerminalChart, NeverWiderThanTheTerminal) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({"12:00", 230.0 + i % 7});
  const Terminal terminal = plain(72, true);
  const std::string text = chart_text(points, {"voltage", "V", 8}, terminal);
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    EXPECT_LE(display_width(std::string_view(text).substr(start, end - start)), 72U);
    start = end + 1;
  }
  EXPECT_EQ(text.find(" 0 V"), std::string::npos) << "a narrow band far from zero does not begin at zero\n" << text;
}

TEST(TerminalChart, SaysWhenThereIsNothing) {
  EXPECT_EQ(chart_text({{"a", std::nullopt}}, {}, plain()), "(nothing to show)\n");
}

TEST(TerminalChart, SparkLineKeepsGapsBlank) {
  EXPECT_EQ(spark_line({0.0, std::nullopt, 8.0}, true), "▁ █");
}

TEST(NearestName, FindsTypingMistakesAndNothingElse) {
  const std::vector<std::string> names = {"--households", "--type", "--data"};
  EXPECT_EQ(nearest_name("--housholds", names), "--households");
  EXPECT_EQ(nearest_name("--tyep", names), "--type");
  EXPECT_EQ(nearest_name("--house", names), "--households");
  EXPECT_EQ(nearest_name("--xylophone", names), "");
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(ProgressLine, PrintsPlainLinesRarelyWithRateAndEta) {
  ManualClock clock{IngestTime(0)};
  std::string out;
  ProgressLine progress(clock, plain(), {"readings", "replay", 5, 0.1}, [&](std::string_view text) { out += text; });
  for (int i = 1; i <= 10; ++i) {
    clock.advance(1000);
    progress.update(i * 1000, i * 0.05);
  }
  progress.finish();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2) << out;
  EXPECT_NE(out.find("replay   25 %  5.00 k readings  1.00 k/s  ETA 15.0 s\n"), std::string::npos) << out;
}

TEST(ProgressLine, OverwritesItsLineOnATerminalAndClearsIt) {
  ManualClock clock{IngestTime(0)};
  std::string out;
  Terminal terminal = plain(30);
  terminal.interactive = true;
  ProgressLine progress(clock, terminal, {}, [&](std::string_view text) { out += text; });
  clock.advance(200);
  progress.update(1, -1, [] { return std::string(100, 'x'); });
  EXPECT_TRUE(out.starts_with("\r\x1b[2K"));
  EXPECT_LE(display_width(out.substr(5)), 29U);
  progress.finish();
  EXPECT_TRUE(out.ends_with("\r\x1b[2K"));
}

TEST(ProgressLine, KeepsTheDetailsOnANarrowTerminal) {
  ManualClock clock{IngestTime(0)};
  std::string out;
  Terminal terminal = plain(80);
  terminal.interactive = true;
  ProgressLine progress(clock, terminal, {.unit = "records", .label = "run"},
                        [&](std::string_view text) { out += text; });
  const auto details = [] { return std::string("lag 401 k, 12.3 k windows, to 01-01 13:47"); };
  progress.update(0, 0);
  clock.advance(1000);
  progress.update(139'000, 0.26, details);
  EXPECT_NE(out.find(details()), std::string::npos) << out;
  EXPECT_NE(out.find("##......  26 %"), std::string::npos) << out;
  EXPECT_NE(out.find("ETA"), std::string::npos) << out;
}

TEST(ProgressLine, TellsTheTimeLeftFromTheBeginningOfTheJob) {
  ManualClock clock{IngestTime(0)};
  std::string out;
  ProgressLine progress(clock, plain(), {.unit = "readings", .label = "", .plain_interval_s = 5},
                        [&](std::string_view text) { out = text; });
  // The share comes in blocks, here one every 20 seconds, of a job that began at 50 %.
  for (int second = 0; second <= 110; ++second) {
    progress.update(second, 0.5 + second / 20 * 0.05);
    clock.advance(1000);
    if (second == 30 || second == 35) {
      EXPECT_NE(out.find("ETA"), std::string::npos) << out;
    }
  }
  EXPECT_NE(out.find("ETA 1 min 50 s"), std::string::npos) << out;
}

}  // namespace
}  // namespace meterstream
