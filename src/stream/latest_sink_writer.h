// Purpose: keeps the latest readings of a topic of readings (Avro or JSON, DESIGN's `metrics`) in a LatestTable.
// Guarantee: see SinkWriter; a table never goes back in time, so that repeats, and several tasks at once, change nothing.
// Thread-safety, blocking, errors: see the ports; kUnavailable also while the schema of a record cannot be asked for.
//         Records that are no readings, or whose time is beyond Options::max_ahead_ms, are rejected with the reason.
// Ownership: the schema store must outlive the writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "state/latest_content.h"
#include "state/latest_table.h"
#include "stream/sink_writer.h"
#include "stream/view_spec.h"

namespace meterstream {

class LatestSinkWriter final : public SinkWriter {
 public:
  struct Options {
    /// How the table is called, for the definition.
    std::string table;
    ValueFormat format = ValueFormat::kAvro;
    /// What the table was opened to keep, for the definition.
    LatestContent content = LatestContent::kActivityAndValues;
    /// A reading whose time is later than its arrival in the log by more than this is rejected: no later reading with a right
    /// time could replace it. 0: any time is taken.
    int64_t max_ahead_ms = 0;
  };

  LatestSinkWriter(std::unique_ptr<LatestTable> table, SchemaStore& schemas, Options options);

  /// Asks the table for something, so that one which is away or refuses is known before the first record.
  Status open(Offset next) override;
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override;
  Result<Offset> settle(Offset next, Settle how) override;
  [[nodiscard]] std::string definition() const override;

 private:
  [[nodiscard]] std::string fault_of(size_t row, const RecordView& record) const;

  std::unique_ptr<LatestTable> table_;
  Options options_;
  std::unique_ptr<RecordDecoder> decoder_;
  ColumnBatch batch_;
  std::vector<LatestReadingView> readings_;
};

}  // namespace meterstream
