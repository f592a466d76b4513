// Purpose: the sample sets beside a page of window slots (window_table.h): for each slot one set of each shape.
// Ownership: borrows the shapes.
// Cost: 48 bytes a set, and what its samples take; memory_bytes() is both.
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stream/sample_set.h"
#include "stream/window_slot.h"

namespace meterstream {

/// What a window of a group remembers. `samples` is the first of its sets; null when there are none.
struct GroupState {
  GroupState(const WindowSlot& window_slot, const SampleSet* sample_sets = nullptr)  // a slot is a state, too
      : slot(window_slot), samples(sample_sets) {}
  const WindowSlot& slot;
  const SampleSet* samples;
};

class SamplePage {
 public:
  SamplePage(const std::vector<SampleShape>& shapes, uint32_t slots);

  /// The sets of a slot of the page.
  [[nodiscard]] const SampleSet* sets(uint32_t slot) const { return sets_.data() + slot * shapes_.size(); }
  void add(uint32_t slot, size_t set, const Sample& sample);
  void merge(uint32_t slot, const SampleSet* from);
  [[nodiscard]] size_t memory_bytes() const { return sets_.size() * sizeof(SampleSet) + sample_bytes_; }

  [[nodiscard]] const std::vector<SampleShape>& shapes() const { return shapes_; }
  void append_to(std::string& out) const;
  /// Into an empty page. False when the bytes are no sets of these shapes.
  bool read(ByteReader& reader);
  /// As SampleSet::read.
  bool read_set(uint32_t slot, size_t set, ByteReader& reader);

 private:
  const std::vector<SampleShape>& shapes_;
  uint32_t slots_;
  std::vector<SampleSet> sets_;
  size_t sample_bytes_ = 0;
};

}  // namespace meterstream
