#include "server/remote_service.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "metering/json_encoder.h"
#include "server/remote_json.h"
#include "server/rest_json.h"
#include "sql/statement.h"

namespace meterstream {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(200);
constexpr std::string_view kDelimited = "application/vnd.ksqlapi.delimited.v1";

std::string statements_json(std::string_view member, std::string_view text, const StatementProperties& properties) {
  std::string json = fmt::format("{{\"{}\":", member);
  append_json_string(json, text);
  json += fmt::format(",\"streamsProperties\":{},\"sessionVariables\":{}}}", json_object(properties.properties),
                      json_object(properties.variables));
  return json;
}

/// The server does not know what the text is called here.
Error renamed(Error error, const std::string& text_name) {
  constexpr std::string_view kServerName = "sql:";
  if (error.message.starts_with(kServerName))
    error.message = text_name + ":" + error.message.substr(kServerName.size());
  return error;
}

/// What the server tells nothing about.
std::optional<StatementResult> silent_result(const StatementPart& part, const StatementProperties& properties) {
  const auto statement = parse_statement(part, properties.text_name, properties.variables);
  if (!statement) return std::nullopt;
  StatementResult::Done done;
  if (const auto* rows = std::get_if<ast::InsertValues>(&statement->command)) {
    done.message = fmt::format("{} row{} written into {}", rows->rows.size(), rows->rows.size() == 1 ? "" : "s",
                               rows->target.text);
  } else if (const auto* set = std::get_if<ast::SetProperty>(&statement->command)) {
    done.message = fmt::format("'{}' is {} for the statements that follow", set->name,
                               set->value ? fmt::format("'{}'", *set->value) : "its default");
  } else if (const auto* variable = std::get_if<ast::DefineVariable>(&statement->command)) {
    done.message = fmt::format("variable {} {}", variable->name, variable->value ? "defined" : "undefined");
  } else {
    return std::nullopt;
  }
  return StatementResult{std::string(statement->text()), std::move(done)};
}

class RemoteRows final : public QueryRows {
 public:
  RemoteRows(std::unique_ptr<ClientExchange> exchange, std::string rest, RowsHead head, bool is_push)
      : exchange_(std::move(exchange)), head_(std::move(head)), is_push_(is_push), text_(std::move(rest)) {}

  [[nodiscard]] const std::string& id() const override { return head_.id; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return head_.columns; }
  [[nodiscard]] bool is_push() const override { return is_push_; }
  void close() override { is_closed_ = true; }

  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const size_t before = rows.size();
    while (!is_closed_) {
      ASSIGN_OR_RETURN(const bool has_taken, take_lines(rows, before + most));
      if (has_taken || rows.size() == before + most) return true;
      if (is_whole_) return false;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left <= std::chrono::milliseconds(0)) return true;
      ASSIGN_OR_RETURN(const bool has_more, exchange_->read(text_, std::min(left, kLookAgain)));
      is_whole_ = !has_more;
    }
    return false;
  }

 private:
  /// Whole lines; whether there was one.
  Result<bool> take_lines(std::vector<QueryRow>& rows, size_t most) {
    size_t begin = 0;
    bool has_taken = false;
    while (rows.size() < most) {
      const size_t end = text_.find('\n', std::max(begin, looked_));
      if (end == std::string::npos) {
        looked_ = text_.size();
        break;
      }
      const std::string_view line = std::string_view(text_).substr(begin, end - begin);
      if (!line.empty()) {
        ASSIGN_OR_RETURN(QueryRow row, parse_row(line, head_.columns));
        rows.push_back(std::move(row));
        has_taken = true;
      }
      begin = end + 1;
    }
    text_.erase(0, begin);
    looked_ -= std::min(looked_, begin);
    return has_taken;
  }

  std::unique_ptr<ClientExchange> exchange_;
  RowsHead head_;
  bool is_push_;
  std::string text_;
  size_t looked_ = 0;  ///< no line ends before it
  bool is_whole_ = false;
  std::atomic<bool> is_closed_ = false;
};

}  // namespace

HttpHeaders RemoteService::headers(std::string_view accept) const {
  HttpHeaders headers = {{"Content-Type", "application/json"}, {"Accept", accept}, {"User-Agent", "meterstream"}};
  if (!options_.authorization.empty()) headers.add("Authorization", options_.authorization);
  return headers;
}

Result<RemoteService::Answer> RemoteService::ask(const std::string& method, const std::string& target,
                                                 const std::string& body) const {
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  ASSIGN_OR_RETURN(const auto exchange, ClientExchange::send(options_.peer, method, target, headers("application/json"),
                                                             body, options_.timeout));
  Answer answer{.status = exchange->status(), .body = {}};
  bool has_more = true;
  while (has_more) {
    ASSIGN_OR_RETURN(has_more, exchange->read(answer.body, kLookAgain));
    if (has_more && std::chrono::steady_clock::now() > deadline)
      return unavailable(fmt::format("the server {} did not end its answer in time", options_.peer.text()));
  }
  if (answer.status == 401) {
    return invalid(fmt::format("the server {} lets in who has its token or login: give --token-file or --login-file",
                               options_.peer.text()));
  }
  return answer;
}

Status RemoteService::check() {
  ASSIGN_OR_RETURN(const Answer answer, ask("GET", "/info", ""));
  if (answer.status != 200) return parse_error(answer.status, answer.body);
  if (answer.body.find("KsqlServerInfo") == std::string::npos)
    return invalid(fmt::format("{} is no server of ksqlDB's API", options_.peer.text()));
  return {};
}

Status RemoteService::execute(std::string_view text, const StatementProperties& properties,
                              std::vector<StatementResult>& results) {
  ASSIGN_OR_RETURN(const Answer answer, ask("POST", "/ksql", statements_json("ksql", text, properties)));
  if (answer.status != 200) return renamed(parse_error(answer.status, answer.body, &results), properties.text_name);
  ASSIGN_OR_RETURN(std::vector<StatementResult> told, parse_results(answer.body));
  const std::vector<StatementPart> parts = split_statements(text);
  if (told.empty() && parts.size() == 1) {
    if (auto silent = silent_result(parts.front(), properties)) told.push_back(*std::move(silent));
  }
  for (StatementResult& result : told) results.push_back(std::move(result));
  return {};
}

Result<std::unique_ptr<QueryRows>> RemoteService::query(std::string_view text, const StatementProperties& properties) {
  const std::vector<StatementPart> parts = split_statements(text);
  if (parts.size() != 1) return invalid(fmt::format("a query is one statement, these are {}", parts.size()));
  ASSIGN_OR_RETURN(const ParsedStatement statement,
                   parse_statement(parts.front(), properties.text_name, properties.variables));
  const auto* select = std::get_if<ast::Query>(&statement.command);
  const bool is_push = select == nullptr || select->select.emit == ast::Emit::kChanges;
  ASSIGN_OR_RETURN(auto exchange,
                   ClientExchange::send(options_.peer, "POST", "/query-stream", headers(kDelimited),
                                        statements_json("sql", text, properties), options_.query_timeout));
  const int status = exchange->status();
  std::string body;
  bool has_more = true;
  const auto deadline = std::chrono::steady_clock::now() + options_.query_timeout;
  while (has_more && (status != 200 || body.find('\n') == std::string::npos)) {
    ASSIGN_OR_RETURN(has_more, exchange->read(body, kLookAgain));
    if (std::chrono::steady_clock::now() > deadline)
      return unavailable(fmt::format("the server {} did not begin its rows in time", options_.peer.text()));
  }
  if (status == 401) return invalid("the server lets in who has its token or login: give --token-file or --login-file");
  if (status != 200) return renamed(parse_error(status, body), properties.text_name);
  const size_t end = std::min(body.find('\n'), body.size());
  auto head = parse_rows_head(std::string_view(body).substr(0, end));
  if (!head) return renamed(head.error(), properties.text_name);
  return std::unique_ptr<QueryRows>(std::make_unique<RemoteRows>(
      std::move(exchange), body.substr(std::min(end + 1, body.size())), *std::move(head), is_push));
}

Status RemoteService::close_query(std::string_view id) {
  std::string body = "{\"queryId\":";
  append_json_string(body, id);
  ASSIGN_OR_RETURN(const Answer answer, ask("POST", "/close-query", body + "}"));
  if (answer.status != 200) return parse_error(answer.status, answer.body);
  return {};
}

Status RemoteService::insert(std::string_view source, const std::vector<std::map<std::string, QueryValue>>& rows) {
  std::string body = "{\"target\":";
  append_json_string(body, source);
  body += "}\n";
  for (const auto& row : rows) {
    body += '{';
    bool is_first = true;
    for (const auto& [name, value] : row) {
      if (!is_first) body += ',';
      is_first = false;
      append_json_string(body, name);
      body += ':';
      append_json_value(body, value);
    }
    body += "}\n";
  }
  ASSIGN_OR_RETURN(const Answer answer, ask("POST", "/inserts-stream", body));
  if (answer.status != 200) return parse_error(answer.status, answer.body);
  // A line for each row; a refused one tells why, and is the last.
  size_t written = 0;
  for (std::string_view rest = answer.body; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto told = parse_status(line);
    if (!told) continue;
    if (told->first != "ok") return invalid(told->second);
    ++written;
  }
  if (written == rows.size()) return {};
  return unavailable(fmt::format("the server acknowledged {} of {} rows", written, rows.size()));
}

std::optional<std::pair<std::string, std::string>> RemoteService::status(std::string_view command_id) {
  const auto answer = ask("GET", fmt::format("/status/{}", command_id), "");
  if (!answer || answer->status != 200) return std::nullopt;
  return parse_status(answer->body);
}

Result<int64_t> RemoteService::await_queries(std::chrono::milliseconds /*timeout*/) {
  return 0;
}

bool RemoteService::is_healthy() {
  const auto answer = ask("GET", "/healthcheck", "");
  return answer && answer->status == 200;
}

}  // namespace meterstream
