#include "apps/replay_position.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr char kVersion = 1;

std::string key_of(std::string_view name) {
  return fmt::format("replay/{}", name);
}

}  // namespace

std::string encode_replay_position(const ReplayPosition& position) {
  std::string bytes(1, kVersion);
  for (const int64_t number : {position.line, position.done_in_line, position.readings}) {
    append_varint(bytes, zigzag(number));
  }
  return bytes;
}

Result<ReplayPosition> decode_replay_position(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::string_view version = reader.bytes(1);
  ReplayPosition position;
  position.line = reader.zigzag_varint();
  position.done_in_line = reader.zigzag_varint();
  position.readings = reader.zigzag_varint();
  if (!reader.ok() || version[0] != kVersion || reader.remaining() != 0) {
    return corrupt("the stored position of this replay cannot be read; start it anew without --resume");
  }
  return position;
}

void put_replay_position(WriteBatch& batch, std::string_view name, const ReplayPosition& position) {
  batch.put(Space::kState, key_of(name), encode_replay_position(position));
}

Result<std::optional<ReplayPosition>> load_replay_position(const KeyValueStore& store, std::string_view name) {
  ASSIGN_OR_RETURN(const std::optional<PinnedValue> value, store.get(Space::kState, key_of(name)));
  if (!value) return std::optional<ReplayPosition>();
  ASSIGN_OR_RETURN(const ReplayPosition position, decode_replay_position(value->bytes));
  return std::optional<ReplayPosition>(position);
}

}  // namespace meterstream
