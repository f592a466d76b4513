#include "state/bulk_batch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace meterstream {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kWordBytes = sizeof(uint64_t);

// So many of `limit` bytes from `depth` on are the same.
size_t common_bytes(std::string_view first, std::string_view other, size_t depth, size_t limit) {
  limit = std::min(limit, other.size() - depth);
  if (std::memcmp(first.data() + depth, other.data() + depth, limit) == 0) return limit;
  size_t common = 0;
  while (first[depth + common] == other[depth + common]) ++common;
  return common;
}

// Bytes of `key` from `depth` on as a number that orders like them; missing ones count as 0.
uint64_t word_at(std::string_view key, size_t depth, size_t size) {
  if (key.size() - depth >= kWordBytes) return load_big_endian64(key.data() + depth);
  std::array<char, kWordBytes> padded{};
  std::memcpy(padded.data(), key.data() + depth, size);
  return load_big_endian64(padded.data());
}

}  // namespace

char* BulkBatch::room_for(size_t size) {
  // What is empty needs a place, too: bytes that are nowhere may not be copied or compared.
  if (size > free_bytes_ || free_ == nullptr) {
    // A large entry gets a block of its own, and what is left of the last one is used on.
    if (size > kBlockBytes / 4) return blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(size)).get();
    free_ = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(kBlockBytes)).get();
    free_bytes_ = kBlockBytes;
  }
  char* const room = free_;
  free_ += size;
  free_bytes_ -= size;
  return room;
}

void BulkBatch::add(Space space, std::string_view key, std::string_view value, bool is_erased) {
  CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  const auto index = static_cast<size_t>(space);
  char* const bytes = room_for(key.size() + value.size());
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  Entries& entries = entries_[index];
  // Numbers start anew after entries() has folded: what is there then has each key once.
  Entry entry;
  entry.bytes_ = bytes;
  entry.key_bytes_ = static_cast<uint32_t>(key.size());
  entry.value_bytes_ = static_cast<uint32_t>(value.size());
  entry.number_ = static_cast<uint32_t>(entries.size());
  entry.is_erased_ = is_erased;
  entries.push_back(entry);
  is_sorted_[index] = false;
  bytes_ += key.size() + value.size() + sizeof(Entry);
}

// Puts the eight bytes from `depth` on, or from where keys begin to differ, into the entries' words and sorts by these.
// Returns the depth that it took.
size_t BulkBatch::sort_by_word(std::span<Entry> entries, size_t depth) {
  const std::string_view first = entries.front().key();
  size_t common = first.size() - depth;
  for (const Entry& entry : entries.subspan(1)) {
    if (common == 0) break;
    common = common_bytes(first, entry.key(), depth, common);
  }
  depth += common;
  for (Entry& entry : entries) {
    entry.word_bytes_ = static_cast<uint8_t>(std::min(entry.key_bytes_ - depth, kWordBytes));
    entry.word_ = word_at(entry.key(), depth, entry.word_bytes_);
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    if (a.word_ != b.word_) return a.word_ < b.word_;
    if (a.word_bytes_ != b.word_bytes_) return a.word_bytes_ < b.word_bytes_;
    return a.number_ < b.number_;
  });
  return depth;
}

// Eight bytes at a time, so that most comparisons touch no key.
void BulkBatch::sort(std::span<Entry> all) {
  struct Range {
    std::span<Entry> entries;
    size_t depth;
  };
  std::vector<Range> ranges = {{all, 0}};
  while (!ranges.empty()) {
    const Range range = ranges.back();
    ranges.pop_back();
    if (range.entries.size() < 2) continue;
    const size_t depth = sort_by_word(range.entries, range.depth);
    for (auto rest = range.entries; !rest.empty();) {
      const Entry& first = rest.front();
      const auto other = std::ranges::find_if(rest, [&](const Entry& entry) {
        return entry.word_ != first.word_ || entry.word_bytes_ != first.word_bytes_;
      });
      const auto same = static_cast<size_t>(other - rest.begin());
      // Shorter words are all that is left of their keys: those are one key.
      if (first.word_bytes_ == kWordBytes) ranges.push_back({rest.first(same), depth + kWordBytes});
      rest = rest.subspan(same);
    }
  }
}

std::span<const BulkBatch::Entry> BulkBatch::entries(Space space) {
  const auto index = static_cast<size_t>(space);
  Entries& entries = entries_[index];
  if (std::exchange(is_sorted_[index], true)) return entries;
  sort(entries);
  // Of each key the last one stays.
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kPrefetch < entries.size()) entries[i + kPrefetch].prefetch();
    if (i + 1 < entries.size() && entries[i].key() == entries[i + 1].key()) continue;
    entries[kept] = entries[i];
    entries[kept].number_ = static_cast<uint32_t>(kept);
    ++kept;
  }
  entries.resize(kept);
  return entries;
}

void BulkBatch::clear() {
  for (Entries& entries : entries_) entries.clear();
  blocks_.clear();
  free_ = nullptr;
  free_bytes_ = 0;
  bytes_ = 0;
}

WriteBatch BulkBatch::to_write_batch() {
  WriteBatch batch;
  for (size_t index = 0; index < kSpaceCount; ++index) {
    const auto space = static_cast<Space>(index);
    for (const Entry& entry : entries(space)) {
      if (entry.is_erased())
        batch.erase(space, std::string(entry.key()));
      else
        batch.put(space, std::string(entry.key()), std::string(entry.value()));
    }
  }
  return batch;
}

Status BulkBatch::check() const {
  if (entries_[static_cast<size_t>(Space::kLog)].empty()) return {};
  return invalid("values of the log cannot be written in bulk");
}

Status KeyValueStore::write_bulk(BulkBatch batch) {
  RETURN_IF_ERROR(batch.check());
  return write(batch.to_write_batch(), Durability::kSync);
}

}  // namespace meterstream
