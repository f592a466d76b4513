#include "server/query_response.h"

#include <vector>

#include <fmt/format.h>

#include "metering/json_encoder.h"
#include "server/rest_json.h"

namespace meterstream {

namespace {

/// Rows of one call, at most; about what one write takes.
constexpr size_t kBatchRows = 1000;

std::string header_text(RowsForm form, const QueryRows& rows) {
  std::string text;
  if (form == RowsForm::kObjects) {
    std::string schema;
    for (const QueryRows::Column& column : rows.columns()) {
      if (!schema.empty()) schema += ", ";
      schema += fmt::format("`{}` {}", column.name, api_type(column.type));
    }
    text = R"([{"header":{"queryId":)";
    append_json_string(text, rows.id());
    text += R"(,"schema":)";
    append_json_string(text, schema);
    return text + "}}";
  }
  text = form == RowsForm::kArray ? "[{\"queryId\":" : "{\"queryId\":";
  append_json_string(text, rows.id());
  text += ",\"columnNames\":[";
  for (size_t index = 0; index < rows.columns().size(); ++index) {
    if (index > 0) text += ',';
    append_json_string(text, rows.columns()[index].name);
  }
  text += "],\"columnTypes\":[";
  for (size_t index = 0; index < rows.columns().size(); ++index) {
    if (index > 0) text += ',';
    append_json_string(text, api_type(rows.columns()[index].type));
  }
  return text + (form == RowsForm::kArray ? "]}" : "]}\n");
}

void append_row(RowsForm form, const QueryRow& row, std::string& text) {
  switch (form) {
    case RowsForm::kObjects:
      text += ",\n{\"row\":{\"columns\":";
      append_json_row(text, row);
      text += "}}";
      return;
    case RowsForm::kDelimited:
      append_json_row(text, row);
      text += '\n';
      return;
    case RowsForm::kArray:
      text += ',';
      append_json_row(text, row);
      return;
  }
}

std::string end_text(RowsForm form, const Status& outcome, bool is_push) {
  const std::string error = outcome ? "" : error_json(rest_error_of(outcome.error()), outcome.error().message);
  switch (form) {
    case RowsForm::kObjects:
      if (!outcome) return fmt::format(",\n{{\"row\":null,\"errorMessage\":{},\"finalMessage\":null}}]", error);
      return is_push ? ",\n{\"finalMessage\":\"Query Completed\"}]" : "]";
    case RowsForm::kDelimited:
      return outcome ? "" : error + "\n";
    case RowsForm::kArray:
      return outcome ? "]" : "," + error + "]";
  }
  return {};
}

}  // namespace

bool ReaderWriter::write(std::string_view text) {
  while (!stopping_) {
    const auto begin = std::chrono::steady_clock::now();
    // The server gives up a client that takes nothing for too long.
    const HttpWrite outcome = responder_.write(text, std::chrono::milliseconds(200));
    if (outcome == HttpWrite::kTaken) taken_bytes_ += text.size();
    waited_ += std::chrono::steady_clock::now() - begin;
    if (outcome != HttpWrite::kSlow) return outcome == HttpWrite::kTaken;
    if (!patience_) continue;
    const auto earned = std::chrono::seconds(taken_bytes_ / patience_->least_bytes_per_s);
    if (waited_ > patience_->grace + earned) return false;
  }
  return false;
}

RowsForm rows_form(std::string_view path, std::string_view accept) {
  // The first form that the client names; weights are not compared.
  const size_t objects =
      std::min(accept.find("application/vnd.ksql.v1+json"), accept.find("application/vnd.ksql.v2+json"));
  const size_t delimited = accept.find("application/vnd.ksqlapi.delimited.v1");
  const size_t array = accept.find("application/json");
  const size_t first = std::min(objects, std::min(delimited, array));
  if (first != std::string_view::npos && first == delimited) return RowsForm::kDelimited;
  if (path == "/query") return RowsForm::kObjects;
  if (first == std::string_view::npos) return RowsForm::kDelimited;
  return first == objects ? RowsForm::kObjects : RowsForm::kArray;
}

std::string_view content_type(RowsForm form) {
  switch (form) {
    case RowsForm::kObjects:
      return "application/vnd.ksql.v1+json";
    case RowsForm::kDelimited:
      return "application/vnd.ksqlapi.delimited.v1";
    case RowsForm::kArray:
      return "application/json";
  }
  return "";
}

void stream_rows(RowsForm form, const std::shared_ptr<QueryRows>& rows, HttpResponder responder,
                 const std::atomic<bool>& stopping, std::optional<ReaderPatience> patience) {
  ReaderWriter writer(responder, stopping, patience);
  responder.start(200, {{"Content-Type", content_type(form)}});
  responder.on_client_change([query = std::weak_ptr(rows), is_push = rows->is_push()] {
    // Who has closed its side waits for an answer that ends, not for an endless one. A query that ends sees it when it writes.
    if (const auto open = query.lock(); open && is_push) open->close();
  });
  if (!writer.write(header_text(form, *rows))) return;
  std::vector<QueryRow> batch;
  std::string text;
  Status outcome;
  bool goes_on = true;
  while (goes_on) {
    batch.clear();
    text.clear();
    const auto next = rows->next(batch, kBatchRows, std::chrono::milliseconds(200));
    for (const QueryRow& row : batch) append_row(form, row, text);
    if (!next) outcome = next.error();
    goes_on = next && *next;
    if (!text.empty() && !writer.write(text)) return;
    if (stopping || responder.client() == HttpClient::kGone) return;
  }
  const std::string end = end_text(form, outcome, rows->is_push());
  if (!end.empty() && !writer.write(end)) return;
  responder.finish();
}

}  // namespace meterstream
