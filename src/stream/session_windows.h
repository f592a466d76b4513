// Purpose: the open sessions of a view: for each group stretches of event time whose readings follow each other by at most
//          the gap. A reading joins all sessions of its group that it reaches, which become one.
// Rules: a session from its first to its last event is closed when the watermark is beyond its end + gap + grace. A reading
//        is late when no open session takes it and one of its own would be closed; and when it lies before the end of a
//        closed session of its group, so that sessions never overlap.
// Order: sessions close by end, then group id; refinements come by group id, then start.
// EMIT BOUNDS: the beginning of a group's earliest open session is told when there was none, or when the one before it
//              has closed; so beginnings and ends of a group take turns.
// Memory: a slot, its samples and about 100 bytes for each open session, and about 100 bytes for each group that ever came; no budget.
// Thread-safety: none; it belongs to one ViewChain. Errors: those of `Emit`; kCorrupt for state that does not read back.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/session_samples.h"
#include "stream/view_spec.h"
#include "stream/window_slot.h"

namespace meterstream {

struct SessionShape {
  int64_t gap_ms = 0;
  int64_t grace_ms = 0;
  EmitMode emit = EmitMode::kFinal;
};

class SessionWindows {
 public:
  /// Null retracts the session that was emitted with this start.
  using Emit = std::function<Status(uint32_t id, const ResultWindow& window, const GroupState* state)>;
  using Merge = std::function<void(const WindowSlot& from, WindowSlot& into)>;

  /// `samples` are the sets that each session has beside its slot; they must outlive it.
  SessionWindows(SessionShape shape, size_t arguments, const std::vector<SampleShape>& samples, Merge merge);

  struct Taken {
    WindowSlot* slot = nullptr;
    SessionSamples* samples = nullptr;  ///< null when there are no sets
  };
  /// Of the session that takes a reading of the group, which must be added to it next; then call told(). No slot when the
  /// reading is late.
  Taken take(uint32_t id, int64_t time_ms, int64_t watermark_ms);
  /// Tells what take() began.
  Status told(uint32_t id, const Emit& emit);

  [[nodiscard]] bool is_due(int64_t watermark_ms) const {
    return !ends_.empty() && is_closed(ends_.top().first, watermark_ms);
  }
  /// Closes what the watermark closes.
  Status close(int64_t watermark_ms, const Emit& emit);
  /// Closes all. Sessions that begin behind `highest_ms`, which fast clocks made, close alone: what comes before them in
  /// their group is not late for it.
  Status close_all(int64_t highest_ms, const Emit& emit);
  /// EMIT CHANGES: emits what changed since the last call.
  Status refine(const Emit& emit);

  /// Sessions that end before it are closed.
  [[nodiscard]] int64_t closed_before_ms(int64_t watermark_ms) const;
  [[nodiscard]] int64_t open() const { return open_; }
  [[nodiscard]] size_t bytes() const;

  /// Writes each group that changed since the last call under keys that begin with `prefix`.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  /// Fills empty windows. `groups` is the number of group ids that exist.
  Status load(std::string_view prefix, const KeyValueStore& store, uint32_t groups);

 private:
  struct Session {
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    bool changed = false;  ///< since it was emitted
    bool emitted = false;  ///< with this start
    std::unique_ptr<uint64_t[]> slot;
    std::unique_ptr<SessionSamples> samples = nullptr;

    [[nodiscard]] GroupState state() const { return {content(), samples == nullptr ? nullptr : samples->sets()}; }
    [[nodiscard]] WindowSlot& content() const { return *reinterpret_cast<WindowSlot*>(slot.get()); }
  };
  struct Closed {
    int64_t start_ms;
    int64_t end_ms;
  };
  struct Group {
    std::vector<Session> open;            ///< by time
    std::vector<int64_t> retracted;       ///< starts that were emitted and are no more
    int64_t closed_until_ms = INT64_MIN;  ///< end of the last session that time closed
    std::vector<Closed> closed_alone;     ///< by time, behind it
    int64_t queued_end_ms = INT64_MAX;    ///< in ends_
    bool began = false;                   ///< its earliest session was told
    bool changed = false;                 ///< in changed_
    bool refined = false;                 ///< in refined_
  };
  using End = std::pair<int64_t, uint32_t>;

  [[nodiscard]] bool is_closed(int64_t end_ms, int64_t watermark_ms) const {
    return end_ms < closed_before_ms(watermark_ms);
  }
  Group& group_of(uint32_t id);
  Session& join(uint32_t id, Group& group, size_t first, size_t last, int64_t time_ms);
  void mark_changed(uint32_t id, Group& group, Session& session);
  void queue_earliest(uint32_t id, Group& group);
  Status close_earliest(uint32_t id, bool alone, const Emit& emit);
  Status tell_beginning(uint32_t id, Group& group, const Emit& emit);
  Status refine_group(uint32_t id, const Emit& emit);
  void retire(uint32_t id, std::unique_ptr<SessionSamples> samples);
  Status load_samples(uint32_t id, std::string_view key, std::string_view value);
  static Error unreadable(uint32_t id);
  [[nodiscard]] std::string encode(const Group& group) const;
  bool decode(std::string_view value, Group& group) const;

  SessionShape shape_;
  size_t arguments_;
  const std::vector<SampleShape>& samples_;
  Merge merge_;
  std::vector<Group> groups_;  ///< by id
  /// For each group with open sessions one entry that is its queued_end_ms and not behind its earliest end. Others are
  /// outdated.
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<uint32_t> changed_;
  std::vector<uint32_t> refined_;
  /// Samples of sessions that are no more, which the state has still.
  std::vector<std::pair<uint32_t, std::unique_ptr<SessionSamples>>> retired_;
  int64_t open_ = 0;
};

}  // namespace meterstream
