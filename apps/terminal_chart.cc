#include "apps/terminal_chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apps/number_text.h"

namespace meterstream {
namespace {

constexpr std::string_view kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view kAscii[] = {" ", ".", ".", ":", ":", "|", "|", "#", "#"};
constexpr int kLevels = 8;

struct Scale {
  double low = 0;
  double high = 1;
};

/// The next of 1, 2, 2.5, 5, 10 times a power of ten at or above `value`.
double round_up(double value) {
  if (value <= 0) return 0;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0}) {
    if (step * power >= value * (1 - 1e-12)) return step * power;
  }
  return 10 * power;
}

Scale scale_of(const std::vector<std::optional<double>>& values) {
  double lowest = 0;
  double highest = 0;
  bool any = false;
  for (const auto& value : values) {
    if (!value) continue;
    lowest = any ? std::min(lowest, *value) : *value;
    highest = any ? std::max(highest, *value) : *value;
    any = true;
  }
  const bool is_narrow_band = lowest > 0 && highest - lowest < 0.2 * lowest && highest > lowest;
  if (is_narrow_band) {
    const double step = round_up((highest - lowest) / 4);
    return {std::floor(lowest / step - 0.5) * step, std::ceil(highest / step) * step};
  }
  Scale scale{lowest < 0 ? -round_up(-lowest) : 0, round_up(highest)};
  if (scale.high <= scale.low) scale.high = scale.low + 1;
  return scale;
}

struct Columns {
  std::vector<std::optional<double>> values;
  /// First point of each column.
  std::vector<size_t> first_point;
};

/// Points spread over at most `width` columns: several points a column, or several columns a point.
Columns columns_of(const std::vector<ChartPoint>& points, size_t width) {
  Columns columns;
  if (points.size() <= width) {
    const size_t repeat = std::clamp<size_t>(width / points.size(), 1, 4);
    for (size_t point = 0; point < points.size(); ++point) {
      for (size_t copy = 0; copy < repeat; ++copy) {
        // A blank between wide bars keeps them apart.
        const bool is_space = repeat > 2 && copy + 1 == repeat;
        columns.values.push_back(is_space ? std::optional<double>(std::nan("")) : points[point].value);
        columns.first_point.push_back(point);
      }
    }
    return columns;
  }
  for (size_t column = 0; column < width; ++column) {
    const size_t first = column * points.size() / width;
    const size_t limit = (column + 1) * points.size() / width;
    double sum = 0;
    size_t count = 0;
    for (size_t point = first; point < limit; ++point) {
      if (!points[point].value) continue;
      sum += *points[point].value;
      ++count;
    }
    columns.values.push_back(count == 0 ? std::nullopt : std::optional<double>(sum / static_cast<double>(count)));
    columns.first_point.push_back(first);
  }
  return columns;
}

bool is_space(const std::optional<double>& value) {
  return value && std::isnan(*value);
}

std::string_view cell_of(const std::optional<double>& value, const Scale& scale, int height, int row, bool unicode) {
  if (is_space(value)) return " ";
  if (!value) return row == 0 ? (unicode ? "·" : "?") : " ";
  const double share = (*value - scale.low) / (scale.high - scale.low);
  int eighths = static_cast<int>(std::lround(share * height * kLevels));
  // A value that exists shows, however small it is.
  eighths = std::clamp(eighths, 1, height * kLevels);
  const int here = std::clamp(eighths - row * kLevels, 0, kLevels);
  return unicode ? kBlocks[here] : kAscii[here];
}

std::string label_line(const std::vector<ChartPoint>& points, const Columns& columns, bool unicode) {
  std::string line;
  size_t used = 0;
  for (size_t column = 0; column < columns.first_point.size(); ++column) {
    const std::string& label = points[columns.first_point[column]].label;
    const bool is_start = column == 0 || columns.first_point[column] != columns.first_point[column - 1];
    const bool has_room = column >= used + (used == 0 ? 0 : 2);
    const size_t width = display_width(label);
    if (!is_start || !has_room || label.empty() || column + width > columns.first_point.size() + 4) continue;
    line.append(column - used, ' ');
    line += shortened(label, width, unicode);
    used = column + width;
  }
  return line;
}

}  // namespace

std::string chart_text(const std::vector<ChartPoint>& points, const ChartOptions& options, const Terminal& terminal) {
  const bool has_value = std::any_of(points.begin(), points.end(), [](const ChartPoint& point) { return point.value; });
  std::string out;
  if (!options.title.empty()) out += coloured(terminal, Colour::kBold, options.title) + '\n';
  if (!has_value) return out + "(nothing to show)\n";

  const int height = std::max(options.height, 3);
  std::vector<std::optional<double>> raw;
  raw.reserve(points.size());
  for (const ChartPoint& point : points) raw.push_back(point.value);
  const Scale scale = scale_of(raw);
  // As many decimals as it takes to tell the labels apart.
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(scale.high - scale.low))), 3, 12);
  const auto label_at = [&](int row) {
    const double share = static_cast<double>(row) / height;
    return value_text(scale.low + share * (scale.high - scale.low), decimals) +
           (options.unit.empty() ? "" : " " + options.unit);
  };
  size_t label_width = 0;
  for (const int row : {0, height / 2, height}) label_width = std::max(label_width, display_width(label_at(row)));
  const int plot_width = std::max(terminal.width - static_cast<int>(label_width) - 4, 10);
  const Columns columns = columns_of(points, static_cast<size_t>(plot_width));

  for (int row = height - 1; row >= 0; --row) {
    // The upper edge of a row is where its label belongs.
    const bool has_label = row + 1 == height || row + 1 == height / 2;
    std::string line = padded_left(has_label ? label_at(row + 1) : "", label_width);
    line += has_label ? (terminal.unicode ? " ┤" : " +") : (terminal.unicode ? " │" : " |");
    for (const auto& value : columns.values) line += cell_of(value, scale, height, row, terminal.unicode);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  out += padded_left(label_at(0), label_width) + (terminal.unicode ? " └" : " +");
  for (size_t column = 0; column < columns.values.size(); ++column) out += terminal.unicode ? "─" : "-";
  out += '\n' + std::string(label_width + 2, ' ') + label_line(points, columns, terminal.unicode) + '\n';
  return out;
}

std::string spark_line(const std::vector<std::optional<double>>& values, bool unicode) {
  if (values.empty()) return "";
  const Scale scale = scale_of(values);
  std::string line;
  for (const auto& value : values) line += value ? cell_of(value, scale, 1, 0, unicode) : " ";
  return line;
}

}  // namespace meterstream
