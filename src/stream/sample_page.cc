#include "stream/sample_page.h"

namespace meterstream {

SamplePage::SamplePage(const std::vector<SampleShape>& shapes, uint32_t slots) : shapes_(shapes), slots_(slots) {
  sets_.reserve(slots * shapes.size());
  for (uint32_t slot = 0; slot < slots; ++slot) {
    for (const SampleShape& shape : shapes) sets_.emplace_back(shape);
  }
}

void SamplePage::add(uint32_t slot, size_t set, const Sample& sample) {
  SampleSet& into = sets_[slot * shapes_.size() + set];
  sample_bytes_ -= into.memory_bytes();
  into.add(shapes_[set], sample);
  sample_bytes_ += into.memory_bytes();
}

void SamplePage::merge(uint32_t slot, const SampleSet* from) {
  for (size_t set = 0; set < shapes_.size(); ++set) {
    SampleSet& into = sets_[slot * shapes_.size() + set];
    sample_bytes_ -= into.memory_bytes();
    into.merge(shapes_[set], from[set]);
    sample_bytes_ += into.memory_bytes();
  }
}

// Sets without samples as the number of these, which is 0.
void SamplePage::append_to(std::string& out) const {
  for (size_t set = 0; set < sets_.size(); ++set) sets_[set].append_to(shapes_[set % shapes_.size()], out);
}

bool SamplePage::read(ByteReader& reader) {
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    for (size_t set = 0; set < shapes_.size(); ++set) {
      if (!read_set(slot, set, reader)) return false;
    }
  }
  return true;
}

bool SamplePage::read_set(uint32_t slot, size_t set, ByteReader& reader) {
  SampleSet& into = sets_[slot * shapes_.size() + set];
  sample_bytes_ -= into.memory_bytes();
  const bool is_read = into.read(shapes_[set], reader);
  sample_bytes_ += into.memory_bytes();
  return is_read;
}

}  // namespace meterstream
