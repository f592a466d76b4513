// Purpose: rows that one query makes for all who ask the same: each reader takes them at its own speed, out of one buffer.
// Rules: the buffer has a limit. Who makes rows waits for the slowest reader when it is full; a reader that holds others back for too long is
//        sent away. What all have taken goes when there is no more room for it, so that who comes early enough still sees all.
// Thread-safety: all methods may be called concurrently; each reader is used by one thread.
// Errors: kUnavailable for a reader that was sent away; the error that the query ended with.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "server/statement_service.h"

namespace meterstream {

class SharedRows {
 public:
  struct Limits {
    size_t most_bytes = size_t{8} << 20;
    /// How long a reader may hold others back.
    std::chrono::milliseconds patience{10'000};
  };
  using Reader = int64_t;

  explicit SharedRows(Limits limits) : limits_(limits) {}

  /// With `from_first` from the first row there ever was: nothing when some are gone. Else from the next one.
  std::optional<Reader> join(bool from_first);
  void leave(Reader reader);

  /// Waits for room. False: nobody reads any more.
  bool add(std::vector<QueryRow> rows);
  /// There will be no more.
  void end(Status outcome);

  /// As QueryRows::next.
  Result<bool> next(Reader reader, std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout);
  /// Wakes who waits.
  void wake() { changed_.notify_all(); }

  [[nodiscard]] size_t readers() const;
  /// Whether no row came so far.
  [[nodiscard]] bool is_fresh() const;
  [[nodiscard]] size_t bytes() const;

 private:
  struct Place {
    int64_t next = 0;  ///< number of the row
    bool is_sent_away = false;
  };
  struct Row {
    QueryRow values;
    size_t bytes = 0;
  };

  /// Number of the first row that somebody has not taken.
  [[nodiscard]] int64_t slowest() const;
  void make_room();
  void send_slowest_away();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Row> rows_;
  int64_t first_ = 0;  ///< number of rows_.front()
  size_t bytes_ = 0;
  std::map<Reader, Place> places_;
  Reader last_reader_ = 0;
  bool had_readers_ = false;
  std::optional<Status> outcome_;
};

}  // namespace meterstream
