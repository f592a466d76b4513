#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/bytes.h"
#include "stream/duplicate_bucket.h"
#include "stream/key_changelog.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint64_t kSignBit = uint64_t{1} << 63;
// An entry takes at most 23 bytes.
constexpr size_t kChunkEntries = 16'384;
// Readings put into a table together, so that their cache misses overlap.
constexpr size_t kGroup = 32;

std::string key_of(std::string_view prefix, char kind) {
  std::string key(prefix);
  key += kind;
  return key;
}

std::string key_of(std::string_view prefix, char kind, int64_t start_ms) {
  std::string key = key_of(prefix, kind);
  append_big_endian64(key, static_cast<uint64_t>(start_ms) ^ kSignBit);
  return key;
}

std::string chunk_key(std::string_view prefix, int64_t start_ms, uint32_t chunk) {
  std::string key = key_of(prefix, 'b', start_ms);
  append_big_endian32(key, chunk);
  return key;
}

int64_t start_in(const char* bytes) {
  return static_cast<int64_t>(load_big_endian64(bytes) ^ kSignBit);
}

Error unreadable(std::string_view what) {
  return corrupt(
      fmt::format("state: the memory for duplicates does not read back ({}); restore the data directory from a copy, "
                  "or run with another --application-id to compute from the beginning",
                  what));
}

}  // namespace

void DuplicateFilter::save_changes(std::string_view prefix, WriteBatch& batch) {
  if (highest_ms_ != highest_saved_ms_) {
    std::string value;
    append_little_endian(value, kVersion);
    append_little_endian(value, highest_ms_);
    batch.put(Space::kState, key_of(prefix, 'h'), std::move(value));
    highest_saved_ms_ = highest_ms_;
  }
  save_keys(series_, key_of(prefix, 'k'), series_saved_, batch);
  for (const ErasedBucket& erased : erased_buckets_) {
    for (uint32_t chunk = 0; chunk < erased.chunks; ++chunk) {
      batch.erase(Space::kState, chunk_key(prefix, erased.start_ms, chunk));
    }
  }
  erased_buckets_.clear();
  save_forgotten(prefix, batch);
  for (auto& [start_ms, bucket] : buckets_) save_bucket(prefix, start_ms, *bucket, batch);
}

void DuplicateFilter::save_forgotten(std::string_view prefix, WriteBatch& batch) {
  for (const int64_t start_ms : forgotten_erased_) batch.erase(Space::kState, key_of(prefix, 'f', start_ms));
  for (const int64_t start_ms : forgotten_added_) {
    const auto found = forgotten_.find(start_ms);
    if (found == forgotten_.end()) continue;
    std::string value;
    append_little_endian(value, kVersion);
    append_little_endian(value, found->second);
    batch.put(Space::kState, key_of(prefix, 'f', start_ms), std::move(value));
  }
  forgotten_erased_.clear();
  forgotten_added_.clear();
}

void DuplicateFilter::save_bucket(std::string_view prefix, int64_t start_ms, Bucket& bucket, WriteBatch& batch) {
  for (size_t next = 0; next < bucket.unsaved.size();) {
    const size_t limit = std::min(bucket.unsaved.size(), next + kChunkEntries);
    std::string value;
    append_little_endian(value, kVersion);
    append_little_endian(value, bucket.first_offset);
    append_varint(value, limit - next);
    for (; next < limit; ++next) {
      const auto& [key, value_hash] = bucket.unsaved[next];
      append_varint(value, static_cast<uint64_t>(key.event_time_ms - start_ms));
      append_varint(value, key.series);
      append_little_endian(value, value_hash);
    }
    batch.put(Space::kState, chunk_key(prefix, start_ms, bucket.chunks++), std::move(value));
  }
  bucket.unsaved.clear();
}

Status DuplicateFilter::load_changes(std::string_view prefix, const KeyValueStore& store) {
  RETURN_IF_ERROR(load_header(prefix, store));
  RETURN_IF_ERROR(load_keys(store, key_of(prefix, 'k'), series_));
  series_saved_ = series_.size();
  RETURN_IF_ERROR(load_forgotten(prefix, store));
  return load_buckets(prefix, store);
}

// Absent as long as nothing was checked.
Status DuplicateFilter::load_header(std::string_view prefix, const KeyValueStore& store) {
  ASSIGN_OR_RETURN(const auto header, store.get(Space::kState, key_of(prefix, 'h')));
  if (!header) return {};
  ByteReader reader(header->bytes);
  const auto version = reader.little_endian<uint8_t>();
  highest_ms_ = reader.little_endian<int64_t>();
  highest_saved_ms_ = highest_ms_;
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion) return unreadable("the highest time");
  return {};
}

Status DuplicateFilter::load_forgotten(std::string_view prefix, const KeyValueStore& store) {
  const std::string first = key_of(prefix, 'f');
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first); cursor->next()) {
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    const auto offset = reader.little_endian<int64_t>();
    const bool fits = cursor->key().size() == first.size() + sizeof(int64_t) && reader.ok() &&
                      reader.remaining() == 0 && version == kVersion;
    if (!fits) return unreadable("an offset");
    forgotten_[start_in(cursor->key().data() + first.size())] = offset;
  }
  return cursor->status();
}

Status DuplicateFilter::load_buckets(std::string_view prefix, const KeyValueStore& store) {
  const std::string first = key_of(prefix, 'b');
  const auto cursor = store.cursor(Space::kState);
  // Twice: the tables of a million readings are made in the size that they need.
  for (const bool counting : {true, false}) {
    for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first); cursor->next()) {
      const char* const place = cursor->key().data() + first.size();
      if (cursor->key().size() != first.size() + sizeof(int64_t) + sizeof(uint32_t)) return unreadable("a name");
      const int64_t start_ms = start_in(place);
      const bool fits = counting ? count_chunk(start_ms, load_big_endian32(place + sizeof(int64_t)), cursor->value())
                                 : load_chunk(start_ms, cursor->value());
      if (!fits) return unreadable("readings");
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return {};
}

bool DuplicateFilter::count_chunk(int64_t start_ms, uint32_t chunk, std::string_view value) {
  std::unique_ptr<Bucket>& bucket = buckets_[start_ms];
  if (bucket == nullptr) bucket = std::make_unique<Bucket>();
  if (chunk != bucket->chunks++) return false;
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  bucket->first_offset = std::min(bucket->first_offset, reader.little_endian<int64_t>());
  const uint64_t count = reader.varint();
  bucket->stored += count;
  return reader.ok() && version == kVersion && count <= reader.remaining();
}

bool DuplicateFilter::load_chunk(int64_t start_ms, std::string_view value) {
  Bucket& bucket = *buckets_[start_ms];
  bucket.seen.reserve(bucket.stored);
  ByteReader reader(value);
  reader.little_endian<uint8_t>();
  reader.little_endian<int64_t>();
  std::array<std::pair<Bucket::Key, uint64_t>, kGroup> group;
  for (uint64_t left = reader.varint(); left > 0;) {
    const size_t count = std::min(left, kGroup);
    for (auto& [key, value_hash] : std::span(group).first(count)) {
      key.event_time_ms = start_ms + static_cast<int64_t>(reader.varint());
      key.series = static_cast<uint32_t>(reader.varint());
      value_hash = reader.little_endian<uint64_t>();
      if (!reader.ok() || key.series >= series_.size()) return false;
      bucket.seen.prefetch(key);
    }
    for (const auto& [key, value_hash] : std::span(group).first(count)) bucket.seen.emplace(key, value_hash);
    left -= count;
  }
  return reader.ok() && reader.remaining() == 0;
}

}  // namespace meterstream
