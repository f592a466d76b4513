// Purpose: the keys of an interner as small values of a key-value store, written as they come, so that ids outlive restarts.
// Format: docs/formats/data-directory.md: <prefix><first id, 4 bytes big-endian> -> keys, each sized.
// Thread-safety: none.
#pragma once

#include <string_view>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/key_interner.h"

namespace meterstream {

/// Adds the keys with ids from `saved` on to `batch` and sets `saved` to their number.
void save_keys(const KeyInterner& keys, std::string_view prefix, uint32_t& saved, WriteBatch& batch);

/// Brings back all keys under `prefix`, with their ids. kCorrupt when ids are missing or a key is there twice.
Status load_keys(const KeyValueStore& store, std::string_view prefix, KeyInterner& keys);

}  // namespace meterstream
