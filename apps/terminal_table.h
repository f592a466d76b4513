// Purpose: rows of text as an aligned table for people.
// Shapes: every row has a cell for every column; cells are UTF-8 and may carry colours.
// Thread-safety: none; the table belongs to one thread.
#pragma once

#include <string>
#include <vector>

#include "apps/terminal.h"

namespace meterstream {

class TerminalTable {
 public:
  enum class Align : unsigned char { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit TerminalTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Missing cells are empty; more cells than columns are a bug.
  void add_row(std::vector<std::string> cells);
  [[nodiscard]] size_t rows() const { return rows_.size(); }
  /// Titles, a rule and the rows, each line ended by '\n', no trailing blanks. Left-aligned columns are shortened, widest
  /// first, until a line fits the terminal when it is interactive.
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace meterstream
