#include "server/shared_rows.h"

#include <algorithm>
#include <string>
#include <utility>

namespace meterstream {
namespace {

size_t bytes_of(const QueryRow& row) {
  size_t bytes = sizeof(QueryRow) + row.size() * sizeof(QueryValue);
  for (const QueryValue& value : row) {
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->capacity();
  }
  return bytes;
}

}  // namespace

std::optional<SharedRows::Reader> SharedRows::join(bool from_first) {
  const std::scoped_lock lock(mutex_);
  if (outcome_ || (from_first && first_ > 0)) return std::nullopt;
  // Who makes the rows has seen that all were gone, and ends.
  if (had_readers_ && places_.empty()) return std::nullopt;
  had_readers_ = true;
  places_[++last_reader_] = {from_first ? 0 : first_ + static_cast<int64_t>(rows_.size())};
  return last_reader_;
}

void SharedRows::leave(Reader reader) {
  {
    const std::scoped_lock lock(mutex_);
    places_.erase(reader);
  }
  changed_.notify_all();
}

int64_t SharedRows::slowest() const {
  int64_t least = INT64_MAX;
  for (const auto& [reader, place] : places_) {
    if (!place.is_sent_away) least = std::min(least, place.next);
  }
  return least;
}

void SharedRows::make_room() {
  const int64_t needed = slowest();
  while (bytes_ > limits_.most_bytes && !rows_.empty() && first_ < needed) {
    bytes_ -= rows_.front().bytes;
    rows_.pop_front();
    ++first_;
  }
}

void SharedRows::send_slowest_away() {
  const int64_t least = slowest();
  const bool all_wait = std::ranges::all_of(
      places_, [&](const auto& place) { return place.second.is_sent_away || place.second.next == least; });
  if (all_wait) return;
  for (auto& [reader, place] : places_) {
    if (place.next == least) place.is_sent_away = true;
  }
}

bool SharedRows::add(std::vector<QueryRow> rows) {
  std::unique_lock lock(mutex_);
  for (QueryRow& row : rows) {
    const auto is_possible = [this] {
      make_room();
      return places_.empty() || bytes_ <= limits_.most_bytes;
    };
    while (!changed_.wait_for(lock, limits_.patience, is_possible)) send_slowest_away();
    if (places_.empty()) return false;
    const size_t bytes = bytes_of(row);
    rows_.push_back({std::move(row), bytes});
    bytes_ += bytes;
  }
  lock.unlock();
  changed_.notify_all();
  return true;
}

void SharedRows::end(Status outcome) {
  {
    const std::scoped_lock lock(mutex_);
    if (!outcome_) outcome_ = std::move(outcome);
  }
  changed_.notify_all();
}

Result<bool> SharedRows::next(Reader reader, std::vector<QueryRow>& rows, size_t most,
                              std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const auto own = places_.find(reader);
  if (own == places_.end()) return false;
  Place& place = own->second;
  const auto end = [&] { return first_ + static_cast<int64_t>(rows_.size()); };
  changed_.wait_for(lock, timeout, [&] { return place.is_sent_away || place.next < end() || outcome_.has_value(); });
  if (place.is_sent_away) {
    return unavailable(
        "this reader was so slow that it held back others who ask the same; ask again, and read faster or ask for "
        "less");
  }
  const int64_t first_taken = place.next;
  while (place.next - first_taken < static_cast<int64_t>(most) && place.next < end())
    rows.push_back(rows_[static_cast<size_t>(place.next++ - first_)].values);
  const bool is_done = place.next == end() && outcome_.has_value();
  const Status outcome = is_done ? *outcome_ : Status();
  const bool makes_room = place.next > first_taken;
  lock.unlock();
  // Readers of nothing wake nobody: there may be many.
  if (makes_room) changed_.notify_all();
  RETURN_IF_ERROR(outcome);
  return !is_done;
}

size_t SharedRows::readers() const {
  const std::scoped_lock lock(mutex_);
  return places_.size();
}

bool SharedRows::is_fresh() const {
  const std::scoped_lock lock(mutex_);
  return first_ == 0 && rows_.empty();
}

size_t SharedRows::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace meterstream
