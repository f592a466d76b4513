// Purpose: the sample sets of a chain of views: which there are, shared by the aggregates that need the same, and the samples
//          that each row of a batch adds to them.
// Thread-safety: none; it belongs to one ViewChain.
// Errors: none. Numbers beyond the decimals' range are left out, and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "stream/decoded_batch.h"
#include "stream/expression.h"
#include "stream/sample_set.h"
#include "stream/session_samples.h"
#include "stream/view_spec.h"
#include "stream/window_table.h"

namespace meterstream {

class ChainSamples {
 public:
  explicit ChainSamples(const std::vector<const ViewSpec*>& views);

  [[nodiscard]] bool empty() const { return shapes_.empty(); }
  [[nodiscard]] const std::vector<SampleShape>& shapes() const { return shapes_; }
  /// The set of each aggregate of the view; of those without one 0.
  [[nodiscard]] const std::vector<size_t>& sets_of(size_t view) const { return sets_of_[view]; }

  /// Makes ready for add() of `rows` and gives the number of faults.
  int64_t evaluate(DecodedBatch& batch, const std::vector<uint32_t>& rows);
  /// The group's page must be in memory.
  void add(const DecodedBatch& batch, uint32_t row, WindowTable& table, WindowTable::Window& window, uint32_t id) const;
  void add(const DecodedBatch& batch, uint32_t row, SessionSamples& session) const;

 private:
  /// By row of the batch.
  struct Values {
    std::vector<uint8_t> known;
    std::vector<uint64_t> numbers;
    std::vector<std::string_view> texts;
  };
  /// Gives each set that the row has a value for, and the value.
  template <class Add>
  void add_each(const DecodedBatch& batch, uint32_t row, Add&& add) const;
  static int64_t take(const Column& column, const std::vector<uint32_t>& rows, Values& values);

  std::vector<SampleShape> shapes_;
  std::vector<std::shared_ptr<const Expression>> arguments_;
  std::vector<std::vector<size_t>> sets_of_;
  std::vector<Values> values_;
};

/// The values of a view's aggregates that have sample sets.
class SampleResults {
 public:
  SampleResults(const ViewSpec& view, std::vector<size_t> sets);

  /// By aggregate; of those without a set NULL. Valid until the next call.
  const std::vector<ScalarValue>& of(const GroupState& state, int64_t window_end_ms);
  [[nodiscard]] int64_t take_faults() { return std::exchange(faults_, 0); }

 private:
  std::vector<AggregateSpec> aggregates_;
  std::vector<size_t> sets_;
  std::vector<size_t> sampled_;  ///< indexes of those with a set
  std::vector<ScalarValue> values_;
  int64_t faults_ = 0;
};

}  // namespace meterstream
