// Purpose: what a shell or a server is told at run time, one statement at a time: CREATE, DROP, INSERT, queries, questions.
//          Files that are run whole are read by sql/parser.h.
// Errors: kInvalid with file:line:column, the line and a caret.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"

namespace meterstream {

namespace ast {

/// CREATE [OR REPLACE] STREAM, TABLE or SINK [IF NOT EXISTS]
struct CreateSource {
  /// A CreateStream, CreateTable or CreateSink.
  Statement definition;
  bool or_replace = false;
  bool if_not_exists = false;
  Identifier name;
};

/// DROP kind [IF EXISTS] name [DELETE TOPIC]
struct DropSource {
  enum class Kind : uint8_t { kStream, kTable, kSink } kind = Kind::kStream;
  bool if_exists = false;
  bool deletes_topic = false;
  Identifier name;
};

/// TERMINATE, PAUSE or RESUME id | ALL
struct ControlQuery {
  enum class Action : uint8_t { kTerminate, kPause, kResume } action = Action::kTerminate;
  std::string id;  ///< empty: all
  Position position;
};

/// SELECT ... [EMIT CHANGES] [LIMIT n]
struct Query {
  CreateTable select;
  std::optional<int64_t> limit;
};

/// LIST or SHOW what
struct ListObjects {
  enum class What : uint8_t { kStreams, kTables, kTopics, kQueries, kProperties, kFunctions, kVariables };
  What what = What::kStreams;
  bool extended = false;
};

/// DESCRIBE name [EXTENDED]
struct Describe {
  Identifier name;
  bool extended = false;
};

/// EXPLAIN name or query id, or of a query.
struct ExplainQuery {
  Identifier target;
  std::optional<Query> query;
};

/// PRINT topic [FROM BEGINNING] [INTERVAL n] [LIMIT n]
struct PrintTopic {
  std::string topic;
  bool from_beginning = false;
  int64_t interval = 1;  ///< every n-th record
  std::optional<int64_t> limit;
  Position position;
};

/// SET 'name' = 'value' or, without a value, UNSET 'name'
struct SetProperty {
  std::string name;
  std::optional<std::string> value;
  Position position;
};

/// DEFINE name = 'value' or, without a value, UNDEFINE name
struct DefineVariable {
  std::string name;
  std::optional<std::string> value;
};

using Command = std::variant<CreateSource, DropSource, ControlQuery, InsertValues, InsertQuery, Query, ListObjects,
                             Describe, ExplainQuery, PrintTopic, SetProperty, DefineVariable>;

}  // namespace ast

/// One statement of a text. It owns the text that it was read from.
class ParsedStatement {
 public:
  ParsedStatement(std::string padded, std::string file_name, size_t first_line)
      : padded_(std::move(padded)), file_name_(std::move(file_name)), first_line_(first_line) {}

  /// Without the blanks around it and without its semicolon; variables have their values.
  [[nodiscard]] std::string_view text() const;
  /// For messages with places.
  [[nodiscard]] SourceText source() const { return {padded_, file_name_, first_line_}; }

  ast::Command command;

 private:
  std::string padded_;
  std::string file_name_;
  size_t first_line_;
};

/// A part of a larger text, up to a semicolon outside of quotes and comments.
struct StatementPart {
  std::string_view text;  ///< without the semicolon
  size_t first_line = 1;
  size_t column = 0;  ///< bytes before it in its first line
  /// False: the text ends without a semicolon.
  bool is_complete = true;
};

/// Parts without words (blanks and comments only) are left out.
std::vector<StatementPart> split_statements(std::string_view text);

/// Every ${name} by its value. kInvalid for a name without one.
Result<std::string> with_variables(std::string_view text, const std::map<std::string, std::string>& variables);

/// As it stands: ${name} means nothing.
Result<ParsedStatement> parse_statement(const StatementPart& part, std::string_view file_name);
/// With the values of the variables in it.
Result<ParsedStatement> parse_statement(const StatementPart& part, std::string_view file_name,
                                        const std::map<std::string, std::string>& variables);

}  // namespace meterstream
