#include "apps/terminal_table.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace meterstream {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 8;

void fit_widths(std::vector<size_t>& widths, const std::vector<TerminalTable::Column>& columns, size_t limit) {
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1)); };
  while (total() > limit) {
    size_t widest = columns.size();
    for (size_t column = 0; column < columns.size(); ++column) {
      const bool may_shrink = columns[column].align == TerminalTable::Align::kLeft && widths[column] > kNarrowest;
      if (may_shrink && (widest == columns.size() || widths[column] > widths[widest])) widest = column;
    }
    if (widest == columns.size()) return;
    --widths[widest];
  }
}

}  // namespace

void TerminalTable::add_row(std::vector<std::string> cells) {
  CHECK(cells.size() <= columns_.size());
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TerminalTable::text(const Terminal& terminal) const {
  std::vector<size_t> widths;
  widths.reserve(columns_.size());
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], display_width(row[column]));
    }
  }
  if (widths.empty()) return "";
  if (terminal.interactive) fit_widths(widths, columns_, static_cast<size_t>(terminal.width));

  std::string out;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t column = 0; column < columns_.size(); ++column) {
      const std::string cell = shortened(cell_of(column), widths[column], terminal.unicode);
      if (column > 0) line.append(kGap, ' ');
      const bool right = columns_[column].align == Align::kRight;
      line += right ? padded_left(cell, widths[column]) : padded_right(cell, widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  append_line([&](size_t column) { return coloured(terminal, Colour::kBold, columns_[column].title); });
  append_line([&](size_t column) {
    std::string rule;
    for (size_t i = 0; i < widths[column]; ++i) rule += terminal.unicode ? "─" : "-";
    return rule;
  });
  for (const auto& row : rows_) append_line([&](size_t column) { return row[column]; });
  return out;
}

}  // namespace meterstream
