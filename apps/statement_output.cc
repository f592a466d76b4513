#include "apps/statement_output.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "apps/json_text.h"
#include "apps/terminal_table.h"
#include "server/rest_json.h"

namespace meterstream {
namespace {

constexpr size_t kWidestColumn = 60;

std::string text_of(const QueryValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return escaped(*text);
  return "NULL";
}

std::string_view name_of(QueryDescription::State state) {
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

/// A table for people, or its rows as JSON objects with the titles as names.
class Listing {
 public:
  explicit Listing(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  void print(const CommandContext& context) const {
    if (context.json) {
      for (const auto& row : rows_) {
        std::string line;
        for (size_t index = 0; index < row.size(); ++index) {
          line += json_member(titles_[index], index == 0);
          append_json_string(line, row[index]);
        }
        fmt::print("{}}}\n", line);
      }
      return;
    }
    if (rows_.empty()) {
      fmt::print("none\n");
      return;
    }
    std::vector<TerminalTable::Column> columns;
    columns.reserve(titles_.size());
    for (const std::string& title : titles_) columns.push_back({title});
    TerminalTable table(std::move(columns));
    for (const auto& row : rows_) table.add_row(row);
    fmt::print("{}", table.text(context.output));
  }

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

class ResultPrinter {
 public:
  explicit ResultPrinter(const CommandContext& context) : context_(context) {}

  void operator()(const StatementResult::Done& done) const {
    if (context_.json) {
      fmt::print("{{\"message\":{},\"queryId\":{}}}\n", json_string(done.message), json_string(done.query_id));
    } else {
      fmt::print("{}\n", done.message);
    }
  }
  void operator()(const StatementResult::Sources& sources) const {
    Listing list({"name", "topic", "key", "value", "windows", "filled by"});
    for (const SourceDescription& source : sources.sources)
      list.add({source.name, source.topic, source.key_format, source.value_format, source.is_windowed ? "yes" : "no",
                source.query_id});
    list.print(context_);
  }
  void operator()(const SourceDescription& source) const {
    Listing list({"column", "type", "key"});
    for (const SourceDescription::Column& column : source.columns)
      list.add({column.name, column.type, column.is_key ? "key" : ""});
    if (!context_.json)
      fmt::print("{} over topic {} ({} partitions)\n\n", source.name, source.topic, source.partitions);
    list.print(context_);
    if (context_.json) return;
    if (!source.timestamp_column.empty()) fmt::print("\nevent time: {}\n", source.timestamp_column);
    if (!source.query_id.empty()) fmt::print("filled by: {}\n", source.query_id);
    if (!source.readers.empty()) fmt::print("read by: {}\n", fmt::join(source.readers, ", "));
    fmt::print("statement: {}\n", source.statement);
    for (const auto& [name, value] : source.statistics) fmt::print("{}: {}\n", name, value);
  }
  void operator()(const StatementResult::Topics& topics) const {
    Listing list({"topic", "partitions"});
    for (const TopicSummary& topic : topics.topics) list.add({topic.name, fmt::format("{}", topic.partitions)});
    list.print(context_);
  }
  void operator()(const StatementResult::Queries& queries) const {
    Listing list({"query", "state", "fills", "topic", "statement", "error"});
    for (const QueryDescription& query : queries.queries)
      list.add({query.id, std::string(name_of(query.state)), query.sink, query.topic, escaped(query.statement),
                escaped(query.error)});
    list.print(context_);
  }
  void operator()(const StatementResult::Properties& properties) const {
    Listing list({"name", "value"});
    for (const auto& [name, value] : properties.values) list.add({name, value});
    list.print(context_);
  }
  void operator()(const StatementResult::Functions& functions) const {
    Listing list({"function"});
    for (const std::string& name : functions.names) list.add({name});
    list.print(context_);
  }
  void operator()(const StatementResult::Explained& explained) const {
    if (context_.json) {
      fmt::print("{{\"text\":{}}}\n", json_string(explained.text));
      return;
    }
    fmt::print("{}", explained.text);
    if (explained.query) fmt::print("query {}: {}\n", explained.query->id, name_of(explained.query->state));
  }

 private:
  const CommandContext& context_;
};

}  // namespace

void print_result(const StatementResult& result, const CommandContext& context) {
  std::visit(ResultPrinter(context), result.content);
  std::fflush(stdout);
}

void RowPrinter::print_json(const QueryRow& row) const {
  std::string line;
  for (size_t index = 0; index < row.size(); ++index) {
    line += json_member(columns_[index].name, index == 0);
    append_json_value(line, row[index]);
  }
  fmt::print("{}}}\n", line);
}

void RowPrinter::print_header(const std::vector<std::vector<std::string>>& rows) {
  std::string titles;
  std::string rule;
  for (size_t index = 0; index < columns_.size(); ++index) {
    size_t width = display_width(columns_[index].name);
    for (const auto& row : rows) width = std::max(width, std::min(kWidestColumn, display_width(row[index])));
    widths_.push_back(width);
    titles += padded_right(columns_[index].name, width) + "  ";
    for (size_t at = 0; at < width; ++at) rule += context_.output.unicode ? "─" : "-";
    rule += "  ";
  }
  for (std::string* line : {&titles, &rule}) {
    while (line->ends_with(' ')) line->pop_back();
  }
  fmt::print("{}\n{}\n", titles, rule);
}

void RowPrinter::print(const std::vector<QueryRow>& rows) {
  if (rows.empty()) return;
  rows_ += rows.size();
  if (context_.json) {
    for (const QueryRow& row : rows) print_json(row);
  } else {
    std::vector<std::vector<std::string>> texts;
    for (const QueryRow& row : rows) {
      std::vector<std::string>& cells = texts.emplace_back();
      for (const QueryValue& value : row) cells.push_back(text_of(value));
    }
    if (widths_.empty()) print_header(texts);
    for (const auto& cells : texts) {
      std::string line;
      for (size_t index = 0; index < cells.size(); ++index) {
        const bool is_number = columns_[index].type == "BIGINT" || columns_[index].type == "DOUBLE";
        line += is_number ? padded_left(cells[index], widths_[index]) : padded_right(cells[index], widths_[index]);
        line += "  ";
      }
      while (line.ends_with(' ')) line.pop_back();
      fmt::print("{}\n", line);
    }
  }
  std::fflush(stdout);
}

}  // namespace meterstream
