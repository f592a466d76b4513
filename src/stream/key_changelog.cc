#include "stream/key_changelog.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr size_t kValueBytes = size_t{256} << 10;
// Keys looked up together.
constexpr size_t kGroup = 1024;

uint32_t count_keys(std::string_view value) {
  ByteReader reader(value);
  uint32_t count = 0;
  for (; reader.ok() && reader.remaining() > 0; ++count) reader.sized_bytes();
  return count;
}

class Loading {
 public:
  explicit Loading(KeyInterner& keys) : keys_(keys), ids_(kGroup) { group_.reserve(kGroup); }

  bool add(std::string_view value) {
    ByteReader reader(value);
    while (reader.remaining() > 0) {
      group_.push_back(reader.sized_bytes());
      if (!reader.ok()) return false;
      if (group_.size() == kGroup && !intern()) return false;
    }
    return intern();
  }

 private:
  bool intern() {
    const uint32_t first = keys_.size();
    keys_.intern(group_, ids_.data());
    // A key that was there before got its old id, and those behind it are too low.
    const bool all_new = keys_.size() == first + group_.size();
    group_.clear();
    return all_new;
  }

  KeyInterner& keys_;
  std::vector<std::string_view> group_;
  std::vector<uint32_t> ids_;
};

}  // namespace

void save_keys(const KeyInterner& keys, std::string_view prefix, uint32_t& saved, WriteBatch& batch) {
  while (saved < keys.size()) {
    std::string key(prefix);
    append_big_endian32(key, saved);
    std::string value;
    for (; saved < keys.size() && value.size() < kValueBytes; ++saved) append_sized(value, keys.key(saved));
    batch.put(Space::kState, std::move(key), std::move(value));
  }
}

Status load_keys(const KeyValueStore& store, std::string_view prefix, KeyInterner& keys) {
  const auto cursor = store.cursor(Space::kState);
  const auto is_ours = [&] {
    return cursor->valid() && cursor->key().starts_with(prefix) &&
           cursor->key().size() == prefix.size() + sizeof(uint32_t);
  };
  cursor->seek_for_previous(std::string(prefix) + std::string(sizeof(uint32_t), '\xff'));
  if (is_ours()) keys.reserve(load_big_endian32(cursor->key().data() + prefix.size()) + count_keys(cursor->value()));
  Loading loading(keys);
  for (cursor->seek(prefix); is_ours(); cursor->next()) {
    const uint32_t first = load_big_endian32(cursor->key().data() + prefix.size());
    if (first != keys.size() || !loading.add(cursor->value())) {
      return corrupt(
          fmt::format("state: the keys under {} do not read back from id {} on; restore the data directory from a "
                      "copy, or run with another --application-id to compute from the beginning",
                      prefix, keys.size()));
    }
  }
  return cursor->status();
}

}  // namespace meterstream
