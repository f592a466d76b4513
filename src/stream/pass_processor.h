// Purpose: one pass over a stream for all views that read it: decodes, rejects, drops duplicates, moves the watermark,
//          feeds the chains and collects what they produce. Knows records and columns, no log.
// Guarantee: the results depend on the records of each partition and their order only, not on how they are split into
//            calls. With several partitions, lateness also depends on the order in which they are interleaved.
// Thread-safety: none; one processor belongs to one task.
// Errors: the decoder's (schema not available now), the page spill's (disk full). Bad records are never errors.
//         After a decoder's error nothing has changed: call process() again with the same records. After any other the
//         state stands half-way (is_whole() is false) and must be thrown away.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "stream/duplicate_filter.h"
#include "stream/result_writer.h"
#include "stream/stream_join.h"
#include "stream/table_join.h"
#include "stream/transaction_builder.h"
#include "stream/view_chain.h"
#include "stream/watermark.h"

namespace meterstream {

/// What runs in one pass: a stream and views over it, or a view that joins two streams or tables.
struct PassSpec {
  std::shared_ptr<const StreamSpec> source;
  std::vector<ViewSpec> views;

  [[nodiscard]] std::string rejected_topic() const { return source->topic + "-rejected"; }
  /// Then it has one view.
  [[nodiscard]] bool reads_two() const { return views.front().reads_two(); }
  /// Names and definitions of the views: what a snapshot of the pass is good for.
  [[nodiscard]] std::string layout() const;
};

class PassProcessor {
 public:
  struct Options {
    size_t partitions = 1;
    /// Of a join: those from here on are of the right stream or table.
    size_t first_of_right = 0;
    /// Gives every result an id in its headers. Late and rejected records always have one.
    bool result_ids = false;
    /// In their order; those of a join's left stream first.
    std::vector<PartitionId> partition_ids;
    /// Notes what save_changes() has to write.
    bool keeps_changes = false;
    /// Partition count of the rejected topic.
    int32_t rejected_partitions = 1;
    int32_t right_rejected_partitions = 1;
    /// False when the run is bounded and closes its windows itself.
    bool follow_wall_clock = true;
    /// A bounded run takes a partition at its end as idle at once.
    std::optional<int64_t> idle_timeout_ms;
    /// Bytes of window state in memory; 0 for no limit.
    size_t memory_limit_bytes = 0;
    /// Where pages beyond the limit go; may be null.
    PageSpill* spill = nullptr;
    /// Where views look up; may be null when none does.
    TableFeeds* tables = nullptr;
  };

  PassProcessor(PassSpec spec, SchemaStore& schemas, const Options& options);
  ~PassProcessor();
  PassProcessor(const PassProcessor&) = delete;
  PassProcessor& operator=(const PassProcessor&) = delete;

  /// Processes records of one partition (index among the task's). With `rebuilding`, state only: see ViewChain::add.
  Status process(size_t partition, std::span<const RecordView> records, bool rebuilding);
  /// The partition was read to its end. Closes windows that idleness or the wall clock closed.
  Status mark_exhausted(size_t partition, IngestTime now);
  void mark_active(size_t partition, IngestTime now) { watermark_.mark_active(partition, now); }
  /// Closes everything open, as a bounded run does at its end.
  Status close_all();
  /// Emits refinements of EMIT CHANGES views; call before each commit.
  Status emit_changes();

  /// False after an error in the middle of a change.
  [[nodiscard]] bool is_whole() const { return whole_; }

  [[nodiscard]] TransactionBuilder& output() { return output_; }
  [[nodiscard]] Watermark& watermark() { return watermark_; }
  [[nodiscard]] const PassSpec& spec() const { return spec_; }
  [[nodiscard]] ViewAccounting accounting(size_t view) const;
  void restore_accounting(size_t view, const ViewAccounting& accounting);
  [[nodiscard]] int64_t closed_before_ms(size_t view) const;
  void restore_closed_before(size_t view, int64_t closed_before_ms);
  /// Windows beyond closed_before_ms that were closed by force: see ViewChain::closed_beyond.
  [[nodiscard]] std::vector<int64_t> closed_beyond_ms(size_t view) const;
  void restore_closed_beyond(size_t view, const std::vector<int64_t>& starts_ms);
  /// Lowest offset of `partition` that state still depends on; -1 when none.
  [[nodiscard]] int64_t first_open_offset(size_t partition) const;
  [[nodiscard]] int64_t open_windows() const;
  [[nodiscard]] size_t state_bytes() const;
  [[nodiscard]] size_t window_bytes() const { return budget_.used_bytes; }

  /// Group ids outlive restarts, so that results come in the same order: keys named since the last call are written
  /// under `prefix`, and read back before load() or any processing.
  void save_new_keys(std::string_view prefix, WriteBatch& batch);
  Status load_keys(std::string_view prefix, const KeyValueStore& store);
  /// What LAG remembers, in the same way.
  void save_lags(std::string_view prefix, WriteBatch& batch);
  Status load_lags(std::string_view prefix, const KeyValueStore& store);

  Status save(SnapshotWriter& writer) const;
  Status load(SnapshotReader& reader);
  /// The same state under keys that begin with `prefix`, only what changed since the last call (all of it the first time,
  /// unless it came from load_changes). Needs Options::keeps_changes. Call after emit_changes() and save_new_keys().
  Status save_changes(std::string_view prefix, WriteBatch& batch);
  /// Fills a new processor after load_keys().
  Status load_changes(std::string_view prefix, const KeyValueStore& store);

 private:
  class Output;
  Status apply(bool rebuilding);
  /// A stream that is read.
  struct Input {
    std::shared_ptr<const StreamSpec> stream;
    std::unique_ptr<RecordDecoder> decoder;
    std::vector<size_t> series_columns;
    std::vector<size_t> value_columns;
    std::vector<size_t> bounded_columns;
    bool series_keys_decoded = false;
    int32_t rejected_partitions = 1;
    /// While the other input's is worked on.
    DecodedBatch batch;
  };
  struct Place {
    size_t chain;
    size_t index;
  };

  [[nodiscard]] std::string_view name_of_reading(uint32_t row);
  [[nodiscard]] const StreamSpec& source() const { return *inputs_[input_].stream; }
  void choose_input(size_t partition);
  DecodeRequest request_of(Input& input) const;
  void make_decoder(SchemaStore& schemas);
  // Of a join, in pass_processor_join.cc.
  void make_join(SchemaStore& schemas);
  Status join_rows(int64_t rejected, int64_t duplicates, int64_t conflicts, int64_t capped);
  Status give_joined(DecodedBatch& joined);
  Status advance_join();
  // Of a join of tables, in pass_processor_table_join.cc.
  void make_table_join(SchemaStore& schemas);
  Status change_tables();
  Status give_table_rows(DecodedBatch& joined, std::vector<char>& passed);
  void drop_table_row(const RecordView& gone);
  [[nodiscard]] std::vector<size_t> decoded_group_key(const std::vector<std::vector<size_t>>& chains) const;
  void reject(uint32_t row, std::string reason);
  void write_rejected();
  void write_rejected(const RecordView& record, std::string_view reason);
  [[nodiscard]] std::string headers_of(const RecordView& record, std::string_view origin,
                                       std::string_view reason) const;
  void write_late(const ViewSpec& view, const RecordView& record, std::string_view origin, std::string_view reason);
  void select_rows(int64_t& duplicates, int64_t& conflicts);
  bool check_duplicate(uint32_t row, int64_t& duplicates, int64_t& conflicts);
  [[nodiscard]] std::string_view out_of_range_column(uint32_t row) const;
  void prepare_times();
  void fill_keys();

  PassSpec spec_;
  Options options_;
  std::vector<Input> inputs_;  ///< one, or the two of a join
  size_t input_ = 0;           ///< of the batch that is worked on
  std::unique_ptr<StreamJoin> join_;
  std::unique_ptr<TableJoin> table_join_;
  std::vector<char>* passed_ = nullptr;  ///< of the rows that a join of tables gives
  Watermark watermark_;
  std::vector<std::unique_ptr<DuplicateFilter>>
      duplicates_;  // one a partition; empty when the stream does not ask for it
  MemoryBudget budget_;
  std::vector<std::unique_ptr<ViewChain>> chains_;
  std::vector<Place> place_of_view_;
  std::vector<std::unique_ptr<Output>> outputs_;
  TransactionBuilder output_;
  IngestTime last_ingest_time_;
  DecodedBatch batch_;
  std::string series_scratch_;
  std::string reading_name_;
  bool whole_ = true;
};

}  // namespace meterstream
