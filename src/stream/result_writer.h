// Purpose: turns the closed (or refined) window of a group into the record of a view's topic: key text and JSON value.
// Format: key = group values joined by '.' (numbers and times as in JSON, NULL as nothing), value = one JSON object with the columns of the SELECT in its order;
//         times as ISO-8601 instants, sums and averages as exact decimals (docs/formats/metrics-topic.md).
// Thread-safety: none; one writer belongs to one view of one task.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stream/view_spec.h"
#include "stream/window_slot.h"

namespace meterstream {

/// Where the calculated values of a result are: `columns` in the order of ViewSpec::calculations. Null: there are none.
struct CalculatedRow {
  const std::vector<Column>* columns = nullptr;
  uint32_t row = 0;
};

class ResultWriter {
 public:
  /// `argument_of[i]` is where the states of aggregate i are (ignored for COUNT(*)); `argument_types` by place in the slot.
  ResultWriter(const ViewSpec& view, std::vector<SlotPlace> argument_of, std::vector<ColumnType> argument_types);

  /// `group_key` is the canonical key of the group. The texts live until the next call.
  struct Result {
    std::string_view key;
    std::string_view value;
  };
  /// `sampled` by aggregate, as SampleResults gives it; may be empty when no aggregate has samples.
  Result write(std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
               const std::vector<ScalarValue>& sampled, CalculatedRow calculated = {});
  /// The key alone.
  std::string_view key(std::string_view group_key);

 private:
  struct Part {
    std::string prefix;  // `{"name":` or `,"name":`
    OutputColumn::From from;
    size_t index;
  };

  void split_group_key(std::string_view group_key);
  void append_plain_group(size_t group);
  void append_aggregate(size_t aggregate, const WindowSlot& slot);
  void append_spread(size_t aggregate, const WindowSlot& slot);
  void append_time(int64_t time_ms, std::string& cached, int64_t& cached_ms);

  std::vector<AggregateSpec> aggregates_;
  std::vector<SlotPlace> argument_of_;
  std::vector<ColumnType> argument_types_;
  std::vector<Part> parts_;
  std::vector<ColumnType> group_types_;
  bool has_texts_only_ = true;
  /// As in the key; no data for NULL. Those that are no VARCHAR point into group_texts_.
  std::vector<std::string_view> group_values_;
  std::vector<std::string> group_texts_;
  std::string key_;
  std::string value_;
  std::string start_text_, end_text_;
  int64_t start_cached_ms_ = INT64_MIN, end_cached_ms_ = INT64_MIN;
};

}  // namespace meterstream
