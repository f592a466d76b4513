// Purpose: rows of a query as the body of a streamed response, in the three forms of ksqlDB's API.
// Thread-safety: a form is used by one thread; stream_rows() waits for rows and for the client.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/http_responder.h"
#include "server/statement_service.h"

namespace meterstream {

enum class RowsForm : uint8_t {
  kObjects,    ///< application/vnd.ksql.v1+json: [{"header":...},\n{"row":{"columns":[...]}},\n...]
  kDelimited,  ///< application/vnd.ksqlapi.delimited.v1: {"queryId":...}\n[...]\n
  kArray,      ///< application/json of /query-stream: [{"queryId":...},[...],...]
};

/// Of /query and /query-stream, by the Accept header of the request.
RowsForm rows_form(std::string_view path, std::string_view accept);
std::string_view content_type(RowsForm form);

/// How long a client may keep a thread waiting that others need.
struct ReaderPatience {
  std::chrono::milliseconds grace{30'000};
  /// Each byte that it takes gives it time at this rate.
  size_t least_bytes_per_s = size_t{64} * 1024;
};

/// Writes to a client that may read slowly. Without a patience only the server's own limits hold.
class ReaderWriter {
 public:
  ReaderWriter(HttpResponder& responder, const std::atomic<bool>& stopping, std::optional<ReaderPatience> patience)
      : responder_(responder), stopping_(stopping), patience_(patience) {}
  /// Waits. False: the client is gone or too slow, or the server stops.
  bool write(std::string_view text);

 private:
  HttpResponder& responder_;
  const std::atomic<bool>& stopping_;
  const std::optional<ReaderPatience> patience_;
  std::chrono::steady_clock::duration waited_{0};
  size_t taken_bytes_ = 0;
};

/// Streams until the query ends, the client goes or `stopping`. Closing `rows` from elsewhere ends it in good order.
void stream_rows(RowsForm form, const std::shared_ptr<QueryRows>& rows, HttpResponder responder,
                 const std::atomic<bool>& stopping, std::optional<ReaderPatience> patience);

}  // namespace meterstream
