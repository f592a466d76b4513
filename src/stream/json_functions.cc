#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/json_encoder.h"
#include "metering/timestamp.h"
#include "stream/json_path.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Arguments = std::span<const FunctionValue>;
using Json = simdjson::dom::element;

constexpr ColumnType kBigint = ColumnType::kBigint;
constexpr ColumnType kBoolean = ColumnType::kBoolean;
constexpr ColumnType kDouble = ColumnType::kDouble;
constexpr ColumnType kVarchar = ColumnType::kVarchar;

bool keep(std::string text, FunctionValue& result, FunctionArena& arena) {
  result.text = arena.emplace_back(std::move(text));
  return true;
}

/// What a thread parses with; a document holds until the next one of the same parser.
simdjson::dom::parser& parser_of_thread() {
  thread_local simdjson::dom::parser parser;
  return parser;
}

bool parse(std::string_view text, Json& document) {
  if (text.empty()) return false;
  return parser_of_thread().parse(text.data(), text.size()).get(document) == simdjson::SUCCESS;
}

/// Whole ones keep a fraction, so that they are read as the same type.
void append_double(std::string& out, double number) {
  const size_t begin = out.size();
  append_json_number(out, number);
  if (out.find_first_of(".en", begin) == std::string::npos) out += ".0";
}

void append_json(std::string& out, const Json& value);

void append_array(std::string& out, const simdjson::dom::array& array) {
  bool is_first = true;
  for (const Json element : array) {
    out += std::exchange(is_first, false) ? "" : ",";
    append_json(out, element);
  }
}

/// Without white space. As deep as simdjson reads, which is 1024 levels.
void append_json(std::string& out, const Json& value) {
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      out += '[';
      append_array(out, value.get_array().value_unsafe());
      out += ']';
      return;
    case simdjson::dom::element_type::OBJECT: {
      bool is_first = true;
      out += '{';
      const simdjson::dom::object object = value.get_object().value_unsafe();
      for (const auto member : object) {
        out += std::exchange(is_first, false) ? "" : ",";
        append_json_string(out, member.key);
        out += ':';
        append_json(out, member.value);
      }
      out += '}';
      return;
    }
    case simdjson::dom::element_type::INT64:
      append_json_number(out, value.get_int64().value_unsafe());
      return;
    case simdjson::dom::element_type::UINT64:
      out += fmt::format("{}", value.get_uint64().value_unsafe());
      return;
    case simdjson::dom::element_type::DOUBLE:
      append_double(out, value.get_double().value_unsafe());
      return;
    case simdjson::dom::element_type::STRING:
      append_json_string(out, value.get_string().value_unsafe());
      return;
    case simdjson::dom::element_type::BOOL:
      out += value.get_bool().value_unsafe() ? "true" : "false";
      return;
    case simdjson::dom::element_type::NULL_VALUE:
      out += "null";
      return;
  }
}

bool take_step(Json& value, const JsonStep& step) {
  if (const auto* name = std::get_if<std::string>(&step)) {
    simdjson::dom::object object;
    return value.get_object().get(object) == simdjson::SUCCESS && object.at_key(*name).get(value) == simdjson::SUCCESS;
  }
  simdjson::dom::array array;
  return value.get_array().get(array) == simdjson::SUCCESS &&
         array.at(std::get<size_t>(step)).get(value) == simdjson::SUCCESS;
}

/// The path is nearly always the one of the row before.
const std::optional<JsonPath>& path_of(std::string_view text) {
  thread_local std::string known;
  thread_local std::optional<JsonPath> path;
  if (known.empty() || known != text) {
    known = text;
    path = parse_json_path(text);
  }
  return path;
}

bool extract_field(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  Json value;
  const std::optional<JsonPath>& path = path_of(arguments[1].text);
  if (!path || !parse(arguments[0].text, value)) return false;
  // Fields may be missing: that is no fault.
  result.is_null =
      !std::ranges::all_of(*path, [&](const JsonStep& step) { return take_step(value, step); }) || value.is_null();
  if (result.is_null) return true;
  std::string_view plain;
  if (value.get_string().get(plain) == simdjson::SUCCESS) return keep(std::string(plain), result, arena);
  std::string text;
  append_json(text, value);
  return keep(std::move(text), result, arena);
}

bool is_json_string(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  Json document;
  result.integer = parse(arguments[0].text, document) ? 1 : 0;
  return true;
}

bool parse_array(std::string_view text, simdjson::dom::array& array) {
  Json document;
  return parse(text, document) && document.get_array().get(array) == simdjson::SUCCESS;
}

bool array_length(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  simdjson::dom::array array;
  if (!parse_array(arguments[0].text, array)) return false;
  // Not array.size(), which knows no more than 16,777,215.
  result.integer = std::distance(array.begin(), array.end());
  return true;
}

bool is_same(const Json& element, int64_t wanted) {
  int64_t integer = 0;
  if (element.get_int64().get(integer) == simdjson::SUCCESS) return integer == wanted;
  double number = 0;
  // A double beside an integer is equal only where both are one number, also beyond 2^53.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  return element.get_double().get(number) == simdjson::SUCCESS && number >= -kTwoTo63 && number < kTwoTo63 &&
         static_cast<int64_t>(number) == wanted && static_cast<double>(static_cast<int64_t>(number)) == number;
}

bool is_same(const Json& element, double wanted) {
  double number = 0;
  return element.get_double().get(number) == simdjson::SUCCESS && number == wanted;
}

bool is_same(const Json& element, std::string_view wanted) {
  std::string_view text;
  return element.get_string().get(text) == simdjson::SUCCESS && text == wanted;
}

bool is_same(const Json& element, bool wanted) {
  bool flag = false;
  return element.get_bool().get(flag) == simdjson::SUCCESS && flag == wanted;
}

template <class Value>
bool array_contains(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  simdjson::dom::array array;
  if (!parse_array(arguments[0].text, array)) return false;
  Value wanted{};
  if constexpr (std::is_same_v<Value, bool>) wanted = arguments[1].integer != 0;
  if constexpr (std::is_same_v<Value, int64_t>) wanted = arguments[1].integer;
  if constexpr (std::is_same_v<Value, double>) wanted = arguments[1].number;
  if constexpr (std::is_same_v<Value, std::string_view>) wanted = arguments[1].text;
  result.integer = std::any_of(array.begin(), array.end(), [&](const Json& one) { return is_same(one, wanted); });
  return true;
}

/// The members of several objects in the order in which their names came first; later values win.
class Members {
 public:
  void add(const simdjson::dom::object& object) {
    for (const auto member : object) {
      const auto [found, is_new] = places_.emplace(member.key, members_.size());
      if (is_new) members_.emplace_back(json_member(member.key, true).substr(1), "");
      std::string& value = members_[found->second].second;
      value.clear();
      append_json(value, member.value);
    }
  }
  [[nodiscard]] std::string text() const {
    std::string text = "{";
    for (const auto& [name, value] : members_) text.append(text.size() == 1 ? "" : ",").append(name).append(value);
    return text + '}';
  }

 private:
  std::unordered_map<std::string, size_t> places_;
  std::vector<std::pair<std::string, std::string>> members_;
};

bool keys(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  Json document;
  simdjson::dom::object object;
  if (!parse(arguments[0].text, document) || document.get_object().get(object) != simdjson::SUCCESS) return false;
  std::string text = "[";
  for (const auto member : object) {
    text += text.size() == 1 ? "" : ",";
    append_json_string(text, member.key);
  }
  return keep(text + ']', result, arena);
}

/// Objects become one; otherwise all are taken for arrays, what is none for an array of itself.
bool concatenate_json(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  bool are_objects = true;
  std::string elements;
  Members members;
  for (const FunctionValue& argument : arguments) {
    Json document;
    if (!parse(argument.text, document)) return false;
    simdjson::dom::array array;
    std::string piece;
    if (document.get_array().get(array) == simdjson::SUCCESS) {
      append_array(piece, array);
    } else {
      append_json(piece, document);
    }
    if (!piece.empty()) elements.append(elements.empty() ? "" : ",").append(piece);
    simdjson::dom::object object;
    are_objects = are_objects && document.get_object().get(object) == simdjson::SUCCESS;
    if (are_objects) members.add(object);
  }
  return keep(are_objects ? members.text() : '[' + elements + ']', result, arena);
}

template <ColumnType kType>
bool to_json(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  std::string text;
  if constexpr (kType == kBigint) append_json_number(text, arguments[0].integer);
  if constexpr (kType == kDouble) append_double(text, arguments[0].number);
  if constexpr (kType == kBoolean) text = arguments[0].integer != 0 ? "true" : "false";
  if constexpr (kType == kVarchar) append_json_string(text, arguments[0].text);
  if constexpr (kType == ColumnType::kTimestamp)
    append_json_string(text, format_timestamp(EventTime(arguments[0].integer)));
  return keep(std::move(text), result, arena);
}

}  // namespace

std::vector<ScalarFunction> json_functions() {
  constexpr ColumnType kTimestamp = ColumnType::kTimestamp;
  return {
      {"EXTRACTJSONFIELD", {kVarchar, kVarchar}, kVarchar, extract_field},
      {"IS_JSON_STRING", {kVarchar}, kBoolean, is_json_string},
      {"JSON_ARRAY_CONTAINS", {kVarchar, kBigint}, kBoolean, array_contains<int64_t>},
      {"JSON_ARRAY_CONTAINS", {kVarchar, kDouble}, kBoolean, array_contains<double>},
      {"JSON_ARRAY_CONTAINS", {kVarchar, kVarchar}, kBoolean, array_contains<std::string_view>},
      {"JSON_ARRAY_CONTAINS", {kVarchar, kBoolean}, kBoolean, array_contains<bool>},
      {"JSON_ARRAY_LENGTH", {kVarchar}, kBigint, array_length},
      {"JSON_CONCAT", {kVarchar}, kVarchar, concatenate_json, true},
      {"JSON_KEYS", {kVarchar}, kVarchar, keys},
      {"TO_JSON_STRING", {kBigint}, kVarchar, to_json<kBigint>},
      {"TO_JSON_STRING", {kDouble}, kVarchar, to_json<kDouble>},
      {"TO_JSON_STRING", {kBoolean}, kVarchar, to_json<kBoolean>},
      {"TO_JSON_STRING", {kTimestamp}, kVarchar, to_json<kTimestamp>},
      {"TO_JSON_STRING", {kVarchar}, kVarchar, to_json<kVarchar>},
  };
}

}  // namespace meterstream
