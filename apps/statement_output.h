// Purpose: results of statements and rows of queries as a shell shows them: tables for people, JSON lines for programs.
// Thread-safety: none.
#pragma once

#include <string>
#include <vector>

#include "apps/command_line.h"
#include "server/statement_service.h"

namespace meterstream {

/// On standard output.
void print_result(const StatementResult& result, const CommandContext& context);

/// Rows of one query, as they come: the first ones settle how wide columns are.
class RowPrinter {
 public:
  RowPrinter(const std::vector<QueryRows::Column>& columns, const CommandContext& context)
      : columns_(columns), context_(context) {}
  void print(const std::vector<QueryRow>& rows);
  [[nodiscard]] size_t rows() const { return rows_; }

 private:
  void print_header(const std::vector<std::vector<std::string>>& rows);
  void print_json(const QueryRow& row) const;

  std::vector<QueryRows::Column> columns_;
  const CommandContext& context_;
  std::vector<size_t> widths_;
  size_t rows_ = 0;
};

}  // namespace meterstream
