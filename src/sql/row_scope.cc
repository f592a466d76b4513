#include "sql/row_scope.h"

#include <algorithm>

#include <fmt/format.h>

#include "sql/binder.h"

namespace meterstream {

void RowScope::add(std::string_view kind, std::string_view name, const std::optional<ast::Identifier>& alias,
                   const std::vector<ColumnSchema>& columns) {
  const size_t begin = columns_.size();
  columns_.insert(columns_.end(), columns.begin(), columns.end());
  sources_.push_back({std::string(kind), std::string(name), alias, begin, columns_.size()});
}

void RowScope::hide_name(std::string_view name) {
  for (Source& source : sources_) {
    if (source.name == name && source.alias) source.name = source.alias->text;
  }
}

bool RowScope::goes_by(const Source& source, const ast::Identifier& name) {
  return is_same_name(name, source.name) || (source.alias && is_same_name(name, source.alias->text));
}

bool RowScope::has_source(const ast::Identifier& name) const {
  return std::ranges::any_of(sources_, [&](const Source& source) { return goes_by(source, name); });
}

bool RowScope::has_column(const ast::Expression& reference) const {
  return std::ranges::any_of(columns_,
                             [&](const ColumnSchema& column) { return is_same_name(reference.name, column.name); });
}

Result<std::optional<size_t>> RowScope::find_in(const Source& source, const ast::Expression& reference) const {
  std::optional<size_t> found;
  for (size_t i = source.begin; i < source.end; ++i) {
    if (columns_[i].name == reference.name.text) return i;
    if (!is_same_name(reference.name, columns_[i].name)) continue;
    if (found) {
      return text_.error_at(
          reference.name.position.offset,
          fmt::format("column {} is ambiguous; quote it to tell its spelling apart", reference.name.text));
    }
    found = i;
  }
  return found;
}

Result<size_t> RowScope::find(const ast::Expression& reference) const {
  const bool is_qualified = !reference.qualifier.text.empty();
  if (is_qualified && !has_source(reference.qualifier))
    return text_.error_at(reference.position.offset, fmt::format("unknown source {}", reference.qualifier.text));
  const Source* owner = nullptr;
  size_t found = 0;
  for (const Source& source : sources_) {
    if (is_qualified && !goes_by(source, reference.qualifier)) continue;
    ASSIGN_OR_RETURN(const std::optional<size_t> index, find_in(source, reference));
    if (!index) continue;
    if (owner != nullptr) {
      return text_.error_at(reference.position.offset,
                            fmt::format("column {0} is in {1} and in {2}; write {1}.{0} or {2}.{0}",
                                        reference.name.text, owner->alias ? owner->alias->text : owner->name,
                                        source.alias ? source.alias->text : source.name));
    }
    owner = &source;
    found = *index;
  }
  if (owner == nullptr) return unknown(reference);
  return found;
}

Error RowScope::unknown(const ast::Expression& reference) const {
  std::vector<std::string> names;
  std::string list;
  for (const Source& source : sources_) {
    if (!reference.qualifier.text.empty() && !goes_by(source, reference.qualifier)) continue;
    std::vector<std::string> own;
    for (size_t i = source.begin; i < source.end; ++i) own.push_back(columns_[i].name);
    list += fmt::format("{}{} {} has {}", list.empty() ? "" : ", ", source.kind, source.name, fmt::join(own, ", "));
    names.insert(names.end(), own.begin(), own.end());
  }
  const std::string nearest = nearest_name(reference.name.text, names);
  return text_.error_at(reference.name.position.offset,
                        fmt::format("unknown column {}; {}", reference.name.text,
                                    nearest.empty() ? list : "did you mean " + nearest + "?"));
}

}  // namespace meterstream
