// Purpose: a set of samples in the state, which grows with its readings: it is written in parts, and only the parts that changed are.
//          Readings in the order of their times change the last part only.
// Errors: read_sample_part() is false for bytes that save_sample_parts() did not write.
// Thread-safety: pure functions.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "state/key_value_store.h"
#include "stream/sample_set.h"

namespace meterstream {

/// Of the parts that the state has, in their order.
using SamplePartHashes = std::vector<uint64_t>;

/// An empty set writes nothing.
void save_sample_parts(const SampleSet& samples, const SampleShape& shape,
                       const std::function<std::string(size_t part)>& key_of, SamplePartHashes& stored,
                       WriteBatch& batch);
/// Parts come in their order; `restore` takes what a part has of the set.
bool read_sample_part(size_t part, std::string_view value, const std::function<bool(ByteReader&)>& restore,
                      SamplePartHashes& stored);

}  // namespace meterstream
