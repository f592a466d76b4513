#include "stream/duplicate_filter.h"

#include <algorithm>

#include "stream/duplicate_bucket.h"
#include "stream/window_math.h"

namespace meterstream {

// Sixteen buckets a horizon: memory is given back in steps of a sixteenth.
DuplicateFilter::DuplicateFilter(int64_t horizon_ms)
    : horizon_ms_(horizon_ms), bucket_ms_(std::max<int64_t>(1, horizon_ms / 16)) {}

DuplicateFilter::~DuplicateFilter() = default;

void DuplicateFilter::forget_before(int64_t limit_ms) {
  while (!buckets_.empty() && buckets_.begin()->first + bucket_ms_ <= limit_ms) {
    int64_t& first = forgotten_.try_emplace(buckets_.begin()->first, INT64_MAX).first->second;
    first = std::min(first, buckets_.begin()->second->first_offset);
    if (keeps_changes_) {
      forgotten_added_.push_back(buckets_.begin()->first);
      erased_buckets_.push_back({buckets_.begin()->first, buckets_.begin()->second->chunks});
    }
    buckets_.erase(buckets_.begin());
  }
}

DuplicateFilter::Verdict DuplicateFilter::check(const Observation& observation) {
  if (observation.capped_time_ms > highest_ms_) {
    highest_ms_ = observation.capped_time_ms;
    forget_before(highest_ms_ - horizon_ms_);
  }
  if (observation.event_time_ms < highest_ms_ - horizon_ms_) return Verdict::kNew;
  std::unique_ptr<Bucket>& bucket = buckets_[window_start_of(observation.event_time_ms, bucket_ms_)];
  if (bucket == nullptr) bucket = std::make_unique<Bucket>();
  bucket->first_offset = std::min(bucket->first_offset, observation.offset);
  const Bucket::Key key{observation.event_time_ms, series_.intern(observation.series_key)};
  const auto [found, added] = bucket->seen.try_emplace(key, observation.value_hash);
  if (added && keeps_changes_) bucket->unsaved.emplace_back(key, observation.value_hash);
  if (added) return Verdict::kNew;
  return found->second == observation.value_hash ? Verdict::kDuplicate : Verdict::kConflict;
}

int64_t DuplicateFilter::first_open_offset(int64_t earliest_ms) {
  int64_t lowest = INT64_MAX;
  // A reading of an open window was compared with readings of its own time, read up to a horizon earlier.
  while (!forgotten_.empty() && forgotten_.begin()->first + bucket_ms_ <= earliest_ms - horizon_ms_) {
    if (keeps_changes_) forgotten_erased_.push_back(forgotten_.begin()->first);
    forgotten_.erase(forgotten_.begin());
  }
  for (const auto& [start_ms, offset] : forgotten_) lowest = std::min(lowest, offset);
  for (const auto& [start_ms, bucket] : buckets_) lowest = std::min(lowest, bucket->first_offset);
  return lowest == INT64_MAX ? -1 : lowest;
}

size_t DuplicateFilter::remembered() const {
  size_t count = 0;
  for (const auto& [start_ms, bucket] : buckets_) count += bucket->seen.size();
  return count;
}

Status DuplicateFilter::save(SnapshotWriter& writer) const {
  RETURN_IF_ERROR(writer.number(highest_ms_));
  RETURN_IF_ERROR(writer.number(series_.size()));
  for (uint32_t id = 0; id < series_.size(); ++id) RETURN_IF_ERROR(writer.bytes(series_.key(id)));
  RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(forgotten_.size())));
  for (const auto& [start_ms, offset] : forgotten_) {
    RETURN_IF_ERROR(writer.number(start_ms));
    RETURN_IF_ERROR(writer.number(offset));
  }
  RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(buckets_.size())));
  for (const auto& [start_ms, bucket] : buckets_) {
    RETURN_IF_ERROR(writer.number(start_ms));
    RETURN_IF_ERROR(writer.number(bucket->first_offset));
    RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(bucket->seen.size())));
    for (const auto& [key, value_hash] : bucket->seen) {
      RETURN_IF_ERROR(writer.number(key.event_time_ms));
      RETURN_IF_ERROR(writer.number(key.series));
      RETURN_IF_ERROR(writer.number(value_hash));
    }
  }
  return {};
}

Status DuplicateFilter::load(SnapshotReader& reader) {
  ASSIGN_OR_RETURN(highest_ms_, reader.number<int64_t>());
  ASSIGN_OR_RETURN(const uint32_t series, reader.number<uint32_t>());
  for (uint32_t id = 0; id < series; ++id) {
    ASSIGN_OR_RETURN(const std::string key, reader.bytes());
    if (series_.intern(key) != id) return corrupt("snapshot: a series appears twice");
  }
  ASSIGN_OR_RETURN(const uint64_t forgotten, reader.number<uint64_t>());
  for (uint64_t i = 0; i < forgotten; ++i) {
    ASSIGN_OR_RETURN(const int64_t start_ms, reader.number<int64_t>());
    ASSIGN_OR_RETURN(forgotten_[start_ms], reader.number<int64_t>());
    if (keeps_changes_) forgotten_added_.push_back(start_ms);
  }
  ASSIGN_OR_RETURN(const uint64_t buckets, reader.number<uint64_t>());
  for (uint64_t i = 0; i < buckets; ++i) {
    ASSIGN_OR_RETURN(const int64_t start_ms, reader.number<int64_t>());
    auto bucket = std::make_unique<Bucket>();
    ASSIGN_OR_RETURN(bucket->first_offset, reader.number<int64_t>());
    ASSIGN_OR_RETURN(const uint64_t seen, reader.number<uint64_t>());
    for (uint64_t j = 0; j < seen; ++j) {
      Bucket::Key key{};
      ASSIGN_OR_RETURN(key.event_time_ms, reader.number<int64_t>());
      ASSIGN_OR_RETURN(key.series, reader.number<uint32_t>());
      ASSIGN_OR_RETURN(const uint64_t value_hash, reader.number<uint64_t>());
      bucket->seen.emplace(key, value_hash);
      if (keeps_changes_) bucket->unsaved.emplace_back(key, value_hash);
    }
    buckets_[start_ms] = std::move(bucket);
  }
  return {};
}

}  // namespace meterstream
