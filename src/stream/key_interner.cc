#include "stream/key_interner.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <bit>
#include <cstring>

#include <xxhash.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kBlockBytes = size_t{1} << 20;
// Keys looked up together, so that their cache misses overlap.
constexpr size_t kGroup = 32;

uint64_t hash_of(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}
uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

KeyInterner::KeyInterner() : slots_(kFirstSlots), mask_(kFirstSlots - 1) {}

std::string_view KeyInterner::key(uint32_t id) const {
  const char* data = keys_[id];
  return {data + sizeof(uint32_t), load_little_endian<uint32_t>(data)};
}

size_t KeyInterner::bytes() const {
  return slots_.size() * sizeof(Slot) + keys_.capacity() * sizeof(const char*) + arena_bytes_;
}

bool KeyInterner::matches(const Slot& slot, uint32_t tag, std::string_view key) const {
  return slot.tag == tag && load_little_endian<uint32_t>(slot.data) == key.size() &&
         std::memcmp(slot.data + sizeof(uint32_t), key.data(), key.size()) == 0;
}

// Meters report in the same order round after round, so the next key is often the one that was new after this one.
// Where that holds, one comparison of neighbouring bytes replaces hash and table; it is tried only while it succeeds.
size_t KeyInterner::intern_successors(std::span<const std::string_view> keys, uint32_t* ids) {
  size_t done = 0;
  while (done < keys.size()) {
    const uint32_t expected = last_id_ + 1 < size() ? last_id_ + 1 : 0;
    const char* data = keys_[expected];
    const std::string_view key = keys[done];
    if (load_little_endian<uint32_t>(data) != key.size() ||
        std::memcmp(data + sizeof(uint32_t), key.data(), key.size()) != 0) {
      follows_order_ = false;
      break;
    }
    ids[done++] = expected;
    last_id_ = expected;
  }
  return done;
}

void KeyInterner::intern(std::span<const std::string_view> keys, uint32_t* ids) {
  while (!keys.empty()) {
    if (follows_order_) {
      const size_t done = intern_successors(keys, ids);
      keys = keys.subspan(done);
      ids += done;
    }
    const size_t count = std::min(kGroup, keys.size());
    if (count == 0) return;
    intern_group(keys.first(count), ids);
    last_id_ = ids[count - 1];
    follows_order_ = count > 2 && ids[count - 1] == ids[count - 2] + 1 && ids[count - 2] == ids[count - 3] + 1;
    keys = keys.subspan(count);
    ids += count;
  }
}

// Three rounds over a group of keys, so that the cache misses of its keys overlap: hash and touch the slot; find the slot
// whose tag fits and touch its key; compare the bytes.
void KeyInterner::intern_group(std::span<const std::string_view> keys, uint32_t* ids) {
  uint64_t hashes[kGroup];
  const Slot* candidates[kGroup];
  for (size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash_of(keys[i]);
    __builtin_prefetch(&slots_[hashes[i] & mask_]);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint32_t tag = tag_of(hashes[i]);
    uint64_t index = hashes[i] & mask_;
    while (slots_[index].data != nullptr && slots_[index].tag != tag) index = (index + 1) & mask_;
    candidates[i] = &slots_[index];
    if (slots_[index].data != nullptr) __builtin_prefetch(slots_[index].data);
  }
  const size_t slots = slots_.size();
  for (size_t i = 0; i < keys.size(); ++i) {
    // Once a new key made the table grow, the candidates are gone.
    const bool usable = slots_.size() == slots && candidates[i]->data != nullptr;
    ids[i] = usable && matches(*candidates[i], tag_of(hashes[i]), keys[i]) ? candidates[i]->id
                                                                           : find_or_add(keys[i], hashes[i]);
  }
}

void KeyInterner::find(std::span<const std::string_view> keys, uint32_t* ids) const {
  uint64_t hashes[kGroup];
  while (!keys.empty()) {
    const size_t count = std::min(kGroup, keys.size());
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = hash_of(keys[i]);
      __builtin_prefetch(&slots_[hashes[i] & mask_]);
    }
    for (size_t i = 0; i < count; ++i) {
      const Slot& slot = slots_[hashes[i] & mask_];
      if (slot.data != nullptr) __builtin_prefetch(slot.data);
    }
    for (size_t i = 0; i < count; ++i) ids[i] = find(keys[i], hashes[i]);
    keys = keys.subspan(count);
    ids += count;
  }
}

uint32_t KeyInterner::find(std::string_view key, uint64_t hash) const {
  const uint32_t tag = tag_of(hash);
  for (uint64_t index = hash & mask_; slots_[index].data != nullptr; index = (index + 1) & mask_) {
    if (matches(slots_[index], tag, key)) return slots_[index].id;
  }
  return kUnknown;
}

uint32_t KeyInterner::intern(std::string_view key) {
  return find_or_add(key, hash_of(key));
}

uint32_t KeyInterner::find_or_add(std::string_view key, uint64_t hash) {
  const uint32_t tag = tag_of(hash);
  uint64_t index = hash & mask_;
  while (slots_[index].data != nullptr) {
    if (matches(slots_[index], tag, key)) return slots_[index].id;
    index = (index + 1) & mask_;
  }
  const auto id = static_cast<uint32_t>(keys_.size());
  const char* data = store(key);
  keys_.push_back(data);
  slots_[index] = {data, tag, id};
  if (keys_.size() * 2 > slots_.size()) rehash(slots_.size() * 2);
  return id;
}

const char* KeyInterner::store(std::string_view key) {
  const size_t needed = sizeof(uint32_t) + key.size();
  if (block_used_ + needed > block_size_) {
    block_size_ = std::max(kBlockBytes, needed);
    blocks_.push_back(std::make_unique<char[]>(block_size_));
    arena_bytes_ += block_size_;
    block_used_ = 0;
  }
  char* data = blocks_.back().get() + block_used_;
  block_used_ += needed;
  const auto size = static_cast<uint32_t>(key.size());
  std::memcpy(data, &size, sizeof(size));
  std::memcpy(data + sizeof(size), key.data(), key.size());
  return data;
}

void KeyInterner::reserve(size_t keys) {
  keys_.reserve(keys);
  const size_t slots = std::bit_ceil(keys * 2);
  if (slots > slots_.size()) rehash(slots);
}

void KeyInterner::rehash(size_t slots) {
  slots_.assign(slots, Slot{});
  mask_ = slots_.size() - 1;
  for (uint32_t id = 0; id < keys_.size(); ++id) {
    const uint64_t hash = hash_of(key(id));
    uint64_t index = hash & mask_;
    while (slots_[index].data != nullptr) index = (index + 1) & mask_;
    slots_[index] = {keys_[id], tag_of(hash), id};
  }
}

}  // namespace meterstream
