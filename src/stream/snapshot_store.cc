#include "stream/snapshot_store.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

std::string chunk_key(std::string_view name, uint32_t chunk) {
  std::string key = fmt::format("snapshot/{}/", name);
  append_big_endian32(key, chunk);
  return key;
}

}  // namespace

SnapshotStore::SnapshotStore(KeyValueStore& store, std::string_view task) : store_(store), prefix_(task) {
  // Numbers only grow, so that a name is never used twice in a data directory.
  const auto cursor = store_.cursor(Space::kState);
  const std::string first = fmt::format("snapshot/{}/", prefix_);
  for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first);) {
    const std::string_view rest = cursor->key().substr(first.size());
    uint64_t number = 0;
    for (const char digit : rest.substr(0, rest.find('/'))) number = number * 10 + static_cast<uint64_t>(digit - '0');
    next_number_ = std::max(next_number_, number + 1);
    cursor->seek(fmt::format("{}{:020}/\xff\xff\xff\xff\xff", first, number));
  }
}

Result<SnapshotStore::Written> SnapshotStore::write(const PassProcessor& pass) {
  Written written{fmt::format("{}/{:020}", prefix_, next_number_++), 0};
  uint32_t chunk_number = 0;
  SnapshotWriter writer([&](std::string_view chunk) {
    written.bytes += static_cast<int64_t>(chunk.size());
    std::string framed;
    framed.reserve(chunk.size() + sizeof(uint32_t));
    append_little_endian(framed, crc32c(chunk));
    framed += chunk;
    WriteBatch batch;
    batch.put(Space::kState, chunk_key(written.name, chunk_number++), std::move(framed));
    return store_.write(batch, Durability::kBuffered);
  });
  RETURN_IF_ERROR(pass.save(writer));
  WriteBatch last;
  last.put(Space::kState, chunk_key(written.name, chunk_number), {});
  RETURN_IF_ERROR(store_.write(last, Durability::kSync));
  return written;
}

Status SnapshotStore::load(std::string_view name, PassProcessor& pass) const {
  uint32_t chunk_number = 0;
  SnapshotReader reader([&]() -> Result<std::string> {
    ASSIGN_OR_RETURN(const auto framed, store_.get(Space::kState, chunk_key(name, chunk_number++)));
    if (!framed) return corrupt(fmt::format("snapshot {}: chunk {} is missing", name, chunk_number - 1));
    if (framed->bytes.empty()) return std::string{};
    const std::string_view chunk = framed->bytes.substr(std::min(sizeof(uint32_t), framed->bytes.size()));
    if (framed->bytes.size() <= sizeof(uint32_t) ||
        load_little_endian<uint32_t>(framed->bytes.data()) != crc32c(chunk)) {
      return corrupt(fmt::format("snapshot {}: checksum of chunk {} is wrong", name, chunk_number - 1));
    }
    return std::string(chunk);
  });
  return pass.load(reader);
}

Status SnapshotStore::keep_only(std::string_view name) {
  const std::string first = fmt::format("snapshot/{}/", prefix_);
  const std::string kept = fmt::format("snapshot/{}/", name);
  WriteBatch batch;
  batch.erase_range(Space::kState, first, kept);
  batch.erase_range(Space::kState, kept + std::string(8, '\xff'), first + std::string(8, '\xff'));
  return store_.write(batch, Durability::kBuffered);
}

Status SnapshotStore::erase_all() {
  if (next_number_ == 1) return {};
  const std::string first = fmt::format("snapshot/{}/", prefix_);
  WriteBatch batch;
  batch.erase_range(Space::kState, first, first + std::string(8, '\xff'));
  return store_.write(batch, Durability::kBuffered);
}

}  // namespace meterstream
