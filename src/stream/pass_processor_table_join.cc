#include <utility>

#include "base/check.h"
#include "stream/pass_processor.h"
#include "stream/pass_processor_output.h"
#include "stream/reading_decoder.h"

namespace meterstream {
namespace {

const TableSpec& table_of(const TableJoinSpec& join, size_t side) {
  return side == TableJoin::kLeft ? *join.left.table : *join.right.table;
}

/// What of a stream a table has, too.
std::shared_ptr<const StreamSpec> topic_as_stream(const TableSpec& table) {
  auto stream = std::make_shared<StreamSpec>();
  stream->name = table.name;
  stream->topic = table.topic;
  stream->format = table.format;
  stream->delimiter = table.delimiter;
  stream->columns = table.columns;
  if (!table.is_computed) stream->key_column = table.key_column;
  return stream;
}

}  // namespace

void PassProcessor::make_table_join(SchemaStore& schemas) {
  const ViewSpec& view = spec_.views.front();
  CHECK(spec_.views.size() == 1 && view.is_stream() && view.lags.empty() && view.lookups.empty());
  inputs_.resize(2);
  for (const auto side : {TableJoin::kLeft, TableJoin::kRight}) {
    const TableSpec& table = table_of(*view.table_join, side);
    Input& input = inputs_[side];
    input.stream = topic_as_stream(table);
    input.rejected_partitions =
        side == TableJoin::kLeft ? options_.rejected_partitions : options_.right_rejected_partitions;
    DecodeRequest request;
    request.columns = table.columns;
    request.needed = TableJoin::columns_decoded(view, side);
    request.needed[table.key_column] = table.is_computed;
    request.takes_json_texts = table.is_computed;
    request.delimiter = table.delimiter;
    if (!table.is_computed) request.absent_column = table.key_column;
    input.decoder = make_record_decoder(table.format, schemas, std::move(request));
  }
  place_of_view_ = {{0, 0}};
  chains_.push_back(std::make_unique<ViewChain>(std::vector<const ViewSpec*>{&view}, false, options_.partitions,
                                                budget_, options_.spill, 1, options_.tables));
  outputs_.push_back(std::make_unique<Output>(*this, *chains_.back()));
  table_join_ = TableJoin::make(view);
}

// In the order of the records: a row, a deletion or a record that is rejected.
Status PassProcessor::change_tables() {
  const auto side = input_ == 0 ? TableJoin::kLeft : TableJoin::kRight;
  const TableSpec& table = table_of(*spec_.views.front().table_join, side);
  ViewAccounting& accounting = chains_.front()->accounting(0);
  int64_t faults = 0;
  table_join_->prepare(side, batch_.columns, faults);
  accounting.faults += faults;
  std::vector<RejectedRecord> told = std::move(batch_.columns.rejected);
  batch_.columns.rejected.clear();
  size_t next_told = 0;
  uint32_t row = 0;
  for (uint32_t index = 0; index < batch_.records.size(); ++index) {
    const RecordView& record = batch_.records[index];
    const bool has_row = row < batch_.columns.rows && batch_.columns.record_index[row] == index;
    while (next_told < told.size() && told[next_told].record_index < index) ++next_told;
    if (!record.has_key()) {
      batch_.columns.rejected.push_back({index, "no key: the key of a table's row is the record's"});
    } else if (record.is_tombstone()) {
      table_join_->erase(side, record);
    } else if (!has_row) {
      CHECK(next_told < told.size());
      batch_.columns.rejected.push_back(std::move(told[next_told]));
    } else if (table.is_computed && batch_.columns.columns[table.key_column].is_null(row)) {
      // The result of a group without a key has the key of an empty text.
      ++accounting.filtered;
    } else {
      table_join_->put(side, record, batch_.columns, row);
    }
    if (has_row) ++row;
  }
  last_ingest_time_ = batch_.records.back().ingest_time;
  const auto read = static_cast<int64_t>(batch_.records.size());
  const auto rejected = static_cast<int64_t>(batch_.columns.rejected.size());
  accounting.read += read;
  accounting.rejected += rejected;
  accounting.aggregated = accounting.read - accounting.rejected - accounting.filtered;
  if (rejected > 0) write_rejected();
  return table_join_->give_changes(
      [this](DecodedBatch& joined, std::vector<char>& passed) { return give_table_rows(joined, passed); },
      [this](const RecordView& gone) { drop_table_row(gone); });
}

// The accounting is of the records that are read, not of rows of the result.
Status PassProcessor::give_table_rows(DecodedBatch& joined, std::vector<char>& passed) {
  ViewChain& chain = *chains_.front();
  const ViewAccounting before = chain.accounting(0);
  passed_ = &passed;
  Status added = chain.add(joined, false, *outputs_.front());
  passed_ = nullptr;
  RETURN_IF_ERROR(std::move(added));
  chain.accounting(0).aggregated = before.aggregated;
  chain.accounting(0).filtered = before.filtered;
  return {};
}

void PassProcessor::drop_table_row(const RecordView& gone) {
  outputs_.front()->tombstone(gone);
  ++chains_.front()->accounting(0).results;
}

}  // namespace meterstream
