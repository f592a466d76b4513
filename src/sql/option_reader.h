// Purpose: the options of one WITH (...), typed and checked. Part of the binder.
// Errors: kInvalid with the position; options that nobody asked for are errors with the nearest known name.
// Thread-safety: none; short-lived. Borrows the options and the source.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"

namespace meterstream {

class OptionReader {
 public:
  OptionReader(const std::vector<ast::Option>& options, const SourceText& source)
      : options_(options), used_(options.size(), false), source_(source) {}

  /// The option called by one of `names`; nothing when it is not there.
  const ast::Option* take(std::initializer_list<std::string_view> names);

  Result<std::optional<std::string>> text(std::initializer_list<std::string_view> names);
  /// Milliseconds, from texts such as '30 seconds' and '5m'.
  Result<std::optional<int64_t>> duration_ms(std::initializer_list<std::string_view> names);
  Result<std::optional<int64_t>> integer(std::initializer_list<std::string_view> names, int64_t low, int64_t high);
  /// Index into `values`, case ignored.
  Result<std::optional<size_t>> choice(std::initializer_list<std::string_view> names,
                                       const std::vector<std::string_view>& values);
  /// A topic name that logs accept.
  Result<std::optional<std::string>> topic();

  /// Call after all takes: unknown options and options given twice are errors.
  Status finish() const;

  [[nodiscard]] Error error(const ast::Option& option, std::string_view message) const {
    return source_.error_at(option.value_position.offset, message);
  }

 private:
  const std::vector<ast::Option>& options_;
  std::vector<bool> used_;
  std::vector<std::string> known_;
  const SourceText& source_;
};

/// '30 seconds', '1 hour', or a form of metering/duration.h.
Result<int64_t> parse_time_length(std::string_view text);

/// Milliseconds of a length in the SQL text; nothing when it is longer than a hundred years.
std::optional<int64_t> milliseconds_of(const ast::TimeLength& length);

/// What is wrong with a topic's name; empty when nothing is.
std::string topic_name_fault(std::string_view name);

}  // namespace meterstream
