// Purpose: what a shell or a server asks of the running engine: carry out statements, answer queries. The engine behind it keeps
//          declared streams, tables and running queries, and a durable log of the statements that made them.
// Thread-safety: all methods may be called concurrently; execute() calls are carried out one after the other.
// Errors: kInvalid with position, line and caret for what is wrong in the text; kNotFound for what does not exist; those of the log.
// Guarantee: what execute() returned for is in the statement log; a restart restores it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "metering/column_batch.h"

namespace meterstream {

/// A stream, table or view as LIST and DESCRIBE show it.
struct SourceDescription {
  struct Column {
    std::string name;
    std::string type;  ///< as SQL writes it
    bool is_key = false;
  };
  std::string name;
  std::string statement;
  bool is_table = false;
  bool is_windowed = false;
  std::vector<Column> columns;
  std::string topic;
  std::string key_format;
  std::string value_format;
  std::string timestamp_column;
  int32_t partitions = 0;
  /// Of a CREATE ... AS SELECT: the query that fills it; else empty.
  std::string query_id;
  /// Queries that read it.
  std::vector<std::string> readers;
  /// Counters for DESCRIBE EXTENDED, name and value.
  std::vector<std::pair<std::string, std::string>> statistics;
};

struct QueryDescription {
  std::string id;
  std::string statement;
  std::string sink;  ///< name of the stream or table that it fills; empty for a push query
  std::string topic;
  enum class State : uint8_t { kRunning, kPaused, kError } state = State::kRunning;
  std::string error;
};

struct TopicSummary {
  std::string name;
  int32_t partitions = 0;
};

/// What one statement that is no query gave.
struct StatementResult {
  std::string statement;  ///< its text
  /// Of CREATE, DROP, INSERT, TERMINATE, PAUSE, RESUME, SET, DEFINE: what was done.
  struct Done {
    std::string message;
    std::string command_id;  ///< for GET /status, such as stream/NAME/create
    std::string query_id;
    int64_t sequence = -1;  ///< in the statement log
  };
  struct Sources {
    bool tables = false;
    std::vector<SourceDescription> sources;
  };
  struct Topics {
    std::vector<TopicSummary> topics;
  };
  struct Queries {
    std::vector<QueryDescription> queries;
  };
  struct Properties {
    std::map<std::string, std::string> values;
  };
  struct Functions {
    std::vector<std::string> names;
  };
  struct Explained {
    std::string text;
    std::optional<QueryDescription> query;
  };
  std::variant<Done, Sources, SourceDescription, Topics, Queries, Properties, Functions, Explained> content;
};

/// A cell of a result row; monostate is NULL.
using QueryValue = std::variant<std::monostate, bool, int64_t, double, std::string>;
using QueryRow = std::vector<QueryValue>;

/// Rows of a query as they come. Destroying it ends the query. One thread at a time; close() from any thread.
class QueryRows {
 public:
  struct Column {
    std::string name;
    std::string type;
  };
  virtual ~QueryRows() = default;
  [[nodiscard]] virtual const std::string& id() const = 0;
  [[nodiscard]] virtual const std::vector<Column>& columns() const = 0;
  /// A push query goes on until it is closed or its LIMIT is reached.
  [[nodiscard]] virtual bool is_push() const = 0;
  /// Appends what is there, at most `most`, waiting up to `timeout` for the first. False: there will be no more.
  virtual Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) = 0;
  virtual void close() = 0;
};

/// Settings of one call, such as "auto.offset.reset", and values of variables ${name}.
struct StatementProperties {
  std::map<std::string, std::string> properties;
  std::map<std::string, std::string> variables;
  /// Of the text, for messages: a file's name.
  std::string text_name = "sql";
};

class StatementService {
 public:
  virtual ~StatementService() = default;
  /// One or more statements, none of them SELECT or PRINT. What came before a failing one stays done: its results are appended.
  virtual Status execute(std::string_view text, const StatementProperties& properties,
                         std::vector<StatementResult>& results) = 0;
  /// One SELECT (a pull query, or with EMIT CHANGES a push query) or PRINT.
  virtual Result<std::unique_ptr<QueryRows>> query(std::string_view text, const StatementProperties& properties) = 0;
  /// Ends a push query that another caller started. kNotFound.
  virtual Status close_query(std::string_view id) = 0;
  /// Rows into a declared stream or table: by column name, in the order given. Acknowledged when durable.
  virtual Status insert(std::string_view source, const std::vector<std::map<std::string, QueryValue>>& rows) = 0;
  /// Of a statement by its command id: "QUEUED", "EXECUTING", "SUCCESS" or "ERROR" with a message.
  virtual std::optional<std::pair<std::string, std::string>> status(std::string_view command_id) = 0;
  /// Waits until the running queries have committed all that stands in the topics they read, at most so long. How many
  /// records are left; 0 where that is not known (a cluster).
  virtual Result<int64_t> await_queries(std::chrono::milliseconds timeout) = 0;
  /// Whether every query runs.
  virtual bool is_healthy() = 0;
};

}  // namespace meterstream
