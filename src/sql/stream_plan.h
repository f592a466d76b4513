// Purpose: from SQL text to what the stream engine runs. The only entry that applications need.
// Errors: kInvalid with file:line:column, the line and a caret, for everything that is wrong or not supported yet.
// Thread-safety: pure function.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/binder.h"
#include "sql/source_text.h"
#include "stream/view_spec.h"

namespace meterstream {

/// What a view is in each runtime, for people.
struct Explanation {
  std::string name;
  std::string plan;            ///< a line a node, see logical_plan.h
  std::string operators;       ///< of the stream engine
  Result<std::string> duckdb;  ///< the query, or why there is none
  Result<std::string> spark;   ///< the same, see batch_dialect.h
};

/// All of it but the name, with a heading for each part.
std::string to_text(const Explanation& explanation);

/// A SQL file ready to run, in the file's order.
struct Program {
  std::vector<std::shared_ptr<const StreamSpec>> streams;
  std::vector<ViewSpec> views;
  std::vector<SinkSpec> sinks;
  std::vector<InsertSpec> inserts;
  std::vector<Explanation> explanations;
  /// SET 'name'='value', the last one wins.
  std::map<std::string, std::string> settings;
};

/// Texts that are compiled one after the other: each sees what those before it declared.
class SqlSession {
 public:
  explicit SqlSession(StreamSpec stream_defaults = {}) : catalog_(std::move(stream_defaults)) {}
  /// After an error what the text declared before it stays.
  Result<Program> compile(std::string_view text, std::string_view file_name);

 private:
  Catalog catalog_;
};

/// `file_name` is for messages only. Streams declared without a time or partition option get it from `stream_defaults`.
Result<Program> compile_sql(std::string_view text, std::string_view file_name, const StreamSpec& stream_defaults = {});

/// Lowers bound statements, which the engine can run all of.
Program plan_streams(const BoundProgram& bound);

}  // namespace meterstream
