#include "server/row_stage.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "server/row_evaluation.h"
#include "stream/reading_decoder.h"

namespace meterstream {

Status QueryMemory::check(std::string_view what) const {
  if (used_bytes_ + group_bytes_ <= most_bytes_) return {};
  return unavailable(fmt::format(
      "the query needs more than {} MB for {}; ask for fewer rows with WHERE, or let CREATE ... AS SELECT compute them "
      "as they come",
      most_bytes_ >> 20, what));
}

Result<bool> TableStage::next(RowBatch& batch) {
  batch.columns.clear();
  if (!has_more_) return false;
  has_more_ = table_->read(scan_, cursor_, batch.columns);
  return true;
}

TopicStage::TopicStage(const BoundQuery& scan, TopicCursor cursor, SchemaStore& schemas)
    : source_(scan.source),
      cursor_(std::move(cursor)),
      decoder_(make_record_decoder(source_->format, schemas, decode_request(*source_, scan.needed))) {}

Result<bool> TopicStage::next(RowBatch& batch) {
  batch.columns.clear();
  if (cursor_.at_end()) return false;
  PartitionId partition;
  ASSIGN_OR_RETURN(const bool has_records, cursor_.read(records_, partition));
  if (!has_records) return true;
  RETURN_IF_ERROR(decoder_->decode(records_.records, batch.columns));
  add_keys(*source_, records_.records, batch.columns);
  batch.records = records_.records;
  batch.partition = static_cast<size_t>(partition.value);
  return true;
}

}  // namespace meterstream
