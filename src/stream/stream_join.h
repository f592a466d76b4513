// Purpose: joins the rows of two streams as they come: see StreamJoinSpec.
// Guarantee: of the rows that are not late each pair that matches comes once, whatever came first; a row of a side that is kept
//            comes once with NULLs when it has no partner. What is late depends on the watermark at each row and not on
//            batch borders, so results do not either.
// Shapes: what it gives is a batch with the columns of both sides, those that no expression reads empty. Its event times are
//         the later one of each pair, its records have the join's key.
// Thread-safety: none; one belongs to one task.
// Errors: those of what takes the pairs.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "stream/decoded_batch.h"
#include "stream/join_buffer.h"
#include "stream/view_spec.h"

namespace meterstream {

class StreamJoin {
 public:
  enum Side : size_t { kLeft, kRight };
  /// Takes a batch of pairs. It is valid for the call.
  using Give = std::function<Status(DecodedBatch&)>;

  /// `view` has a join and must outlive it.
  StreamJoin(const ViewSpec& view, Give give);

  /// Where the rows of a batch went.
  struct Counts {
    int64_t taken = 0;
    int64_t without_key = 0;  ///< and not kept, so that they can never give anything
    int64_t faults = 0;
    std::vector<uint32_t> late;  ///< rows of the batch
  };
  /// `batch` is of a partition of `side`, its watermarks are those of both sides.
  Status add(Side side, DecodedBatch& batch, PartitionId partition, Counts& counts);
  /// Gives what can find nothing any more, and forgets what nothing can find.
  Status advance(int64_t watermark_ms);
  /// Gives the rows that have not found anything, as a bounded run does at its end. Later rows do not find them.
  Status close_all();

  /// Tells pair `row` of the batch that is given apart from all others of the join, by where its rows came from.
  [[nodiscard]] std::string id_of(uint32_t row) const;
  /// Columns of a side that the view and its keys read.
  [[nodiscard]] static std::vector<bool> needed_columns(const ViewSpec& view, Side side);

  [[nodiscard]] size_t rows() const { return buffers_[kLeft].rows() + buffers_[kRight].rows(); }
  [[nodiscard]] size_t bytes() const { return buffers_[kLeft].bytes() + buffers_[kRight].bytes(); }

  /// See PassProcessor::save_changes.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  Status load_changes(std::string_view prefix, const KeyValueStore& store);

 private:
  /// Slots of a row of each side; kNone for NULLs.
  using Pair = std::array<uint32_t, 2>;

  void find_partners(Side side, uint32_t slot, std::string_view key);
  Status add_unmatched(Side side, uint32_t slot);
  Status give_pairs();
  /// As give_pairs(), and rows that were taken out need not be read again.
  Status flush();
  void fill_columns(Side side);
  void fill_records();

  const StreamJoinSpec& spec_;
  Give give_;
  std::array<std::vector<bool>, 2> needed_;
  std::array<JoinBuffer, 2> buffers_;
  int64_t watermark_ms_ = INT64_MIN;
  int64_t close_trigger_ms_ = INT64_MAX;
  std::vector<Pair> pairs_;
  DecodedBatch joined_;
  std::vector<RecordView> records_;
};

}  // namespace meterstream
