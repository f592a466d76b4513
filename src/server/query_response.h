// Purpose: rows of a query as the body of a streamed response, in the three forms of ksqlDB's API.
// Thread-safety: a form is used by one thread; stream_rows() waits for rows and for the client.
#pragma once

#include <atomic>
#include <memory>
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

/// Streams until the query ends, the client goes or `stopping`. Closing `rows` from elsewhere ends it in good order.
void stream_rows(RowsForm form, const std::shared_ptr<QueryRows>& rows, HttpResponder responder,
                 const std::atomic<bool>& stopping);

}  // namespace meterstream
