#include "stream/state_changelog.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;

std::string encode_mark(int64_t commit, const std::vector<StateChangelog::Place>& places) {
  std::string mark;
  append_little_endian(mark, kVersion);
  append_little_endian(mark, commit);
  for (const auto& [partition, next] : places) {
    append_little_endian(mark, partition.value);
    append_little_endian(mark, next.value);
  }
  return mark;
}

std::string describe(std::string_view mark) {
  ByteReader reader(mark);
  reader.little_endian<uint8_t>();
  std::string text = fmt::format("commit {}", reader.little_endian<int64_t>());
  while (reader.ok() && reader.remaining() > 0) {
    const auto partition = reader.little_endian<int32_t>();
    text += fmt::format(", partition {} at offset {}", partition, reader.little_endian<int64_t>());
  }
  return text;
}

}  // namespace

StateChangelog::StateChangelog(const KeyValueStore& store, std::string_view task)
    : store_(store), task_(task), prefix_(fmt::format("windows/{}/", task)) {}

std::string StateChangelog::mark_key() const {
  return prefix_ + 'c';
}

Status StateChangelog::load(int64_t commit, const std::vector<Place>& places, PassProcessor& pass) {
  ASSIGN_OR_RETURN(const auto mark, store_.get(Space::kState, mark_key()));
  const std::string expected = encode_mark(commit, places);
  if (!mark || mark->bytes != expected) {
    return corrupt(
        fmt::format("state of task {}: the store has {}, the committed positions are those of {}; they were copied or "
                    "restored apart. Restore both from one copy (a store that follows a changelog topic may be "
                    "removed, it is filled again), or run with another --application-id to compute from the beginning",
                    task_, mark ? describe(mark->bytes) : "none", describe(expected)));
  }
  commit_ = commit;
  return pass.load_changes(prefix_, store_);
}

Status StateChangelog::forget() {
  outdated_.clear();
  const auto cursor = store_.cursor(Space::kState);
  for (cursor->seek(prefix_); cursor->valid() && cursor->key().starts_with(prefix_); cursor->next()) {
    outdated_.emplace_back(cursor->key());
  }
  return cursor->status();
}

void StateChangelog::drop(WriteBatch& batch) {
  for (std::string& key : outdated_) batch.erase(Space::kState, std::move(key));
  outdated_.clear();
}

Result<int64_t> StateChangelog::save(const std::vector<Place>& places, PassProcessor& pass, WriteBatch& batch) {
  drop(batch);
  RETURN_IF_ERROR(pass.save_changes(prefix_, batch));
  batch.put(Space::kState, mark_key(), encode_mark(++commit_, places));
  return commit_;
}

}  // namespace meterstream
