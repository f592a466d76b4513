// Purpose: a series as a chart of columns on the terminal.
// Shapes: one value a point, in order of time; a missing value is a gap and is shown as one.
// Rule: more points than columns are averaged per column. The axis begins at 0 unless all values lie in a narrow band far
//       from it (voltages); then it begins below the lowest value, and the labels show it. Negative values extend it.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/terminal.h"

namespace meterstream {

struct ChartPoint {
  /// What the point is on the horizontal axis ("00:00"); as many as fit are shown.
  std::string label;
  std::optional<double> value;
};

struct ChartOptions {
  std::string title;
  std::string unit;
  int height = 10;
};

/// Lines ended by '\n', no wider than the terminal. Says so when there is nothing to show.
std::string chart_text(const std::vector<ChartPoint>& points, const ChartOptions& options, const Terminal& terminal);

/// One line of small columns, one for each value; gaps are blank.
std::string spark_line(const std::vector<std::optional<double>>& values, bool unicode);

}  // namespace meterstream
