// Purpose: rows that are written into declared streams and tables.
// Guarantee: the rows of one call are there together, or none, and durable.
// Errors: kInvalid with the row's number for values that do not fit; kNotFound for columns that do not exist; those of the log.
// Thread-safety: all methods may be called concurrently. Ownership: all must outlive it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "metering/schema_store.h"
#include "server/statement_catalog.h"
#include "sql/insert_binder.h"

namespace meterstream {

class RowInserter {
 public:
  RowInserter(EventLog& log, SchemaStore& schemas, const Clock& clock) : log_(log), schemas_(schemas), clock_(clock) {}

  /// `source` is declared and no sink. A stream's row without an event time gets the time now.
  Status insert(const CatalogSource& source, std::vector<InsertedRow> rows);
  Status insert(const CatalogSource& source, const std::vector<std::map<std::string, QueryValue>>& rows);

 private:
  EventLog& log_;
  SchemaStore& schemas_;
  const Clock& clock_;
};

}  // namespace meterstream
