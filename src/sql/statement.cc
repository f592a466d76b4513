#include "sql/statement.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "sql/parser.h"
#include "sql/token.h"

namespace meterstream {
namespace {

using T = Terminal;
using What = ast::ListObjects::What;

/// Reads the statements that no file has; CREATE, INSERT and SELECT are left to the grammar of files.
class CommandParser {
 public:
  CommandParser(const SourceText& source, std::string_view file_name, size_t first_line,
                const std::vector<Token>& tokens)
      : source_(source), file_name_(file_name), first_line_(first_line), tokens_(tokens) {}

  Result<ast::Command> parse() {
    if (is("CREATE")) return create();
    if (is("INSERT")) return insert();
    if (is("SELECT")) return query();
    ASSIGN_OR_RETURN(ast::Command command, other());
    if (!at_end()) return unexpected("the end of the statement");
    return command;
  }

 private:
  [[nodiscard]] const Token& token() const { return tokens_[at_]; }
  [[nodiscard]] bool at_end() const { return token().terminal == T::kEnd; }
  [[nodiscard]] ast::Position position() const { return {token().offset}; }
  [[nodiscard]] static bool is_word(const Token& token, std::string_view word) {
    return token.terminal != T::kQuotedName && token.terminal != T::kString && equals_ignoring_case(token.text, word);
  }
  [[nodiscard]] bool is(std::string_view word) const { return is_word(token(), word); }
  bool take(std::string_view word) {
    if (!is(word)) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] Error unexpected(std::string_view expected) const {
    const std::string found =
        token().terminal == T::kEnd ? std::string("the end of the statement") : shown(token().text);
    return source_.error_at(token().offset, fmt::format("expected {}, found {}", expected, found));
  }
  Status expect(std::string_view word) {
    if (take(word)) return {};
    return unexpected(word);
  }
  Result<ast::Identifier> name(std::string_view what = "a name") {
    if (!is_name(token().terminal)) return unexpected(what);
    const Token& word = tokens_[at_++];
    if (word.terminal == T::kQuotedName) return ast::Identifier{unquoted(word.text), true, {word.offset}};
    return ast::Identifier{std::string(word.text), false, {word.offset}};
  }
  Result<std::string> string(std::string_view what) {
    if (token().terminal != T::kString) return unexpected(what);
    return unquoted(tokens_[at_++].text);
  }
  Result<int64_t> count(std::string_view what) {
    int64_t number = 0;
    const std::string_view digits = token().text;
    if (token().terminal != T::kInteger) return unexpected(what);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || number < 1) return source_.error_at(token().offset, "the number must be 1 or more");
    ++at_;
    return number;
  }

  Result<ast::Command> other() {
    if (take("DROP")) return drop();
    if (take("TERMINATE")) return control(ast::ControlQuery::Action::kTerminate);
    if (take("PAUSE")) return control(ast::ControlQuery::Action::kPause);
    if (take("RESUME")) return control(ast::ControlQuery::Action::kResume);
    if (take("LIST") || take("SHOW")) return list();
    if (take("DESCRIBE")) return describe();
    if (take("EXPLAIN")) return explain();
    if (take("PRINT")) return print();
    if (take("SET")) return set(true);
    if (take("UNSET")) return set(false);
    if (take("DEFINE")) return define(true);
    if (take("UNDEFINE")) return define(false);
    constexpr std::array kFirstWords = {"CREATE", "INSERT", "SELECT", "DROP",    "TERMINATE", "PAUSE",
                                        "RESUME", "LIST",   "SHOW",   "PRINT",   "DESCRIBE",  "EXPLAIN",
                                        "SET",    "UNSET",  "DEFINE", "UNDEFINE"};
    const std::string nearest = nearest_name(token().text, kFirstWords);
    return unexpected(nearest.empty() ? "a statement, such as SELECT, CREATE, LIST or DESCRIBE" : nearest);
  }

  Result<ast::Command> drop() {
    ast::DropSource drop;
    if (take("TABLE")) {
      drop.kind = ast::DropSource::Kind::kTable;
    } else if (take("SINK")) {
      drop.kind = ast::DropSource::Kind::kSink;
    } else if (!take("STREAM")) {
      return unexpected("STREAM, TABLE or SINK");
    }
    if (take("IF")) {
      RETURN_IF_ERROR(expect("EXISTS"));
      drop.if_exists = true;
    }
    ASSIGN_OR_RETURN(drop.name, name());
    if (take("DELETE")) {
      RETURN_IF_ERROR(expect("TOPIC"));
      drop.deletes_topic = true;
    }
    return drop;
  }

  Result<ast::Command> control(ast::ControlQuery::Action action) {
    ast::ControlQuery control{action, {}, position()};
    ASSIGN_OR_RETURN(const ast::Identifier id, name("the id of a query, or ALL"));
    if (id.quoted || !equals_ignoring_case(id.text, "ALL")) control.id = id.text;
    return control;
  }

  Result<ast::Command> list() {
    constexpr std::array<std::pair<std::string_view, What>, 7> kKinds = {{{"STREAMS", What::kStreams},
                                                                          {"TABLES", What::kTables},
                                                                          {"TOPICS", What::kTopics},
                                                                          {"QUERIES", What::kQueries},
                                                                          {"PROPERTIES", What::kProperties},
                                                                          {"FUNCTIONS", What::kFunctions},
                                                                          {"VARIABLES", What::kVariables}}};
    ast::ListObjects list;
    take("ALL");
    for (const auto& [word, what] : kKinds) {
      if (!take(word)) continue;
      list.what = what;
      list.extended = take("EXTENDED");
      return list;
    }
    return unexpected("STREAMS, TABLES, TOPICS, QUERIES, PROPERTIES, FUNCTIONS or VARIABLES");
  }

  Result<ast::Command> describe() {
    ast::Describe describe;
    // EXTENDED may be a name, too.
    const bool is_prefix = is("EXTENDED") && is_name(tokens_[at_ + 1].terminal);
    if (is_prefix) describe.extended = take("EXTENDED");
    ASSIGN_OR_RETURN(describe.name, name());
    if (take("EXTENDED")) describe.extended = true;
    return describe;
  }

  Result<ast::Command> explain() {
    ast::ExplainQuery explain;
    if (is("SELECT")) {
      ASSIGN_OR_RETURN(ast::Command made, query());
      explain.query = std::get<ast::Query>(std::move(made));
      return explain;
    }
    ASSIGN_OR_RETURN(explain.target, name("a stream, a table, the id of a query, or SELECT"));
    return explain;
  }

  Result<ast::Command> print() {
    ast::PrintTopic print;
    print.position = position();
    if (token().terminal == T::kString) {
      ASSIGN_OR_RETURN(print.topic, string("a topic"));
    } else {
      ASSIGN_OR_RETURN(const ast::Identifier topic, name("a topic"));
      print.topic = topic.text;
    }
    if (take("FROM")) {
      RETURN_IF_ERROR(expect("BEGINNING"));
      print.from_beginning = true;
    }
    if (take("INTERVAL") || take("SAMPLE")) {
      ASSIGN_OR_RETURN(print.interval, count("a number of records"));
    }
    if (take("LIMIT")) {
      ASSIGN_OR_RETURN(print.limit, count("a number of records"));
    }
    return print;
  }

  Result<ast::Command> set(bool has_value) {
    ast::SetProperty property;
    property.position = position();
    ASSIGN_OR_RETURN(property.name, string("the name of a setting in quotes, such as 'auto.offset.reset'"));
    if (!has_value) return property;
    if (token().terminal != T::kEqual) return unexpected("'='");
    ++at_;
    ASSIGN_OR_RETURN(property.value, string("a value in quotes"));
    return property;
  }

  Result<ast::Command> define(bool has_value) {
    ast::DefineVariable variable;
    ASSIGN_OR_RETURN(const ast::Identifier own, name());
    variable.name = own.text;
    if (!has_value) return variable;
    if (token().terminal != T::kEqual) return unexpected("'='");
    ++at_;
    ASSIGN_OR_RETURN(variable.value, string("a value in quotes"));
    return variable;
  }

  /// The statement's text with tokens [begin, end) made blank.
  [[nodiscard]] static std::string without(std::string text, const std::vector<Token>& tokens, size_t begin,
                                           size_t end) {
    for (size_t index = begin; index < end; ++index)
      text.replace(tokens[index].offset, tokens[index].text.size(), tokens[index].text.size(), ' ');
    return text;
  }

  Result<ast::Command> create() {
    ast::CreateSource create;
    std::string text(source_.text());
    size_t next = at_ + 1;
    if (is_word(tokens_[next], "OR")) {
      if (!is_word(tokens_[next + 1], "REPLACE")) {
        at_ = next + 1;
        return unexpected("REPLACE");
      }
      create.or_replace = true;
      text = without(std::move(text), tokens_, next, next + 2);
      next += 2;
    }
    if (is_word(tokens_[next], "SOURCE")) ++next;
    if (tokens_[next].terminal != T::kEnd) ++next;  // STREAM, TABLE or SINK
    if (is_word(tokens_[next], "IF")) {
      at_ = next + 1;
      RETURN_IF_ERROR(expect("NOT"));
      RETURN_IF_ERROR(expect("EXISTS"));
      create.if_not_exists = true;
      text = without(std::move(text), tokens_, next, next + 3);
    }
    ASSIGN_OR_RETURN(ast::Script script, parse_sql(SourceText(text, file_name_, first_line_)));
    create.definition = std::move(script.statements.front());
    if (const auto* stream = std::get_if<ast::CreateStream>(&create.definition)) create.name = stream->name;
    if (const auto* table = std::get_if<ast::CreateTable>(&create.definition)) create.name = table->name;
    if (const auto* sink = std::get_if<ast::CreateSink>(&create.definition)) create.name = sink->name;
    return create;
  }

  Result<ast::Command> insert() {
    ASSIGN_OR_RETURN(ast::Script script, parse_sql(source_));
    ast::Statement& made = script.statements.front();
    if (auto* query = std::get_if<ast::InsertQuery>(&made)) return std::move(*query);
    return std::get<ast::InsertValues>(std::move(made));
  }

  /// Read as the SELECT of a stream whose CREATE stands in a line before.
  Result<ast::Command> query() {
    ast::Query query;
    std::string text(source_.text());
    for (size_t index = 0; index < at_; ++index) text = without(std::move(text), tokens_, index, index + 1);
    const size_t end = tokens_.size() - 1;
    if (end >= at_ + 2 && tokens_[end - 2].terminal == T::kLimit) {
      at_ = end - 1;
      ASSIGN_OR_RETURN(query.limit, count("a number of rows"));
      text = without(std::move(text), tokens_, end - 2, end);
    }
    at_ = tokens_.size() - 1;
    constexpr std::string_view kBefore = "CREATE STREAM q AS\n";
    text.insert(0, kBefore);
    ASSIGN_OR_RETURN(ast::Script script, parse_sql(SourceText(text, file_name_, first_line_ - 1)));
    query.select = std::get<ast::CreateTable>(std::move(script.statements.front()));
    shift(query.select, static_cast<uint32_t>(kBefore.size()));
    return query;
  }

  static void shift(ast::Identifier& identifier, uint32_t by) { identifier.position.offset -= by; }
  static void shift(ast::Expression& expression, uint32_t by) {
    expression.position.offset -= by;
    shift(expression.name, by);
    shift(expression.qualifier, by);
    for (ast::Expression& child : expression.children) shift(child, by);
  }
  /// Places as they are in the statement's own text.
  static void shift(ast::CreateTable& select, uint32_t by) {
    for (ast::SelectItem& item : select.items) {
      item.position.offset -= by;
      if (!item.star) shift(item.expression, by);
      if (item.alias) shift(*item.alias, by);
    }
    shift(select.source, by);
    if (select.source_alias) shift(*select.source_alias, by);
    for (ast::Join& join : select.joins) join.position.offset -= by;
    if (select.window) select.window->position.offset -= by;
    if (select.where) shift(*select.where, by);
    for (ast::Expression& group : select.group_by) shift(group, by);
    if (select.having) shift(*select.having, by);
    select.select_position.offset -= by;
  }

  const SourceText& source_;
  std::string_view file_name_;
  size_t first_line_;
  const std::vector<Token>& tokens_;
  size_t at_ = 0;
};

}  // namespace

Result<ParsedStatement> parse_statement(const StatementPart& part, std::string_view file_name,
                                        const std::map<std::string, std::string>& variables) {
  ASSIGN_OR_RETURN(const std::string text, with_variables(part.text, variables));
  return parse_statement({text, part.first_line, part.column, part.is_complete}, file_name);
}

Result<ParsedStatement> parse_statement(const StatementPart& part, std::string_view file_name) {
  ParsedStatement parsed(std::string(part.column, ' ') + std::string(part.text), std::string(file_name),
                         part.first_line);
  const SourceText source = parsed.source();
  ASSIGN_OR_RETURN(const std::vector<Token> tokens, tokenize(source));
  for (const Token& token : tokens) {
    if (token.terminal == T::kSemicolon)
      return source.error_at(token.offset, "a variable's value ends the statement here; it may be a part of one only");
  }
  ASSIGN_OR_RETURN(parsed.command, CommandParser(source, file_name, part.first_line, tokens).parse());
  return parsed;
}

}  // namespace meterstream
