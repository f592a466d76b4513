// Purpose: a SQL file's text with places in it, and errors that show the place.
// Ownership: borrows text and name; both must outlive it.
// Thread-safety: immutable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/nearest_name.h"
#include "base/result.h"

namespace meterstream {

class SourceText {
 public:
  /// `first_line` is the number of the text's first line, when it is a part of a larger one.
  SourceText(std::string_view text, std::string_view file_name, size_t first_line = 1)
      : text_(text), file_name_(file_name), first_line_(first_line) {}

  [[nodiscard]] std::string_view text() const { return text_; }

  /// kInvalid with "file:line:column: message", the line, and a caret below byte `offset`. Lines and columns count
  /// from 1; columns count characters (UTF-8 code points).
  [[nodiscard]] Error error_at(size_t offset, std::string_view message) const;

 private:
  std::string_view text_;
  std::string_view file_name_;
  size_t first_line_;
};

/// ASCII only.
bool equals_ignoring_case(std::string_view one, std::string_view other);

/// Quotes `text` for a message; bytes that do not print are shown as \xNN and long texts are cut.
std::string shown(std::string_view text);

}  // namespace meterstream
