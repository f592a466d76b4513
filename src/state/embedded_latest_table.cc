#include "state/embedded_latest_table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/bytes.h"
#include "state/ordered_text.h"

namespace meterstream {
namespace {

constexpr char kTableKind = 'L';
constexpr char kActivityKind = 'A';
constexpr char kValueKind = 'V';
constexpr uint8_t kVersion = 1;
constexpr size_t kMaxWaiting = 100'000;

std::string prefix_of(char kind, std::string_view table) {
  std::string prefix(1, kind);
  append_ordered_text(prefix, table);
  return prefix;
}

struct Entry {
  int64_t timestamp_ms = 0;
  double value = 0;
};

std::optional<Entry> decode(std::string_view bytes, bool has_value) {
  ByteReader reader(bytes);
  const auto version = reader.little_endian<uint8_t>();
  Entry entry;
  entry.timestamp_ms = reader.little_endian<int64_t>();
  if (has_value) entry.value = reader.little_endian<double>();
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion) return std::nullopt;
  return entry;
}

Error damaged(std::string_view table) {
  return corrupt(
      fmt::format("latest table {} has an entry that cannot be read; run 'meterstream doctor', and restore the data "
                  "directory from a copy",
                  table));
}

}  // namespace

void put_latest_table(std::string_view name, WriteBatch& batch) {
  batch.put(Space::kTable, kTableKind + std::string(name), std::string(1, static_cast<char>(kVersion)));
}

Result<std::vector<std::string>> list_latest_tables(const KeyValueStore& store) {
  std::vector<std::string> names;
  const auto cursor = store.cursor(Space::kTable);
  for (cursor->seek(std::string(1, kTableKind)); cursor->valid() && cursor->key().front() == kTableKind; cursor->next())
    names.emplace_back(cursor->key().substr(1));
  RETURN_IF_ERROR(cursor->status());
  return names;
}

EmbeddedLatestTable::EmbeddedLatestTable(KeyValueStore& store, std::string name, LatestContent content,
                                         Durability durability, std::shared_ptr<KnownTimes> known)
    : store_(store),
      name_(std::move(name)),
      content_(content),
      durability_(durability),
      known_(std::move(known)),
      activity_prefix_(prefix_of(kActivityKind, name_)),
      values_prefix_(prefix_of(kValueKind, name_)) {}

void EmbeddedLatestTable::collect(std::string_view key, int64_t timestamp_ms, std::optional<double> value) {
  auto found = waiting_.find(key);
  if (found == waiting_.end()) {
    waiting_.emplace(key, Waiting{timestamp_ms, value});
  } else if (found->second.timestamp_ms < timestamp_ms) {
    found->second = {timestamp_ms, value};
  }
}

Status EmbeddedLatestTable::write(std::span<const LatestReadingView> readings) {
  for (const LatestReadingView& reading : readings) {
    if (keeps_values(content_)) {
      key_ = values_prefix_;
      append_ordered_text(key_, reading.gateway);
      append_ordered_text(key_, reading.metric_type);
      append_ordered_text(key_, reading.metric_attribute);
      collect(key_, reading.timestamp_ms, reading.value);
    }
    if (keeps_activity(content_)) {
      key_ = activity_prefix_;
      key_ += reading.gateway;
      collect(key_, reading.timestamp_ms, std::nullopt);
    }
    if (waiting_.size() >= kMaxWaiting) RETURN_IF_ERROR(store_waiting());
  }
  return {};
}

Result<std::optional<int64_t>> EmbeddedLatestTable::stored_time(const std::string& key) const {
  if (const auto known = known_->find(key)) return known;
  ASSIGN_OR_RETURN(const auto stored, store_.get(Space::kTable, key));
  if (!stored) return std::optional<int64_t>();
  const auto entry = decode(stored->bytes, key.front() == kValueKind);
  if (!entry) return damaged(name_);
  return std::optional(entry->timestamp_ms);
}

Status EmbeddedLatestTable::store_waiting() {
  const auto waiting = std::exchange(waiting_, {});
  if (waiting.empty()) return {};
  const std::scoped_lock lock(known_->mutex());
  WriteBatch batch;
  std::vector<const std::pair<const std::string, Waiting>*> newer;
  for (const auto& one : waiting) {
    ASSIGN_OR_RETURN(const auto stored_ms, stored_time(one.first));
    if (stored_ms && *stored_ms >= one.second.timestamp_ms) {
      known_->put(one.first, *stored_ms);
      continue;
    }
    std::string bytes(1, static_cast<char>(kVersion));
    append_little_endian(bytes, one.second.timestamp_ms);
    if (one.second.value) append_little_endian(bytes, *one.second.value);
    batch.put(Space::kTable, one.first, std::move(bytes));
    newer.push_back(&one);
  }
  if (batch.empty()) return {};
  if (!is_known_) put_latest_table(name_, batch);
  batch.sort_puts();
  is_flushed_ = false;
  RETURN_IF_ERROR(store_.write(batch, Durability::kBuffered));
  is_known_ = true;
  for (const auto* one : newer) known_->put(one->first, one->second.timestamp_ms);
  return {};
}

// What another writer stored may be why nothing of this one had to be: then its durability is this one's business too.
Status EmbeddedLatestTable::flush() {
  if (!waiting_.empty()) is_flushed_ = false;
  RETURN_IF_ERROR(store_waiting());
  if (is_flushed_ || durability_ == Durability::kBuffered) return {};
  WriteBatch marker;
  put_latest_table(name_, marker);
  RETURN_IF_ERROR(store_.write(marker, Durability::kSync));
  is_flushed_ = true;
  return {};
}

Result<std::optional<int64_t>> EmbeddedLatestTable::activity(std::string_view gateway) {
  ASSIGN_OR_RETURN(const auto stored, store_.get(Space::kTable, activity_prefix_ + std::string(gateway)));
  if (!stored) return std::optional<int64_t>();
  const auto entry = decode(stored->bytes, false);
  if (!entry) return damaged(name_);
  return std::optional(entry->timestamp_ms);
}

Result<std::vector<LatestReading>> EmbeddedLatestTable::values(std::string_view gateway) {
  std::vector<LatestReading> found;
  std::string prefix = values_prefix_;
  append_ordered_text(prefix, gateway);
  const auto cursor = store_.cursor(Space::kTable);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    std::string_view rest = cursor->key().substr(prefix.size());
    LatestReading reading;
    const auto entry = decode(cursor->value(), true);
    if (!entry || !take_ordered_text(rest, reading.metric_type) || !take_ordered_text(rest, reading.metric_attribute) ||
        !rest.empty())
      return damaged(name_);
    reading.gateway = gateway;
    reading.timestamp_ms = entry->timestamp_ms;
    reading.value = entry->value;
    found.push_back(std::move(reading));
  }
  RETURN_IF_ERROR(cursor->status());
  return found;
}

Result<std::vector<std::string>> EmbeddedLatestTable::gateways_by_activity(std::string_view prefix, size_t limit,
                                                                           const std::string* after) const {
  std::vector<std::string> found;
  std::string first(prefix);
  if (after != nullptr) first = std::max(first, *after + '\0');
  const auto cursor = store_.cursor(Space::kTable);
  cursor->seek(activity_prefix_ + first);
  for (; cursor->valid() && cursor->key().starts_with(activity_prefix_) && found.size() < limit; cursor->next()) {
    const std::string_view gateway = cursor->key().substr(activity_prefix_.size());
    if (!gateway.starts_with(prefix)) break;
    found.emplace_back(gateway);
  }
  RETURN_IF_ERROR(cursor->status());
  return found;
}

Result<std::vector<std::string>> EmbeddedLatestTable::gateways_by_values(std::string_view prefix, size_t limit,
                                                                         const std::string* after) const {
  // Behind all keys of a gateway and before those of the next: no text goes on with 0 1.
  const auto behind = [&](std::string_view gateway) {
    std::string key = values_prefix_;
    append_ordered_text(key, gateway);
    key.back() = 1;
    return key;
  };
  std::vector<std::string> found;
  std::string first = values_prefix_;
  append_ordered_text_start(first, prefix);
  if (after != nullptr) first = std::max(first, behind(*after));
  const auto cursor = store_.cursor(Space::kTable);
  cursor->seek(first);
  while (cursor->valid() && cursor->key().starts_with(values_prefix_) && found.size() < limit) {
    std::string_view rest = cursor->key().substr(values_prefix_.size());
    std::string gateway;
    if (!take_ordered_text(rest, gateway)) return damaged(name_);
    if (!gateway.starts_with(prefix)) break;
    cursor->seek(behind(gateway));
    found.push_back(std::move(gateway));
  }
  RETURN_IF_ERROR(cursor->status());
  return found;
}

Result<std::vector<std::string>> EmbeddedLatestTable::gateways(std::string_view prefix, size_t limit,
                                                               const std::string* after) {
  ASSIGN_OR_RETURN(const auto active, gateways_by_activity(prefix, limit, after));
  ASSIGN_OR_RETURN(const auto valued, gateways_by_values(prefix, limit, after));
  std::vector<std::string> all;
  std::ranges::set_union(active, valued, std::back_inserter(all));
  all.resize(std::min(all.size(), limit));
  return all;
}

}  // namespace meterstream
