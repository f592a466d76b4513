// Purpose: a SQL file's text with places in it, and errors that show the place.
// Ownership: borrows text and name; both must outlive it.
// Thread-safety: immutable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

class SourceText {
 public:
  SourceText(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  [[nodiscard]] std::string_view text() const { return text_; }

  /// kInvalid with "file:line:column: message", the line, and a caret below byte `offset`. Lines and columns count
  /// from 1; columns count characters (UTF-8 code points).
  [[nodiscard]] Error error_at(size_t offset, std::string_view message) const;

 private:
  std::string_view text_;
  std::string_view file_name_;
};

/// The name in `candidates` closest to `name` when it is close enough to be a misspelling; else empty.
template <class Names>
std::string nearest_name(std::string_view name, const Names& candidates);

/// Edits (insert, delete, replace, swap of neighbours; case ignored) from one to the other.
size_t edit_distance(std::string_view one, std::string_view other);

/// Most edits at which `name` still counts as a misspelling.
inline size_t misspelling_limit(std::string_view name) {
  return name.size() <= 3 ? 1 : name.size() <= 7 ? 2 : 3;
}

template <class Names>
std::string nearest_name(std::string_view name, const Names& candidates) {
  std::string best;
  size_t best_distance = misspelling_limit(name) + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  }
  return best;
}

/// ASCII only.
bool equals_ignoring_case(std::string_view one, std::string_view other);

/// Quotes `text` for a message; bytes that do not print are shown as \xNN and long texts are cut.
std::string shown(std::string_view text);

}  // namespace meterstream
