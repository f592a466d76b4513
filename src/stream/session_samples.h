// Purpose: the sample sets of an open session, and which parts of them the state has.
// Ownership: borrows the shapes.
// Thread-safety: none.
// Errors: read() is false for bytes that save() did not write.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "state/key_value_store.h"
#include "stream/sample_page.h"
#include "stream/sample_parts.h"

namespace meterstream {

class SessionSamples {
 public:
  explicit SessionSamples(const std::vector<SampleShape>& shapes) : page_(shapes, 1), stored_(shapes.size()) {}

  [[nodiscard]] const SampleSet* sets() const { return page_.sets(0); }
  void add(size_t set, const Sample& sample) {
    page_.add(0, set, sample);
    is_changed_ = true;
  }
  void merge(const SessionSamples& from) {
    page_.merge(0, from.sets());
    is_changed_ = true;
  }
  [[nodiscard]] size_t memory_bytes() const { return sizeof(SessionSamples) + page_.memory_bytes(); }

  /// Writes what changed under keys of the group, whose prefix it is; of a session that began earlier meanwhile, all.
  void save(std::string_view group, int64_t start_ms, WriteBatch& batch);
  [[nodiscard]] bool is_stored() const;
  /// Erases all that was saved.
  void erase(std::string_view group, WriteBatch& batch);
  /// Parts come in the order of their keys, of which `part` is what stands behind the start.
  bool read(int64_t start_ms, std::string_view part, std::string_view value);

 private:
  SamplePage page_;
  std::vector<SamplePartHashes> stored_;  ///< of each set
  int64_t stored_start_ms_ = 0;
  bool is_changed_ = false;
};

/// The start of the session that a key behind the group's is of, and the rest of the key.
bool read_session_start(std::string_view& key, int64_t& start_ms);

}  // namespace meterstream
