// Purpose: the columns that a SELECT can name: those of its stream and, behind them, of the tables that it joins.
// Errors: kInvalid with the position: unknown and ambiguous names, with the nearest one.
// Thread-safety: none; short-lived.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"

namespace meterstream {

class RowScope {
 public:
  explicit RowScope(const SourceText& text) : text_(text) {}

  /// `kind` as messages name it: "stream" or "table".
  void add(std::string_view kind, std::string_view name, const std::optional<ast::Identifier>& alias,
           const std::vector<ColumnSchema>& columns);

  /// Sources of this name go by their aliases only: it means more than one.
  void hide_name(std::string_view name);

  /// Index into columns() of what the reference means.
  [[nodiscard]] Result<size_t> find(const ast::Expression& reference) const;
  /// Whether some source has a column of this name.
  [[nodiscard]] bool has_column(const ast::Expression& reference) const;
  [[nodiscard]] const std::vector<ColumnSchema>& columns() const { return columns_; }
  /// Whether a source goes by this name.
  [[nodiscard]] bool has_source(const ast::Identifier& name) const;

 private:
  struct Source {
    std::string kind;
    std::string name;
    std::optional<ast::Identifier> alias;
    size_t begin;  ///< columns [begin, end)
    size_t end;
  };

  [[nodiscard]] static bool goes_by(const Source& source, const ast::Identifier& name);
  [[nodiscard]] Result<std::optional<size_t>> find_in(const Source& source, const ast::Expression& reference) const;
  [[nodiscard]] Error unknown(const ast::Expression& reference) const;

  const SourceText& text_;
  std::vector<Source> sources_;
  std::vector<ColumnSchema> columns_;
};

}  // namespace meterstream
