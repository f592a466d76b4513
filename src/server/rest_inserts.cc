// POST /inserts-stream: rows in, one acknowledgement for each.
#include <algorithm>

#include <fmt/format.h>

#include "server/query_response.h"
#include "server/rest_api.h"
#include "server/rest_json.h"
#include "server/rest_request.h"

namespace meterstream {

namespace {

/// Rows of one transaction.
constexpr size_t kInsertBatch = 500;

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_blank(std::string_view line) {
  return std::ranges::all_of(line, [](char c) { return c == ' ' || c == '\t'; });
}

/// Inserts the rows of one request and writes what became of them.
class Inserts {
 public:
  Inserts(StatementService& service, std::string target) : service_(service), target_(std::move(target)) {}

  /// False: a row failed; those behind it are not inserted.
  bool add(std::string_view line) {
    auto row = parse_insert_row(line);
    if (!row) return flush() && refuse(RestError::kBadRequest, row.error().message);
    waiting_.push_back(*std::move(row));
    return waiting_.size() < kInsertBatch || flush();
  }

  bool flush() {
    if (waiting_.empty()) return true;
    std::vector<RestRow> rows;
    rows.swap(waiting_);
    const Status inserted = service_.insert(target_, rows);
    if (inserted) {
      for (size_t row = 0; row < rows.size(); ++row) acknowledge();
      return true;
    }
    // Nothing of a batch with a wrong row is written: the rows before that one are good on their own.
    const bool is_wrong = inserted.error().code == ErrorCode::kInvalid || inserted.error().code == ErrorCode::kNotFound;
    if (rows.size() == 1 || !is_wrong) return refuse(rest_error_of(inserted.error()), inserted.error().message);
    for (RestRow& row : rows) {
      const Status alone = service_.insert(target_, {std::move(row)});
      if (!alone) return refuse(rest_error_of(alone.error()), alone.error().message);
      acknowledge();
    }
    return true;
  }

  [[nodiscard]] const std::string& acknowledgements() const { return acknowledgements_; }
  void forget_acknowledgements() { acknowledgements_.clear(); }

 private:
  void acknowledge() {
    fmt::format_to(std::back_inserter(acknowledgements_), "{{\"status\":\"ok\",\"seq\":{}}}\n", sequence_++);
  }

  bool refuse(RestError error, std::string_view message) {
    std::string json = error_json(error, message);
    json.pop_back();
    acknowledgements_ += fmt::format("{},\"status\":\"error\",\"seq\":{}}}\n", json, sequence_++);
    return false;
  }

  StatementService& service_;
  const std::string target_;
  std::vector<RestRow> waiting_;
  std::string acknowledgements_;
  int64_t sequence_ = 0;
};

}  // namespace

void RestApi::insert(HttpResponder responder) {
  std::string_view body = responder.request().body;
  const auto refuse = [&](std::string_view message) {
    responder.send({.status = 400,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = error_json(RestError::kBadRequest, message)});
  };
  const auto target = parse_insert_target(take_line(body));
  if (!target) return refuse(target.error().message);
  // An empty insert tells whether there is such a stream.
  if (const Status exists = service_.insert(*target, {}); !exists) return refuse(exists.error().message);
  responder.start(200, {{"Content-Type", "application/vnd.ksqlapi.delimited.v1"}});
  Inserts inserts(service_, *target);
  ReaderWriter writer(responder, stopping_, options_.patience);
  bool goes_on = true;
  while (goes_on && !stopping_) {
    const bool has_ended = body.empty();
    if (has_ended) {
      goes_on = inserts.flush() && false;
    } else if (const std::string_view line = take_line(body); !is_blank(line)) {
      goes_on = inserts.add(line);
    }
    if (inserts.acknowledgements().empty()) continue;
    // Without a client nobody knows what was inserted: the rest is left.
    if (!writer.write(inserts.acknowledgements())) return;
    inserts.forget_acknowledgements();
  }
  if (!stopping_) responder.finish();
}

}  // namespace meterstream
