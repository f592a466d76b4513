#include "server/rest_request.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

namespace meterstream {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

/// Calls `use` with the members of the text's object; views are valid during the call.
Status read_object(std::string_view text, std::string_view what, const auto& use) {
  simdjson::dom::parser parser;
  // The text may end anywhere in memory: the parser copies it with its padding.
  simdjson::dom::object object;
  if (const auto error = parser.parse(text.data(), text.size(), true).get(object)) {
    return invalid(fmt::format("{} is not a JSON object ({})", what, simdjson::error_message(error)));
  }
  for (const auto [name, value] : object) RETURN_IF_ERROR(use(name, value));
  return {};
}

Result<std::string> text_of(std::string_view name, const element& value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return invalid(fmt::format("\"{}\" must be a text", name));
  return std::string(text);
}

/// Members of a setting are texts; numbers and booleans are taken as their text.
Result<std::string> setting_of(std::string_view name, const element& value) {
  switch (value.type()) {
    case element_type::STRING:
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
    case element_type::BOOL:
      break;
    default:
      return invalid(fmt::format("property \"{}\" must be a text, a number or a boolean", name));
  }
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

Status read_settings(std::string_view name, const element& value, std::map<std::string, std::string>& settings) {
  if (value.is_null()) return {};
  simdjson::dom::object members;
  if (value.get(members) != simdjson::SUCCESS) return invalid(fmt::format("\"{}\" must be an object", name));
  for (const auto [member, member_value] : members) {
    ASSIGN_OR_RETURN(settings[std::string(member)], setting_of(member, member_value));
  }
  return {};
}

Result<QueryValue> value_of(std::string_view column, const element& value) {
  switch (value.type()) {
    case element_type::NULL_VALUE:
      return QueryValue();
    case element_type::BOOL:
      return QueryValue(bool(value));
    case element_type::INT64:
      return QueryValue(int64_t(value));
    case element_type::DOUBLE:
      return QueryValue(double(value));
    case element_type::STRING:
      return QueryValue(std::string(std::string_view(value)));
    case element_type::UINT64:
      return invalid(fmt::format("column {}: {} is beyond BIGINT", column, uint64_t(value)));
    case element_type::ARRAY:
      return invalid(fmt::format("column {}: arrays are not supported yet", column));
    case element_type::OBJECT:
      return invalid(fmt::format("column {}: objects are not supported yet", column));
  }
  return invalid(fmt::format("column {}: no value", column));
}

}  // namespace

Result<RestStatements> parse_rest_statements(std::string_view body) {
  RestStatements request;
  bool has_sql = false;
  const Status read = read_object(body, "the request", [&](std::string_view name, const element& value) -> Status {
    if (name == "ksql" || name == "sql") {
      ASSIGN_OR_RETURN(request.sql, text_of(name, value));
      has_sql = true;
    } else if (name == "streamsProperties" || name == "properties") {
      return read_settings(name, value, request.properties.properties);
    } else if (name == "sessionVariables") {
      return read_settings(name, value, request.properties.variables);
    } else if (name == "commandSequenceNumber") {
      // Statements are carried out one after the other: those before are done.
      if (!value.is_null() && !value.is_int64()) return invalid("\"commandSequenceNumber\" must be a whole number");
    }
    return {};
  });
  RETURN_IF_ERROR(read);
  if (!has_sql) return invalid("the request has no statements; put them into \"ksql\" (\"sql\" for /query-stream)");
  return request;
}

Result<std::string> parse_query_id(std::string_view body) {
  std::optional<std::string> id;
  const Status read = read_object(body, "the request", [&](std::string_view name, const element& value) -> Status {
    if (name == "queryId") {
      ASSIGN_OR_RETURN(id, text_of(name, value));
    }
    return {};
  });
  RETURN_IF_ERROR(read);
  if (!id) return invalid("the request names no query; put its id into \"queryId\"");
  return *std::move(id);
}

Result<std::string> parse_insert_target(std::string_view line) {
  std::optional<std::string> target;
  const Status read = read_object(line, "the first line", [&](std::string_view name, const element& value) -> Status {
    if (name == "target") {
      ASSIGN_OR_RETURN(target, text_of(name, value));
    }
    return {};
  });
  RETURN_IF_ERROR(read);
  if (!target) return invalid("the first line names no stream or table; it is {\"target\": \"name\"}");
  return *std::move(target);
}

Result<RestRow> parse_insert_row(std::string_view line) {
  RestRow row;
  const Status read = read_object(line, "the row", [&](std::string_view name, const element& value) -> Status {
    ASSIGN_OR_RETURN(row[std::string(name)], value_of(name, value));
    return {};
  });
  RETURN_IF_ERROR(read);
  return row;
}

bool is_query(std::string_view statement) {
  constexpr std::array<std::string_view, 2> kWords = {"SELECT", "PRINT"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    if (statement.size() <= word.size()) return false;
    const char behind = statement[word.size()];
    const bool ends = !(behind == '_' || (behind >= '0' && behind <= '9') || (behind >= 'A' && behind <= 'Z') ||
                        (behind >= 'a' && behind <= 'z'));
    return ends && std::ranges::equal(statement.substr(0, word.size()), word,
                                      [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
  });
}

}  // namespace meterstream
