#include "sql/format_option.h"

#include <cctype>
#include <string_view>

#include "sql/source_text.h"

namespace meterstream {
namespace {

/// Nothing for what numbers, words and quotes are made of.
std::optional<char> delimiter_of(std::string_view text) {
  if (equals_ignoring_case(text, "TAB")) return '\t';
  if (equals_ignoring_case(text, "SPACE")) return ' ';
  if (text.size() != 1) return std::nullopt;
  const auto byte = static_cast<unsigned char>(text[0]);
  const bool is_mark = std::ispunct(byte) != 0 || byte == ' ' || byte == '\t';
  if (!is_mark || std::string_view("\"'+-.").find(text[0]) != std::string_view::npos) return std::nullopt;
  return text[0];
}

}  // namespace

Result<FormatOption> bind_format(OptionReader& options, const std::vector<ValueFormat>& formats) {
  std::vector<std::string_view> names;
  names.reserve(formats.size());
  for (const ValueFormat format : formats) names.push_back(name_of(format));
  ASSIGN_OR_RETURN(const auto chosen, options.choice({"value_format"}, names));
  FormatOption option;
  option.format = formats[chosen.value_or(0)];
  const ast::Option* delimiter = options.take({"value_delimiter"});
  if (delimiter == nullptr) return option;
  if (option.format != ValueFormat::kDelimited)
    return options.error(*delimiter, "value_delimiter is for value_format = 'DELIMITED'");
  const auto known = delimiter->kind == ast::Option::Kind::kString ? delimiter_of(delimiter->value) : std::nullopt;
  if (!known)
    return options.error(*delimiter,
                         "a delimiter is one character such as ',', ';' or '|', or 'TAB' or 'SPACE'; no letter, digit, "
                         "quote, point or sign");
  option.delimiter = *known;
  return option;
}

}  // namespace meterstream
