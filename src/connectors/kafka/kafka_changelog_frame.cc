#include "connectors/kafka/kafka_changelog_frame.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr std::string_view kHeader = "commit";

}  // namespace

std::string encode_changelog_writer(const KafkaChangelogWriter& writer) {
  std::string bytes;
  append_little_endian(bytes, writer.epoch);
  append_little_endian(bytes, writer.id);
  return bytes;
}

std::optional<KafkaChangelogWriter> decode_changelog_writer(std::string_view bytes) {
  ByteReader reader(bytes);
  KafkaChangelogWriter writer;
  writer.epoch = reader.little_endian<uint32_t>();
  writer.id = reader.little_endian<uint64_t>();
  if (!reader.ok()) return std::nullopt;
  return writer;
}

std::string encode_changelog_frame(const KafkaChangelogFrame& frame) {
  std::string bytes = encode_changelog_writer(frame.writer);
  append_little_endian(bytes, frame.commit);
  bytes.push_back(frame.is_last ? '\1' : '\0');
  if (frame.commit == 0) append_little_endian(bytes, frame.base.value);
  std::string headers;
  append_sized(headers, kHeader);
  append_sized(headers, bytes);
  return headers;
}

Result<std::optional<KafkaChangelogFrame>> decode_changelog_frame(std::string_view headers) {
  ByteReader reader(headers);
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    if (name != kHeader) continue;
    const auto writer = decode_changelog_writer(value);
    KafkaChangelogFrame frame;
    if (writer) frame.writer = *writer;
    ByteReader rest(value.substr(std::min<size_t>(value.size(), sizeof(uint32_t) + sizeof(uint64_t))));
    frame.commit = rest.little_endian<uint32_t>();
    frame.is_last = rest.little_endian<uint8_t>() != 0;
    if (frame.commit == 0) frame.base = Offset(rest.little_endian<int64_t>());
    if (!writer || !rest.ok()) return corrupt("a header 'commit' that is too short");
    return frame;
  }
  if (!reader.ok()) return corrupt("headers that cannot be read");
  return std::optional<KafkaChangelogFrame>();
}

void KafkaChangelogSorter::add(const std::optional<KafkaChangelogFrame>& frame, KafkaChangelogEntry entry) {
  const Offset behind(entry.offset.value + 1);
  if (!frame) {
    // A transaction is whole, and holds new values of what was torn before it.
    open_.push_back(std::move(entry));
    complete();
    seen_ = behind;
    return;
  }
  highest_ = std::max(highest_, frame->writer.epoch);
  if (frame->writer == current_) {
    if (frame->commit != open_commit_) complete();
  } else {
    const bool is_void = frame->commit == 0 && seen_ > frame->base;
    if (frame->writer.epoch <= current_.epoch || is_void) return drop(entry);
    std::ranges::move(open_, std::back_inserter(undecided_));
    open_.clear();
    current_ = frame->writer;
    // Its first commit, which may be gone by compaction, came before.
    if (frame->commit != 0) complete();
  }
  open_commit_ = frame->commit;
  seen_ = behind;
  open_.push_back(std::move(entry));
  if (frame->is_last) complete();
}

void KafkaChangelogSorter::complete() {
  for (auto* entries : {&undecided_, &open_}) {
    for (KafkaChangelogEntry& entry : *entries) {
      if (const auto torn = torn_.find(entry.key); torn != torn_.end() && torn->second.last < entry.offset)
        torn_.erase(torn);
      ready_.push_back(std::move(entry));
    }
    entries->clear();
  }
}

void KafkaChangelogSorter::drop(const KafkaChangelogEntry& entry) {
  KafkaTornKey& torn = torn_.try_emplace(entry.key, KafkaTornKey{entry.offset, entry.offset}).first->second;
  // What was undecided comes late.
  torn = {std::min(torn.first, entry.offset), std::max(torn.last, entry.offset)};
}

void KafkaChangelogSorter::finish() {
  for (auto* entries : {&undecided_, &open_}) {
    for (const KafkaChangelogEntry& entry : *entries) drop(entry);
    entries->clear();
  }
}

std::optional<Offset> KafkaChangelogSorter::open_from() const {
  std::optional<Offset> first;
  const auto consider = [&](Offset offset) { first = first ? std::min(*first, offset) : offset; };
  if (!undecided_.empty()) consider(undecided_.front().offset);
  if (!open_.empty()) consider(open_.front().offset);
  for (const auto& [key, torn] : torn_) consider(torn.first);
  return first;
}

}  // namespace meterstream
