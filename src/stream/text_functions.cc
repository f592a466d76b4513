#include <algorithm>
#include <functional>
#include <utility>

#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Arguments = std::span<const FunctionValue>;

constexpr ColumnType kBigint = ColumnType::kBigint;
constexpr ColumnType kVarchar = ColumnType::kVarchar;
constexpr std::string_view kSpaces = " \t\r\n\f\v";
/// No result of padding is longer.
constexpr int64_t kLongestText = 1 << 20;

bool keep(std::string text, FunctionValue& result, FunctionArena& arena) {
  result.text = arena.emplace_back(std::move(text));
  return true;
}

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

int64_t characters_of(std::string_view text) {
  return std::ranges::count_if(text, begins_character);
}

/// Byte at which character `index` (from 0) begins; the text's size beyond its end.
size_t byte_of(std::string_view text, int64_t index) {
  for (size_t byte = 0; byte < text.size(); ++byte) {
    if (begins_character(text[byte]) && index-- == 0) return byte;
  }
  return text.size();
}

/// ASCII letters only: what case other letters have depends on the language.
template <char kFirst, char kLast, int kDistance>
bool with_case(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  std::string text(arguments[0].text);
  for (char& letter : text) {
    if (letter >= kFirst && letter <= kLast) letter = static_cast<char>(letter + kDistance);
  }
  return keep(std::move(text), result, arena);
}

bool length(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  result.integer = characters_of(arguments[0].text);
  return true;
}

bool trim(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const std::string_view text = arguments[0].text;
  const size_t begin = text.find_first_not_of(kSpaces);
  // An empty view of the text and not of nowhere: it is not NULL.
  result.text = begin == std::string_view::npos ? text.substr(0, 0)
                                                : text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
  return true;
}

bool concatenate(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  std::string text;
  for (const FunctionValue& argument : arguments) text += argument.text;
  return keep(std::move(text), result, arena);
}

bool concatenate_with_separator(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  std::string text(arguments[1].text);
  for (const FunctionValue& argument : arguments.subspan(2)) {
    text += arguments[0].text;
    text += argument.text;
  }
  return keep(std::move(text), result, arena);
}

/// Position 1 is the first character, -1 the last; 0 is taken as 1.
bool substring(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const std::string_view text = arguments[0].text;
  const int64_t characters = characters_of(text);
  int64_t first = arguments[1].integer;
  first = first > 0 ? first - 1 : first < 0 ? std::max<int64_t>(first + characters, 0) : 0;
  const size_t begin = byte_of(text, first);
  result.text = text.substr(begin);
  if (arguments.size() < 3) return true;
  const int64_t wanted = std::max<int64_t>(arguments[2].integer, 0);
  result.text = result.text.substr(0, byte_of(result.text, wanted));
  return true;
}

bool position(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const size_t found = arguments[0].text.find(arguments[1].text);
  result.integer = found == std::string_view::npos ? 0 : characters_of(arguments[0].text.substr(0, found)) + 1;
  return true;
}

bool replace(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  const std::string_view text = arguments[0].text;
  const std::string_view old = arguments[1].text;
  if (old.empty()) {
    result.text = text;
    return true;
  }
  std::string replaced;
  size_t at = 0;
  for (size_t found = text.find(old); found != std::string_view::npos; found = text.find(old, at)) {
    replaced.append(text.substr(at, found - at)).append(arguments[2].text);
    at = found + old.size();
  }
  replaced.append(text.substr(at));
  return keep(std::move(replaced), result, arena);
}

template <bool kOnTheLeft>
bool pad(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  const std::string_view text = arguments[0].text;
  const std::string_view padding = arguments[2].text;
  const int64_t wanted = arguments[1].integer;
  if (wanted < 0 || wanted > kLongestText || padding.empty()) return false;
  const int64_t characters = characters_of(text);
  if (wanted <= characters) {
    result.text = text.substr(0, byte_of(text, wanted));
    return true;
  }
  std::string filling;
  const int64_t missing = wanted - characters;
  const int64_t per_padding = characters_of(padding);
  for (int64_t count = 0; count < missing / per_padding; ++count) filling += padding;
  filling += padding.substr(0, byte_of(padding, missing % per_padding));
  return keep(kOnTheLeft ? filling + std::string(text) : std::string(text) + filling, result, arena);
}

bool reverse(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  std::string_view rest = arguments[0].text;
  std::string reversed;
  reversed.reserve(rest.size());
  while (!rest.empty()) {
    size_t begin = rest.size() - 1;
    while (begin > 0 && !begins_character(rest[begin])) --begin;
    reversed.append(rest.substr(begin));
    rest = rest.substr(0, begin);
  }
  return keep(std::move(reversed), result, arena);
}

template <bool kOfTheStart>
bool has_part(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const bool found =
      kOfTheStart ? arguments[0].text.starts_with(arguments[1].text) : arguments[0].text.ends_with(arguments[1].text);
  result.integer = found ? 1 : 0;
  return true;
}

}  // namespace

std::vector<ScalarFunction> text_functions() {
  constexpr ColumnType kBoolean = ColumnType::kBoolean;
  return {
      {"CONCAT", {kVarchar}, kVarchar, concatenate, true},
      {"CONCAT_WS", {kVarchar, kVarchar}, kVarchar, concatenate_with_separator, true},
      {"ENDS_WITH", {kVarchar, kVarchar}, kBoolean, has_part<false>},
      {"INSTR", {kVarchar, kVarchar}, kBigint, position},
      {"LCASE", {kVarchar}, kVarchar, with_case<'A', 'Z', 32>},
      {"LEN", {kVarchar}, kBigint, length},
      {"LPAD", {kVarchar, kBigint, kVarchar}, kVarchar, pad<true>},
      {"REPLACE", {kVarchar, kVarchar, kVarchar}, kVarchar, replace},
      {"REVERSE", {kVarchar}, kVarchar, reverse},
      {"RPAD", {kVarchar, kBigint, kVarchar}, kVarchar, pad<false>},
      {"STARTS_WITH", {kVarchar, kVarchar}, kBoolean, has_part<true>},
      {"SUBSTRING", {kVarchar, kBigint}, kVarchar, substring},
      {"SUBSTRING", {kVarchar, kBigint, kBigint}, kVarchar, substring},
      {"TRIM", {kVarchar}, kVarchar, trim},
      {"UCASE", {kVarchar}, kVarchar, with_case<'a', 'z', -32>},
  };
}

}  // namespace meterstream
