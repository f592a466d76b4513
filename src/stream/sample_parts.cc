#include "stream/sample_parts.h"

#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kPartBytes = 4096;

}  // namespace

void save_sample_parts(const SampleSet& samples, const SampleShape& shape,
                       const std::function<std::string(size_t part)>& key_of, SamplePartHashes& stored,
                       WriteBatch& batch) {
  if (samples.empty()) return;
  size_t part = 0;
  size_t place = 0;
  do {
    std::string value;
    append_little_endian(value, kVersion);
    place = samples.append_from(place, kPartBytes, shape, value);
    const uint64_t hash = XXH3_64bits(value.data(), value.size());
    if (part == stored.size()) stored.push_back(~hash);
    if (stored[part] != hash) batch.put(Space::kState, key_of(part), std::move(value));
    stored[part++] = hash;
  } while (place != 0);
  for (size_t gone = part; gone < stored.size(); ++gone) batch.erase(Space::kState, key_of(gone));
  stored.resize(part);
}

bool read_sample_part(size_t part, std::string_view value, const std::function<bool(ByteReader&)>& restore,
                      SamplePartHashes& stored) {
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  if (part != stored.size() || version != kVersion || !restore(reader) || reader.remaining() != 0) return false;
  stored.push_back(XXH3_64bits(value.data(), value.size()));
  return true;
}

}  // namespace meterstream
