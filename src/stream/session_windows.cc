#include "stream/session_windows.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/window_changelog.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
// Bits of a session in the store.
constexpr uint64_t kEmitted = 1;
// Of a group.
constexpr uint64_t kBegan = 1;

}  // namespace

SessionWindows::SessionWindows(SessionShape shape, size_t arguments, const std::vector<SampleShape>& samples,
                               Merge merge)
    : shape_(shape), arguments_(arguments), samples_(samples), merge_(std::move(merge)) {}

int64_t SessionWindows::closed_before_ms(int64_t watermark_ms) const {
  const int64_t waits_ms = shape_.gap_ms + shape_.grace_ms;
  return watermark_ms < INT64_MIN / 2 + waits_ms ? INT64_MIN : watermark_ms - waits_ms;
}

SessionWindows::Group& SessionWindows::group_of(uint32_t id) {
  if (groups_.size() <= id) groups_.resize(id + 1);
  return groups_[id];
}

SessionWindows::Taken SessionWindows::take(uint32_t id, int64_t time_ms, int64_t watermark_ms) {
  Group& group = group_of(id);
  if (time_ms <= group.closed_until_ms) return {};
  // Sessions do not grow across one that was closed alone.
  int64_t after_ms = INT64_MIN;
  int64_t before_ms = INT64_MAX;
  for (const Closed& closed : group.closed_alone) {
    if (closed.start_ms <= time_ms && time_ms <= closed.end_ms) return {};
    if (closed.end_ms < time_ms) after_ms = closed.end_ms;
    if (closed.start_ms > time_ms) before_ms = std::min(before_ms, closed.start_ms);
  }
  const auto first = std::ranges::partition_point(group.open, [&](const Session& session) {
    return session.end_ms < time_ms - shape_.gap_ms || session.start_ms <= after_ms;
  });
  const auto last = std::partition_point(first, group.open.end(), [&](const Session& session) {
    return session.start_ms <= time_ms + shape_.gap_ms && session.start_ms < before_ms;
  });
  if (first == last && is_closed(time_ms, watermark_ms)) return {};
  Session& session = join(id, group, static_cast<size_t>(first - group.open.begin()),
                          static_cast<size_t>(last - group.open.begin()), time_ms);
  mark_changed(id, group, session);
  queue_earliest(id, group);
  return {&session.content(), session.samples.get()};
}

// Makes one session of those in [first, last) and the time.
SessionWindows::Session& SessionWindows::join(uint32_t id, Group& group, size_t first, size_t last, int64_t time_ms) {
  const auto begin = group.open.begin() + static_cast<ptrdiff_t>(first);
  if (first == last) {
    ++open_;
    Session made{time_ms, time_ms, false, false, nullptr};
    made.slot = std::make_unique<uint64_t[]>(WindowSlot::bytes_for(arguments_) / sizeof(uint64_t));
    if (!samples_.empty()) made.samples = std::make_unique<SessionSamples>(samples_);
    return *group.open.insert(begin, std::move(made));
  }
  Session& into = *begin;
  const auto end = group.open.begin() + static_cast<ptrdiff_t>(last);
  for (auto from = begin + 1; from != end; ++from) {
    merge_(from->content(), into.content());
    if (from->samples != nullptr) {
      into.samples->merge(*from->samples);
      retire(id, std::move(from->samples));
    }
    into.end_ms = from->end_ms;
    if (from->emitted) group.retracted.push_back(from->start_ms);
  }
  if (time_ms < into.start_ms) {
    if (into.emitted) group.retracted.push_back(into.start_ms);
    into.emitted = false;
    into.start_ms = time_ms;
  }
  into.end_ms = std::max(into.end_ms, time_ms);
  open_ -= static_cast<int64_t>(last - first) - 1;
  group.open.erase(begin + 1, end);
  return group.open[first];
}

void SessionWindows::mark_changed(uint32_t id, Group& group, Session& session) {
  if (!group.changed) changed_.push_back(id);
  group.changed = true;
  if (shape_.emit != EmitMode::kChanges) return;
  session.changed = true;
  if (!group.refined) refined_.push_back(id);
  group.refined = true;
}

void SessionWindows::queue_earliest(uint32_t id, Group& group) {
  if (group.open.front().end_ms >= group.queued_end_ms) return;
  group.queued_end_ms = group.open.front().end_ms;
  ends_.emplace(group.queued_end_ms, id);
}

Status SessionWindows::told(uint32_t id, const Emit& emit) {
  return shape_.emit == EmitMode::kBounds ? tell_beginning(id, groups_[id], emit) : Status();
}

Status SessionWindows::tell_beginning(uint32_t id, Group& group, const Emit& emit) {
  if (group.began || group.open.empty()) return {};
  group.began = true;
  const Session& session = group.open.front();
  // Once after each end, so that the end tells beginnings apart.
  const GroupState state = session.state();
  return emit(id, {session.start_ms, ResultWindow::kNotEnded, static_cast<uint64_t>(group.closed_until_ms)}, &state);
}

Status SessionWindows::close(int64_t watermark_ms, const Emit& emit) {
  while (is_due(watermark_ms)) {
    const auto [end_ms, id] = ends_.top();
    ends_.pop();
    Group& group = groups_[id];
    if (end_ms != group.queued_end_ms) continue;
    group.queued_end_ms = INT64_MAX;
    // It went on since, or is the next in order.
    if (group.open.front().end_ms == end_ms) RETURN_IF_ERROR(close_earliest(id, false, emit));
    if (!group.open.empty()) queue_earliest(id, group);
  }
  return {};
}

Status SessionWindows::close_all(int64_t highest_ms, const Emit& emit) {
  while (!ends_.empty()) {
    const auto [end_ms, id] = ends_.top();
    ends_.pop();
    Group& group = groups_[id];
    if (end_ms != group.queued_end_ms) continue;
    group.queued_end_ms = INT64_MAX;
    if (group.open.front().end_ms == end_ms) {
      RETURN_IF_ERROR(close_earliest(id, group.open.front().start_ms > highest_ms, emit));
    }
    if (!group.open.empty()) queue_earliest(id, group);
  }
  return {};
}

Status SessionWindows::close_earliest(uint32_t id, bool alone, const Emit& emit) {
  Group& group = groups_[id];
  if (shape_.emit == EmitMode::kChanges) RETURN_IF_ERROR(refine_group(id, emit));
  Session session = std::move(group.open.front());
  group.open.erase(group.open.begin());
  --open_;
  if (!group.changed) changed_.push_back(id);
  group.changed = true;
  const auto next = std::ranges::find_if(group.closed_alone,
                                         [&](const Closed& closed) { return closed.start_ms > session.start_ms; });
  if (alone) {
    group.closed_alone.insert(next, {session.start_ms, session.end_ms});
  } else {
    group.closed_until_ms = std::max(group.closed_until_ms, session.end_ms);
    group.closed_alone.erase(group.closed_alone.begin(), next);
  }
  const GroupState state = session.state();
  if (shape_.emit != EmitMode::kChanges) RETURN_IF_ERROR(emit(id, {session.start_ms, session.end_ms, 0}, &state));
  if (session.samples != nullptr) retire(id, std::move(session.samples));
  if (shape_.emit == EmitMode::kChanges) return {};
  group.began = false;
  return told(id, emit);
}

Status SessionWindows::refine(const Emit& emit) {
  std::ranges::sort(refined_);
  const std::vector<uint32_t> ids = std::exchange(refined_, {});
  for (const uint32_t id : ids) RETURN_IF_ERROR(refine_group(id, emit));
  return {};
}

Status SessionWindows::refine_group(uint32_t id, const Emit& emit) {
  Group& group = groups_[id];
  group.refined = false;
  for (const int64_t start_ms : group.retracted) RETURN_IF_ERROR(emit(id, {start_ms, start_ms, 0}, nullptr));
  group.retracted.clear();
  for (Session& session : group.open) {
    if (!session.changed) continue;
    session.changed = false;
    session.emitted = true;
    const GroupState state = session.state();
    RETURN_IF_ERROR(emit(id, {session.start_ms, session.end_ms, state.slot.rows}, &state));
  }
  return {};
}

size_t SessionWindows::bytes() const {
  const size_t each = sizeof(Session) + WindowSlot::bytes_for(arguments_) + 16;
  size_t bytes = groups_.capacity() * sizeof(Group) + static_cast<size_t>(open_) * each + ends_.size() * sizeof(End);
  if (samples_.empty()) return bytes;
  for (const Group& group : groups_) {
    for (const Session& session : group.open) bytes += session.samples->memory_bytes();
  }
  return bytes;
}

/// Until the state has them no more.
void SessionWindows::retire(uint32_t id, std::unique_ptr<SessionSamples> samples) {
  if (samples->is_stored()) retired_.emplace_back(id, std::move(samples));
}

std::string SessionWindows::encode(const Group& group) const {
  std::string value;
  append_little_endian(value, kVersion);
  append_varint(value, group.began ? kBegan : 0);
  append_varint(value, zigzag(group.closed_until_ms));
  append_varint(value, group.closed_alone.size());
  for (const Closed& closed : group.closed_alone) {
    append_varint(value, zigzag(closed.start_ms));
    append_varint(value, static_cast<uint64_t>(closed.end_ms - closed.start_ms));
  }
  append_varint(value, group.open.size());
  for (const Session& session : group.open) {
    append_varint(value, session.emitted ? kEmitted : 0);
    append_varint(value, zigzag(session.start_ms));
    append_varint(value, static_cast<uint64_t>(session.end_ms - session.start_ms));
    append_slot(value, session.content(), arguments_);
  }
  return value;
}

bool SessionWindows::decode(std::string_view value, Group& group) const {
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  group.began = (reader.varint() & kBegan) != 0;
  group.closed_until_ms = reader.zigzag_varint();
  for (uint64_t count = reader.varint(); reader.ok() && count > 0; --count) {
    const int64_t start_ms = reader.zigzag_varint();
    group.closed_alone.push_back({start_ms, start_ms + static_cast<int64_t>(reader.varint())});
  }
  for (uint64_t count = reader.varint(); reader.ok() && count > 0; --count) {
    Session session;
    session.emitted = (reader.varint() & kEmitted) != 0;
    session.start_ms = reader.zigzag_varint();
    session.end_ms = session.start_ms + static_cast<int64_t>(reader.varint());
    session.slot = std::make_unique<uint64_t[]>(WindowSlot::bytes_for(arguments_) / sizeof(uint64_t));
    read_slot(reader, session.content(), arguments_);
    if (!samples_.empty()) session.samples = std::make_unique<SessionSamples>(samples_);
    group.open.push_back(std::move(session));
  }
  return reader.ok() && reader.remaining() == 0 && version == kVersion;
}

void SessionWindows::save_changes(std::string_view prefix, WriteBatch& batch) {
  // What was not emitted before the commit would be lost.
  CHECK(refined_.empty());
  const auto key_of = [prefix](uint32_t id) {
    std::string key(prefix);
    append_big_endian32(key, id);
    return key;
  };
  for (const auto& [id, samples] : std::exchange(retired_, {})) samples->erase(key_of(id), batch);
  for (const uint32_t id : changed_) {
    Group& group = groups_[id];
    group.changed = false;
    std::string key = key_of(id);
    for (const Session& session : group.open) {
      if (session.samples != nullptr) session.samples->save(key, session.start_ms, batch);
    }
    batch.put(Space::kState, std::move(key), encode(group));
  }
  changed_.clear();
}

Error SessionWindows::unreadable(uint32_t id) {
  return corrupt(
      fmt::format("state: the sessions of group {} do not read back; restore the data directory from a copy, or run "
                  "with another --application-id to compute from the beginning",
                  id));
}

Status SessionWindows::load(std::string_view prefix, const KeyValueStore& store, uint32_t groups) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    std::string_view key = cursor->key().substr(prefix.size());
    const bool has_id = key.size() >= sizeof(uint32_t);
    const uint32_t id = has_id ? load_big_endian32(key.data()) : groups;
    if (id >= groups) return unreadable(id);
    key.remove_prefix(sizeof(uint32_t));
    if (!key.empty()) {  // behind the group itself
      RETURN_IF_ERROR(load_samples(id, key, cursor->value()));
      continue;
    }
    Group& group = group_of(id);
    if (!decode(cursor->value(), group)) return unreadable(id);
    open_ += static_cast<int64_t>(group.open.size());
    if (!group.open.empty()) queue_earliest(id, group);
  }
  return cursor->status();
}

Status SessionWindows::load_samples(uint32_t id, std::string_view key, std::string_view value) {
  int64_t start_ms = 0;
  if (!read_session_start(key, start_ms)) return unreadable(id);
  for (Session& session : group_of(id).open) {
    if (session.start_ms != start_ms) continue;
    if (session.samples == nullptr || !session.samples->read(start_ms, key, value)) return unreadable(id);
    return {};
  }
  return unreadable(id);
}

}  // namespace meterstream
