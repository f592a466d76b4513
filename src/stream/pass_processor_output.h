// Purpose: results, rows and late readings of one chain, written to the topics of its views. A part of PassProcessor.
// Thread-safety: none; one belongs to one chain of one task.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "metering/timestamp.h"
#include "stream/pass_processor.h"
#include "stream/projected_row_writer.h"
#include "stream/record_headers.h"
#include "stream/result_calculator.h"

namespace meterstream {

/// Results and late readings of one chain, written to the topics of its views.
class PassProcessor::Output final : public ViewOutput {
 public:
  Output(PassProcessor& pass, const ViewChain& chain) : pass_(pass), counts_(chain.views().size()) {
    std::vector<ColumnType> types;
    for (const ViewChain::Argument& argument : chain.arguments()) types.push_back(argument.type);
    for (size_t view = 0; view < chain.views().size(); ++view) {
      const ViewSpec& spec = *chain.views()[view];
      views_.push_back(&spec);
      days_.push_back(spec.has_local_days() ? std::make_unique<LocalDays>(spec.time_zone, spec.window_size_ms)
                                            : nullptr);
      calculators_.push_back(ResultCalculator::is_needed_for(spec)
                                 ? std::make_unique<ResultCalculator>(spec, chain.arguments_of(view), types)
                                 : nullptr);
      writers_.emplace_back(*chain.views()[view], chain.arguments_of(view), types);
      samples_.emplace_back(spec, chain.samples_of(view));
      row_writers_.emplace_back(spec.projection, spec.result_format, spec.result_delimiter);
      result_topics_.push_back(pass.output_.topic(chain.views()[view]->topic));
    }
  }

  Status emit(size_t view, std::string_view group_key, int64_t window_start_ms, const GroupState& state) override {
    const bool refined = views_[view]->emit == EmitMode::kChanges;
    const int64_t end_ms = days_[view] != nullptr ? days_[view]->window_of(window_start_ms).end_ms
                                                  : window_start_ms + views_[view]->window_size_ms;
    emit_window(view, group_key, {window_start_ms, end_ms, refined ? state.slot.rows : 0}, state);
    return {};
  }

  void emit_window(size_t view, std::string_view group_key, const ResultWindow& window,
                   const GroupState& state) override {
    ResultCalculator* calculator = calculators_[view].get();
    const std::vector<ScalarValue>& sampled = samples_[view].of(state, window.end_ms);
    if (calculator == nullptr) return write(view, group_key, window, state.slot, sampled, {});
    calculator->add(group_key, window, state.slot, sampled);
    if (calculator->is_full()) write_calculated(view, *calculator);
  }

  void retract(size_t view, std::string_view group_key, int64_t window_start_ms) override {
    // What waits was before it.
    if (calculators_[view] != nullptr) write_calculated(view, *calculators_[view]);
    const std::string_view key = writers_[view].key(group_key);
    headers_.clear();
    append_window_header(headers_, window_start_ms);
    if (pass_.options_.result_ids) append_result_id(headers_, views_[view]->name, key, window_start_ms, 0);
    pass_.output_.add(result_topics_[view], partition_for_key(key, views_[view]->partitions), key, {}, headers_,
                      pass_.last_ingest_time_);
    ++counts_[view].written;
  }

  ResultCounts take_counts(size_t view) override {
    if (calculators_[view] != nullptr) write_calculated(view, *calculators_[view]);
    counts_[view].faults += samples_[view].take_faults();
    return std::exchange(counts_[view], {});
  }

  void row(size_t view, const RecordView& record, const std::vector<const Column*>& columns, uint32_t row) override {
    headers_.clear();
    const PartitionId source = pass_.options_.partition_ids[pass_.batch_.partition];
    if (pass_.options_.result_ids && pass_.join_ != nullptr)
      append_pair_id(headers_, views_[view]->name, pass_.join_->id_of(row));
    else if (pass_.options_.result_ids)
      append_source_id(headers_, origin_of(view, record), source, record.offset);
    if (pass_.passed_ != nullptr) (*pass_.passed_)[row] = 1;
    const PartitionId target = record.has_key() ? partition_for_key(record.key, views_[view]->partitions)
                                                : PartitionId(source.value % views_[view]->partitions);
    pass_.output_.add(result_topics_[view], target, record.key, row_writers_[view].write(columns, row), headers_,
                      record.ingest_time);
  }

  /// The row of the key is gone; of a join of tables.
  void tombstone(const RecordView& record) {
    headers_.clear();
    const PartitionId source = pass_.options_.partition_ids[pass_.batch_.partition];
    if (pass_.options_.result_ids) append_source_id(headers_, origin_of(0, record), source, record.offset);
    pass_.output_.add(result_topics_[0], partition_for_key(record.key, views_[0]->partitions), record.key, {}, headers_,
                      record.ingest_time);
  }

  void late(size_t view, const RecordView& record, int64_t window_start_ms, int64_t closed_before_ms) override {
    const std::string reason =
        fmt::format("late for {}: its window from {} is closed (windows before {} are)", views_[view]->name,
                    format_timestamp(EventTime(window_start_ms)), format_timestamp(EventTime(closed_before_ms)));
    pass_.write_late(*views_[view], record, views_[view]->name, reason);
  }

 private:
  /// Rows of two tables may come from records of one partition and offset, and many of the result from one record.
  std::string_view origin_of(size_t view, const RecordView& record) {
    if (pass_.table_join_ == nullptr) return views_[view]->name;
    const bool is_of_many = views_[view]->table_join->foreign_key != nullptr;
    origin_ = fmt::format("{}|{}{}{}", views_[view]->name, pass_.source().topic, is_of_many ? "|" : "",
                          is_of_many ? record.key : std::string_view());
    return origin_;
  }

  void write(size_t view, std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
             const std::vector<ScalarValue>& sampled, CalculatedRow calculated) {
    const ResultWriter::Result result = writers_[view].write(group_key, window, slot, sampled, calculated);
    headers_.clear();
    if (pass_.options_.result_ids)
      append_result_id(headers_, views_[view]->name, result.key, window.start_ms, window.revision);
    pass_.output_.add(result_topics_[view], partition_for_key(result.key, views_[view]->partitions), result.key,
                      result.value, headers_, pass_.last_ingest_time_);
    ++counts_[view].written;
  }

  void write_calculated(size_t view, ResultCalculator& calculator) {
    counts_[view].faults += calculator.calculate();
    for (size_t row = 0; row < calculator.rows(); ++row)
      write(view, calculator.group_key(row), calculator.window(row), calculator.slot(row), calculator.sampled(row),
            calculator.calculated(row));
    calculator.clear();
  }

  PassProcessor& pass_;
  std::vector<const ViewSpec*> views_;
  /// Null for views whose windows are all of one length.
  std::vector<std::unique_ptr<LocalDays>> days_;
  /// Null for views that need none.
  std::vector<std::unique_ptr<ResultCalculator>> calculators_;
  std::vector<ResultWriter> writers_;
  std::vector<SampleResults> samples_;
  std::vector<ProjectedRowWriter> row_writers_;
  std::vector<size_t> result_topics_;
  std::vector<ResultCounts> counts_;
  std::string headers_;
  std::string origin_;
};

}  // namespace meterstream
