#include <fmt/format.h>

#include "base/check.h"
#include "metering/timestamp.h"
#include "stream/pass_processor.h"
#include "stream/pass_processor_output.h"
#include "stream/reading_decoder.h"

namespace meterstream {

void PassProcessor::choose_input(size_t partition) {
  const size_t input = inputs_.size() > 1 && partition >= options_.first_of_right ? 1 : 0;
  if (input == input_) return;
  std::swap(batch_, inputs_[input_].batch);
  std::swap(batch_, inputs_[input].batch);
  input_ = input;
}

void PassProcessor::make_join(SchemaStore& schemas) {
  const ViewSpec& view = spec_.views.front();
  CHECK(spec_.views.size() == 1 && view.is_stream() && view.lags.empty());
  inputs_.resize(2);
  for (const auto side : {StreamJoin::kLeft, StreamJoin::kRight}) {
    const StreamJoinSpec::Side& spec = side == StreamJoin::kLeft ? view.join->left : view.join->right;
    Input& input = inputs_[side];
    input.stream = spec.stream;
    input.rejected_partitions =
        side == StreamJoin::kLeft ? options_.rejected_partitions : options_.right_rejected_partitions;
    DecodeRequest request = request_of(input);
    const std::vector<bool> needed = StreamJoin::needed_columns(view, side);
    for (size_t column = 0; column < needed.size(); ++column) {
      if (needed[column]) request.needed[column] = true;
    }
    for (const size_t column : columns_of(*spec.key)) request.needed[column] = true;
    // It is the record's.
    if (spec.stream->key_column) request.needed[*spec.stream->key_column] = false;
    input.decoder = make_record_decoder(spec.stream->format, schemas, std::move(request));
  }
  place_of_view_ = {{0, 0}};
  chains_.push_back(std::make_unique<ViewChain>(std::vector<const ViewSpec*>{&view}, false, options_.partitions,
                                                budget_, options_.spill, 1, options_.tables));
  outputs_.push_back(std::make_unique<Output>(*this, *chains_.back()));
  join_ = std::make_unique<StreamJoin>(view, [this](DecodedBatch& joined) { return give_joined(joined); });
}

Status PassProcessor::join_rows(int64_t rejected, int64_t duplicates, int64_t conflicts, int64_t capped) {
  StreamJoin::Counts counts;
  const auto side = input_ == 0 ? StreamJoin::kLeft : StreamJoin::kRight;
  RETURN_IF_ERROR(join_->add(side, batch_, options_.partition_ids[batch_.partition], counts));
  const ViewSpec& view = spec_.views.front();
  for (const uint32_t row : counts.late) {
    const std::string reason = fmt::format(
        "late for {}: {} is more than the grace period of {} ms before {}, up to which both streams have come",
        view.name, format_timestamp(EventTime(batch_.event_times_ms[row])), view.join->grace_ms,
        format_timestamp(EventTime(batch_.watermark_after_ms[row])));
    write_late(view, batch_.record_of(row), fmt::format("{}|{}", view.name, source().topic), reason);
  }
  ViewAccounting& accounting = chains_.front()->accounting(0);
  accounting.read += static_cast<int64_t>(batch_.records.size());
  accounting.aggregated += counts.taken;
  accounting.filtered += counts.without_key;
  accounting.late += static_cast<int64_t>(counts.late.size());
  accounting.duplicate += duplicates;
  accounting.rejected += rejected;
  accounting.conflicts += conflicts;
  accounting.capped_ahead += capped;
  accounting.faults += counts.faults;
  return advance_join();
}

// The accounting is of the rows that are read, not of pairs.
Status PassProcessor::give_joined(DecodedBatch& joined) {
  ViewChain& chain = *chains_.front();
  const ViewAccounting before = chain.accounting(0);
  RETURN_IF_ERROR(chain.add(joined, false, *outputs_.front()));
  chain.accounting(0).aggregated = before.aggregated;
  chain.accounting(0).filtered = before.filtered;
  return {};
}

Status PassProcessor::advance_join() {
  return join_->advance(watermark_.current_ms());
}

}  // namespace meterstream
