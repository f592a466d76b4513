#include "server/rest_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/json_encoder.h"

namespace meterstream {

namespace {

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

/// A byte that is no UTF-8 becomes the sign for that.
std::string replaced_to_utf8(std::string_view text) {
  constexpr size_t kLongest = 4;
  std::string valid;
  while (!text.empty()) {
    size_t size = 1;
    while (size <= kLongest && size <= text.size() && !is_utf8(text.substr(0, size))) ++size;
    const bool is_good = size <= kLongest && size <= text.size();
    valid.append(is_good ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD"));
    text.remove_prefix(is_good ? size : 1);
  }
  return valid;
}

std::string json_text(std::string_view text) {
  std::string json;
  // Messages tell what a request said, and paths may be anything.
  if (is_utf8(text)) {
    append_json_string(json, text);
  } else {
    append_json_string(json, replaced_to_utf8(text));
  }
  return json;
}

/// The API's statements end with their semicolon.
std::string quoted_statement(std::string_view statement) {
  std::string text(statement);
  if (!text.empty() && !text.ends_with(';')) text += ';';
  return json_text(text);
}

std::string array_of(const auto& items, const auto& json_of) {
  std::string json = "[";
  for (const auto& item : items) {
    if (json.size() > 1) json += ',';
    json += json_of(item);
  }
  return json + "]";
}

std::string_view name_of_state(QueryDescription::State state) {
  switch (state) {
    case QueryDescription::State::kRunning:
      return "RUNNING";
    case QueryDescription::State::kPaused:
      return "PAUSED";
    case QueryDescription::State::kError:
      return "ERROR";
  }
  return "";
}

std::string query_json(const QueryDescription& query) {
  const std::string_view state = name_of_state(query.state);
  return fmt::format(
      R"({{"queryString":{},"sinks":[{}],"sinkKafkaTopics":[{}],"id":{},"statusCount":{{"{}":1}},"queryType":"{}","state":"{}","error":{}}})",
      quoted_statement(query.statement), query.sink.empty() ? "" : json_text(query.sink),
      query.topic.empty() ? "" : json_text(query.topic), json_text(query.id), state,
      query.sink.empty() ? "PUSH" : "PERSISTENT", state, query.error.empty() ? "null" : json_text(query.error));
}

std::string head(std::string_view type, const StatementResult& result) {
  return fmt::format(R"({{"@type":"{}","statementText":{})", type, quoted_statement(result.statement));
}

constexpr std::string_view kTail = R"(,"warnings":[]})";

std::string source_line(const SourceDescription& source) {
  return fmt::format(
      R"({{"type":"{}","name":{},"topic":{},"keyFormat":{},"valueFormat":{},"format":{},"isWindowed":{}}})",
      source.is_table ? "TABLE" : "STREAM", json_text(source.name), json_text(source.topic),
      json_text(source.key_format), json_text(source.value_format), json_text(source.value_format), source.is_windowed);
}

std::string field_json(const SourceDescription::Column& column) {
  return fmt::format(R"({{"name":{},"schema":{{"type":"{}","fields":null,"memberSchema":null}}{}}})",
                     json_text(column.name), api_type(column.type), column.is_key ? R"(,"type":"KEY")" : "");
}

std::string source_json(const SourceDescription& source) {
  std::string statistics;
  for (const auto& [name, value] : source.statistics) {
    if (!statistics.empty()) statistics += ", ";
    statistics.append(name).append(": ").append(value);
  }
  // A reader is known by its id here; LIST QUERIES has its text.
  const auto query_of_id = [](const std::string& id) { return query_json({.id = id, .statement = "", .sink = id}); };
  std::vector<std::string> writers;
  if (!source.query_id.empty()) writers.push_back(source.query_id);
  return fmt::format(
      R"({{"name":{},"windowType":null,"readQueries":{},"writeQueries":{},"fields":{},"type":"{}","key":{},"timestamp":{},)"
      R"("statistics":{},"errorStats":"","extended":{},"keyFormat":{},"valueFormat":{},"format":{},"topic":{},)"
      R"("partitions":{},"replication":1,"statement":{},"queryOffsetSummaries":[],"sourceConstraints":[]}})",
      json_text(source.name), array_of(source.readers, query_of_id), array_of(writers, query_of_id),
      array_of(source.columns, field_json), source.is_table ? "TABLE" : "STREAM",
      [&] {
        for (const auto& column : source.columns) {
          if (column.is_key) return json_text(column.name);
        }
        return std::string("\"\"");
      }(),
      json_text(source.timestamp_column), json_text(statistics), !source.statistics.empty(),
      json_text(source.key_format), json_text(source.value_format), json_text(source.value_format),
      json_text(source.topic), source.partitions, quoted_statement(source.statement));
}

/// The entry of one result; empty where there is none.
struct EntryOf {
  const StatementResult& result;

  std::string operator()(const StatementResult::Done& done) const {
    if (done.command_id.empty()) return {};
    return head("currentStatus", result) +
           fmt::format(
               R"(,"commandId":{},"commandStatus":{{"status":"SUCCESS","message":{},"queryId":{}}},"commandSequenceNumber":{})",
               json_text(done.command_id), json_text(done.message),
               done.query_id.empty() ? "null" : json_text(done.query_id), done.sequence) +
           std::string(kTail);
  }
  std::string operator()(const StatementResult::Sources& sources) const {
    const std::string_view name = sources.tables ? "tables" : "streams";
    return head(name, result) + fmt::format(R"(,"{}":{})", name, array_of(sources.sources, source_line)) +
           std::string(kTail);
  }
  std::string operator()(const SourceDescription& source) const {
    return head("sourceDescription", result) + R"(,"sourceDescription":)" + source_json(source) + std::string(kTail);
  }
  std::string operator()(const StatementResult::Topics& topics) const {
    const auto topic_json = [](const TopicSummary& topic) {
      return fmt::format(R"({{"name":{},"replicaInfo":{}}})", json_text(topic.name),
                         array_of(std::vector<int>(static_cast<size_t>(topic.partitions), 1),
                                  [](int replicas) { return std::to_string(replicas); }));
    };
    return head("kafka_topics", result) + R"(,"topics":)" + array_of(topics.topics, topic_json) + std::string(kTail);
  }
  std::string operator()(const StatementResult::Queries& queries) const {
    return head("queries", result) + R"(,"queries":)" + array_of(queries.queries, query_json) + std::string(kTail);
  }
  std::string operator()(const StatementResult::Properties& properties) const {
    const auto property_json = [](const auto& property) {
      return fmt::format(R"({{"name":{},"scope":"KSQL","value":{},"editable":true,"level":"QUERY"}})",
                         json_text(property.first), json_text(property.second));
    };
    return head("properties", result) + R"(,"properties":)" + array_of(properties.values, property_json) +
           R"(,"overwrittenProperties":[],"defaultProperties":[])" + std::string(kTail);
  }
  std::string operator()(const StatementResult::Functions& functions) const {
    const auto function_json = [](const std::string& name) {
      return fmt::format(R"({{"name":{},"type":"SCALAR","category":""}})", json_text(name));
    };
    return head("function_names", result) + R"(,"functions":)" + array_of(functions.names, function_json) +
           std::string(kTail);
  }
  std::string operator()(const StatementResult::Explained& explained) const {
    const QueryDescription query = explained.query.value_or(QueryDescription());
    return head("queryDescription", result) +
           fmt::format(
               R"(,"queryDescription":{{"id":{},"statementText":{},"windowType":null,"fields":[],"sources":[],"sinks":[{}],)"
               R"("topology":"","executionPlan":{},"overriddenProperties":{{}},"queryType":"PERSISTENT","state":"{}"}})",
               json_text(query.id), quoted_statement(query.statement.empty() ? result.statement : query.statement),
               query.sink.empty() ? "" : json_text(query.sink), json_text(explained.text), name_of_state(query.state)) +
           std::string(kTail);
  }
};

}  // namespace

int status_of(RestError error) {
  return static_cast<int>(error) / 100;
}

RestError rest_error_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict:
      return RestError::kBadStatement;
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
      return RestError::kUnavailable;
    case ErrorCode::kCorrupt:
    case ErrorCode::kOutOfRange:
      break;
  }
  return RestError::kServerError;
}

std::string error_json(RestError error, std::string_view message) {
  return fmt::format(R"({{"@type":"generic_error","error_code":{},"message":{}}})", static_cast<int>(error),
                     json_text(message));
}

std::string statement_error_json(RestError error, std::string_view message, std::string_view statement,
                                 const std::vector<StatementResult>& before) {
  return fmt::format(R"({{"@type":"statement_error","error_code":{},"message":{},"statementText":{},"entities":{}}})",
                     static_cast<int>(error), json_text(message), quoted_statement(statement), results_json(before));
}

std::string results_json(const std::vector<StatementResult>& results) {
  std::string json = "[";
  for (const StatementResult& result : results) {
    const std::string entry = std::visit(EntryOf{result}, result.content);
    if (entry.empty()) continue;
    if (json.size() > 1) json += ',';
    json += entry;
  }
  return json + "]";
}

std::string_view api_type(std::string_view sql_type) {
  return sql_type == "VARCHAR" ? "STRING" : sql_type;
}

void append_json_value(std::string& out, const QueryValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    append_json_number(out, *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_json_number(out, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_string(out, *text);
  } else {
    out += "null";
  }
}

void append_json_row(std::string& out, const QueryRow& row) {
  out += '[';
  for (size_t index = 0; index < row.size(); ++index) {
    if (index > 0) out += ',';
    append_json_value(out, row[index]);
  }
  out += ']';
}

}  // namespace meterstream
