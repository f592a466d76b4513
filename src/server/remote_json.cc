#include "server/remote_json.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/json_encoder.h"
#include "server/rest_json.h"

namespace meterstream {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;

Error no_answer(std::string_view body) {
  return unavailable(
      fmt::format("the server's answer cannot be read; is it one of ksqlDB's API? It begins: {}", body.substr(0, 80)));
}

std::string text_at(const element& from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

int64_t integer_at(const element& from, std::string_view name, int64_t otherwise) {
  int64_t value = otherwise;
  return from[name].get(value) == simdjson::SUCCESS ? value : otherwise;
}

bool flag_at(const element& from, std::string_view name) {
  bool value = false;
  return from[name].get(value) == simdjson::SUCCESS && value;
}

void each_of(const element& from, std::string_view name, const auto& use) {
  array items;
  if (from[name].get(items) != simdjson::SUCCESS) return;
  for (const element item : items) use(item);
}

/// As SQL writes it.
std::string sql_type(std::string type) {
  return type == "STRING" ? "VARCHAR" : type;
}

std::string first_text(const element& from, std::string_view name) {
  std::string first;
  each_of(from, name, [&](const element& item) {
    std::string_view text;
    if (first.empty() && item.get(text) == simdjson::SUCCESS) first = text;
  });
  return first;
}

QueryDescription query_of(const element& from) {
  QueryDescription query;
  query.id = text_at(from, "id");
  query.statement = text_at(from, "queryString");
  query.sink = first_text(from, "sinks");
  query.topic = first_text(from, "sinkKafkaTopics");
  const std::string state = text_at(from, "state");
  query.state = state == "PAUSED"  ? QueryDescription::State::kPaused
                : state == "ERROR" ? QueryDescription::State::kError
                                   : QueryDescription::State::kRunning;
  query.error = text_at(from, "error");
  return query;
}

SourceDescription source_of(const element& from) {
  SourceDescription source;
  source.name = text_at(from, "name");
  source.statement = text_at(from, "statement");
  source.is_table = text_at(from, "type") == "TABLE";
  source.is_windowed = flag_at(from, "isWindowed");
  source.topic = text_at(from, "topic");
  source.key_format = text_at(from, "keyFormat");
  source.value_format = text_at(from, "valueFormat");
  source.timestamp_column = text_at(from, "timestamp");
  source.partitions = static_cast<int32_t>(integer_at(from, "partitions", 0));
  each_of(from, "fields", [&](const element& field) {
    element schema;
    std::string type;
    if (field["schema"].get(schema) == simdjson::SUCCESS) type = sql_type(text_at(schema, "type"));
    source.columns.push_back({text_at(field, "name"), std::move(type), text_at(field, "type") == "KEY"});
  });
  each_of(from, "writeQueries", [&](const element& query) { source.query_id = text_at(query, "id"); });
  each_of(from, "readQueries", [&](const element& query) { source.readers.push_back(text_at(query, "id")); });
  std::string statistics = text_at(from, "statistics");
  for (std::string_view rest = statistics; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find(", "));
    rest.remove_prefix(std::min(rest.size(), part.size() + 2));
    const size_t colon = part.find(": ");
    if (colon != std::string_view::npos)
      source.statistics.emplace_back(std::string(part.substr(0, colon)), std::string(part.substr(colon + 2)));
  }
  return source;
}

StatementResult::Done done_of(const element& entry) {
  StatementResult::Done done;
  done.command_id = text_at(entry, "commandId");
  done.sequence = integer_at(entry, "commandSequenceNumber", -1);
  element status;
  if (entry["commandStatus"].get(status) != simdjson::SUCCESS) return done;
  done.message = text_at(status, "message");
  done.query_id = text_at(status, "queryId");
  return done;
}

StatementResult::Explained explained_of(const element& entry) {
  StatementResult::Explained explained;
  element description;
  if (entry["queryDescription"].get(description) != simdjson::SUCCESS) return explained;
  explained.text = text_at(description, "executionPlan");
  QueryDescription query;
  query.id = text_at(description, "id");
  query.statement = text_at(description, "statementText");
  query.sink = first_text(description, "sinks");
  if (!query.id.empty()) explained.query = std::move(query);
  return explained;
}

std::optional<decltype(StatementResult::content)> content_of(const element& entry) {
  const std::string type = text_at(entry, "@type");
  if (type == "currentStatus") return done_of(entry);
  if (type == "queryDescription") return explained_of(entry);
  if (type == "streams" || type == "tables") {
    StatementResult::Sources sources{.tables = type == "tables", .sources = {}};
    each_of(entry, type, [&](const element& source) { sources.sources.push_back(source_of(source)); });
    return sources;
  }
  if (type == "sourceDescription") {
    element source;
    if (entry["sourceDescription"].get(source) != simdjson::SUCCESS) return std::nullopt;
    return source_of(source);
  }
  if (type == "kafka_topics") {
    StatementResult::Topics topics;
    each_of(entry, "topics", [&](const element& topic) {
      array replicas;
      const bool has_replicas = topic["replicaInfo"].get(replicas) == simdjson::SUCCESS;
      topics.topics.push_back({text_at(topic, "name"), has_replicas ? static_cast<int32_t>(replicas.size()) : 0});
    });
    return topics;
  }
  if (type == "queries") {
    StatementResult::Queries queries;
    each_of(entry, "queries", [&](const element& query) { queries.queries.push_back(query_of(query)); });
    return queries;
  }
  if (type == "properties") {
    StatementResult::Properties properties;
    each_of(entry, "properties", [&](const element& property) {
      properties.values[text_at(property, "name")] = text_at(property, "value");
    });
    return properties;
  }
  if (type == "function_names") {
    StatementResult::Functions functions;
    each_of(entry, "functions", [&](const element& function) { functions.names.push_back(text_at(function, "name")); });
    return functions;
  }
  return std::nullopt;
}

std::vector<StatementResult> results_of(const array& entries) {
  std::vector<StatementResult> results;
  for (const element entry : entries) {
    auto content = content_of(entry);
    if (content) results.push_back({text_at(entry, "statementText"), *std::move(content)});
  }
  return results;
}

ErrorCode code_of(int error_code) {
  switch (static_cast<RestError>(error_code)) {
    case RestError::kNotFound:
      return ErrorCode::kNotFound;
    case RestError::kTooManyQueries:
    case RestError::kUnavailable:
      return ErrorCode::kUnavailable;
    case RestError::kServerError:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kInvalid;
  }
}

std::optional<Error> error_of(const element& answer) {
  const std::string message = text_at(answer, "message");
  if (message.empty()) return std::nullopt;
  return Error{code_of(static_cast<int>(integer_at(answer, "error_code", 0))), message};
}

}  // namespace

Error parse_error(int status, std::string_view body, std::vector<StatementResult>* before) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(body.data(), body.size(), true).get(answer) == simdjson::SUCCESS && answer.is_object()) {
    array entities;
    if (before != nullptr && answer["entities"].get(entities) == simdjson::SUCCESS) {
      for (StatementResult& result : results_of(entities)) before->push_back(std::move(result));
    }
    if (auto error = error_of(answer)) return *std::move(error);
  }
  const std::string message = fmt::format("the server answers with status {}: {}", status, body.substr(0, 200));
  return status >= 500 ? unavailable(message) : invalid(message);
}

Result<std::vector<StatementResult>> parse_results(std::string_view body) {
  simdjson::dom::parser parser;
  array entries;
  if (parser.parse(body.data(), body.size(), true).get(entries) != simdjson::SUCCESS) return no_answer(body);
  return results_of(entries);
}

Result<RowsHead> parse_rows_head(std::string_view line) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(line.data(), line.size(), true).get(answer) != simdjson::SUCCESS || !answer.is_object())
    return no_answer(line);
  if (auto error = error_of(answer)) return *std::move(error);
  RowsHead head;
  head.id = text_at(answer, "queryId");
  std::vector<std::string> types;
  const auto add_to = [](std::vector<std::string>& texts) {
    return [&texts](const element& item) {
      std::string_view text;
      texts.emplace_back(item.get(text) == simdjson::SUCCESS ? text : std::string_view());
    };
  };
  std::vector<std::string> names;
  each_of(answer, "columnNames", add_to(names));
  each_of(answer, "columnTypes", add_to(types));
  if (names.size() != types.size() || names.empty()) return no_answer(line);
  for (size_t index = 0; index < names.size(); ++index)
    head.columns.push_back({std::move(names[index]), sql_type(std::move(types[index]))});
  return head;
}

Result<QueryRow> parse_row(std::string_view line, const std::vector<QueryRows::Column>& columns) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(line.data(), line.size(), true).get(answer) != simdjson::SUCCESS) return no_answer(line);
  array values;
  if (answer.get(values) != simdjson::SUCCESS) {
    if (answer.is_object()) {
      if (auto error = error_of(answer)) return *std::move(error);
    }
    return no_answer(line);
  }
  QueryRow row;
  for (const element value : values) {
    if (row.size() == columns.size()) return no_answer(line);
    const bool is_double = columns[row.size()].type == "DOUBLE";
    QueryValue& cell = row.emplace_back();
    int64_t integer = 0;
    double number = 0;
    bool flag = false;
    std::string_view text;
    if (!is_double && value.get(integer) == simdjson::SUCCESS) {
      cell = integer;
    } else if (value.get(number) == simdjson::SUCCESS) {
      cell = number;
    } else if (value.get(flag) == simdjson::SUCCESS) {
      cell = flag;
    } else if (value.get(text) == simdjson::SUCCESS) {
      cell = std::string(text);
    } else if (!value.is_null()) {
      cell = simdjson::minify(value);
    }
  }
  if (row.size() != columns.size()) return no_answer(line);
  return row;
}

std::optional<std::pair<std::string, std::string>> parse_status(std::string_view body) {
  simdjson::dom::parser parser;
  element answer;
  if (parser.parse(body.data(), body.size(), true).get(answer) != simdjson::SUCCESS || !answer.is_object())
    return std::nullopt;
  return std::pair(text_at(answer, "status"), text_at(answer, "message"));
}

std::string json_object(const std::map<std::string, std::string>& texts) {
  std::string json = "{";
  for (const auto& [name, text] : texts) {
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    append_json_string(json, text);
  }
  return json + "}";
}

}  // namespace meterstream
