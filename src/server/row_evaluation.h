// Purpose: the rows of a batch that pass a query's condition, as the query shows them.
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <vector>

#include "metering/record_decoder.h"
#include "server/statement_service.h"
#include "sql/query_binder.h"

namespace meterstream {

/// What of a source's records is decoded: `needed` columns, without the one that is the key.
DecodeRequest decode_request(const QuerySource& source, const std::vector<bool>& needed);

/// Fills the key column of rows that were decoded from `records`.
void add_keys(const QuerySource& source, std::span<const RecordView> records, ColumnBatch& batch);

/// `batch` has the source's columns, those that the query needs with values.
void append_rows(const BoundQuery& query, ColumnBatch& batch, std::vector<QueryRow>& rows);

QueryValue value_of(const Column& column, size_t row);

/// Name and type of what a query gives.
std::vector<QueryRows::Column> columns_of(const BoundQuery& query);

}  // namespace meterstream
