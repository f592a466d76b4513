#include "sql/duckdb_json.h"

#include <optional>

#include <fmt/format.h>

#include "sql/parser.h"
#include "stream/json_path.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

/// The path as DuckDB has it; nothing for names with quotes and for *, which is any name there.
std::string duckdb_path(const JsonPath& path) {
  std::string text = "$";
  for (const JsonStep& step : path) {
    if (const auto* name = std::get_if<std::string>(&step)) {
      if (*name == "*" || name->find_first_of("\"\\\\") != std::string::npos) return {};
      text += fmt::format(".\"{}\"", *name);
    } else {
      text += fmt::format("[{}]", std::get<size_t>(step));
    }
  }
  return text;
}

Error no_counterpart(std::string_view what) {
  return invalid(fmt::format("DuckDB has no counterpart of {}", what));
}

/// DuckDB takes commas before closing brackets, nan and infinity, too; of texts only a quote is left.
std::string is_valid_text(std::string_view text) {
  return fmt::format(
      R"regexp((json_valid({0}) AND NOT regexp_matches(regexp_replace({0}, '(?s)"([^"\\]|\\.)*"', '"', 'g'), '(?i),[ \t\r\n]*[\]}}]|nan|inf')))regexp",
      text);
}

/// NULL for what is no JSON.
std::string valid_text(std::string_view text) {
  return fmt::format("list_filter([{}], lambda v: {})[1]", text, is_valid_text("v"));
}

Result<std::string> extract_text(const Expression& call, const std::vector<std::string>& parts) {
  const Expression& path = *call.children[1];
  const auto* literal = path.kind == Expression::Kind::kLiteral ? std::get_if<std::string>(&path.literal) : nullptr;
  const auto steps = literal == nullptr ? std::nullopt : parse_json_path(*literal);
  if (!steps) return no_counterpart("EXTRACTJSONFIELD with a path that is no constant");
  const std::string text = duckdb_path(*steps);
  if (text.empty()) return no_counterpart("EXTRACTJSONFIELD with quotes in a name or with the name *");
  return fmt::format("json_extract_string({}, {})", valid_text(parts[0]), sql_string(text));
}

}  // namespace

Result<std::string> duckdb_json_text(const Expression& call, const std::vector<std::string>& parts) {
  const std::string_view name = call.function->name;
  const ColumnType type = call.children.back()->type;
  if (name == "EXTRACTJSONFIELD") return extract_text(call, parts);
  if (name == "IS_JSON_STRING") return is_valid_text(parts[0]);
  // Where it is none, functions of JSON would fail, also where CASE leaves them out.
  const std::string json = valid_text(parts[0]);
  if (name == "JSON_ARRAY_LENGTH")
    return fmt::format("CASE WHEN json_type({0}) = 'ARRAY' THEN json_array_length({0})::BIGINT END", json);
  if (name == "JSON_KEYS")
    return fmt::format("CASE WHEN json_type({0}) = 'OBJECT' THEN to_json(json_keys({0}))::VARCHAR END", json);
  if (name == "JSON_ARRAY_CONTAINS") {
    // Numbers are compared as texts there: 3 is not 3.0.
    if (type != ColumnType::kVarchar && type != ColumnType::kBoolean)
      return no_counterpart("JSON_ARRAY_CONTAINS of numbers");
    return fmt::format(
        "CASE WHEN json_type({0}) = 'ARRAY' AND {1} IS NOT NULL THEN list_contains(from_json(CASE WHEN json_type({0}) "
        "= "
        "'ARRAY' THEN {0} END, '[\"JSON\"]')::VARCHAR[], to_json({1})::VARCHAR) END",
        json, parts[1]);
  }
  if (name != "TO_JSON_STRING") return no_counterpart(name);
  if (type == ColumnType::kDouble) return no_counterpart("TO_JSON_STRING of a DOUBLE");
  if (type != ColumnType::kTimestamp) return fmt::format("to_json({})::VARCHAR", parts[0]);
  return fmt::format("replace(strftime({}, '\"%Y-%m-%dT%H:%M:%S.%gZ\"'), '.000Z', 'Z')", parts[0]);
}

}  // namespace meterstream
