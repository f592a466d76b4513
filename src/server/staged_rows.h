// Purpose: rows of a pull query with joins or groups.
// Thread-safety: as QueryRows. Ownership: log, tables and schemas must outlive them.
// Errors: as RowStage.
#pragma once

#include <functional>
#include <memory>

#include "server/row_stage.h"
#include "server/statement_service.h"

namespace meterstream {

/// Gives the rows of one source: what scan_of() says of it.
using OpenScan = std::function<Result<std::unique_ptr<RowStage>>(BoundQuery scan)>;

/// `most_bytes`: of what the query holds in memory.
Result<std::unique_ptr<QueryRows>> staged_rows(BoundQuery query, const OpenScan& open_scan,
                                               std::shared_ptr<RunningQuery> running, size_t most_bytes);

}  // namespace meterstream
