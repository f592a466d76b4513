#include "connectors/lake/lake_compaction.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "connectors/lake/lake_file.h"

namespace meterstream {
namespace {

/// Appends all readings of `from`.
void append_rows(const LakeRows& from, std::map<SeriesKey, uint32_t>& index_of_series, LakeRows& to) {
  std::vector<uint32_t> index(from.series.size());
  for (size_t series = 0; series < from.series.size(); ++series) {
    const auto [found, is_new] =
        index_of_series.try_emplace(from.series[series], static_cast<uint32_t>(to.series.size()));
    if (is_new) to.series.push_back(from.series[series]);
    index[series] = found->second;
  }
  for (const uint32_t series : from.series_of) to.series_of.push_back(index[series]);
  to.time_ms.insert(to.time_ms.end(), from.time_ms.begin(), from.time_ms.end());
  to.value.insert(to.value.end(), from.value.begin(), from.value.end());
  to.offset.insert(to.offset.end(), from.offset.begin(), from.offset.end());
  to.ingest_ms.insert(to.ingest_ms.end(), from.ingest_ms.begin(), from.ingest_ms.end());
}

}  // namespace

Result<LakeCompaction::Summary> LakeCompaction::run() {
  summary_ = {};
  {
    ASSIGN_OR_RETURN(const LakeInventory begun, LakeInventory::load(store_));
    RETURN_IF_ERROR(finish_begun(begun));
  }
  ASSIGN_OR_RETURN(const LakeInventory inventory, LakeInventory::load(store_));
  if (!inventory.faults.empty()) return corrupt(inventory.faults.front());
  for (const auto& [key, objects] : inventory.objects) RETURN_IF_ERROR(compact_day(objects, inventory));
  return summary_;
}

/// A merged object that is there has replaced its parts; a record without its object never came to anything.
Status LakeCompaction::finish_begun(const LakeInventory& inventory) {
  for (const auto& [object, merge] : inventory.merges) {
    if (inventory.has(object)) {
      RETURN_IF_ERROR(remove_parts(merge, inventory, summary_.cleaned_objects));
    } else {
      RETURN_IF_ERROR(store_.remove(merge.path()));
    }
  }
  for (const LakeStore::Entry& upload : inventory.uploads) {
    if (clock_.now().value - upload.modified_ms < options_.min_age_ms) continue;
    RETURN_IF_ERROR(store_.remove(upload.path));
    ++summary_.cleaned_objects;
  }
  return {};
}

Status LakeCompaction::remove_parts(const LakeMerge& merge, const LakeInventory& inventory, int64_t& removed) {
  for (const LakeObjectName& part : merge.parts) {
    if (!inventory.has(part)) continue;
    RETURN_IF_ERROR(store_.remove(part.path()));
    ++removed;
  }
  for (const LakeObjectName& part : merge.parts) {
    if (inventory.merges.contains(part)) RETURN_IF_ERROR(store_.remove(LakeMerge::path_of(part)));
  }
  return {};
}

bool LakeCompaction::is_settled(const LakeInventory::Object& object) const {
  return clock_.now().value - object.modified_ms >= options_.min_age_ms;
}

/// Whether no recorded range between the two has readings of their date, and no range is missing.
bool LakeCompaction::are_adjacent(const LakeObjectName& left, const LakeObjectName& right,
                                  const LakeInventory& inventory) {
  if (right.first <= left.last) return false;
  const auto ranges = inventory.ranges.find(left.source);
  if (ranges == inventory.ranges.end()) return false;
  int64_t expected = left.last.value + 1;
  for (auto range = std::ranges::lower_bound(ranges->second, Offset(expected), {}, &LakeRange::first);
       range != ranges->second.end() && range->first < right.first; ++range) {
    if (range->first.value != expected) return false;
    if (std::ranges::find(range->objects, left.day, &LakeRange::Object::day) != range->objects.end()) return false;
    expected = range->last.value + 1;
  }
  return expected == right.first.value;
}

/// As recorded; too many for any merge when nothing is.
int64_t LakeCompaction::readings_of(const LakeObjectName& object, const LakeInventory& inventory) {
  if (const auto merge = inventory.merges.find(object); merge != inventory.merges.end()) return merge->second.readings;
  constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max() / 2;
  const auto ranges = inventory.ranges.find(object.source);
  if (ranges == inventory.ranges.end()) return kUnknown;
  const auto range = std::ranges::lower_bound(ranges->second, object.first, {}, &LakeRange::first);
  if (range == ranges->second.end() || range->first != object.first || range->last != object.last) return kUnknown;
  const auto found = std::ranges::find(range->objects, object.day, &LakeRange::Object::day);
  return found == range->objects.end() ? kUnknown : found->readings;
}

void LakeCompaction::leave(Border before, Border behind) {
  const auto is_either = [&](Border border) { return before == border || behind == border; };
  if (is_either(Border::kLarge)) {
    ++summary_.left.large;
  } else if (is_either(Border::kApart)) {
    ++summary_.left.apart;
  } else {
    ++summary_.left.alone;
  }
}

Status LakeCompaction::compact_day(const Objects& objects, const LakeInventory& inventory) {
  Objects group;
  int64_t bytes = 0;
  int64_t readings = 0;
  Border before = Border::kEnd;  // of the group
  const auto end_group = [&](Border behind) -> Status {
    const Border began = std::exchange(before, behind);
    const Objects parts = std::exchange(group, {});
    bytes = readings = 0;
    if (parts.size() > 1) return merge(parts, inventory);
    if (parts.size() == 1) leave(began, behind);
    return {};
  };
  for (const LakeInventory::Object& object : objects) {
    const int64_t object_readings = readings_of(object.name, inventory);
    Border border = Border::kNone;
    if (!is_settled(object)) {
      border = Border::kYoung;
      ++summary_.left.young;
    } else if (!group.empty() && !are_adjacent(group.back().name, object.name, inventory)) {
      border = Border::kApart;
    } else if (!group.empty() && (bytes + object.bytes > options_.target_bytes ||
                                  object_readings > options_.target_readings - readings)) {
      border = Border::kLarge;
    }
    if (border != Border::kNone) RETURN_IF_ERROR(end_group(border));
    if (border == Border::kYoung) continue;
    group.push_back(object);
    bytes += object.bytes;
    readings += object_readings;
  }
  return end_group(Border::kEnd);
}

Status LakeCompaction::merge(const Objects& parts, const LakeInventory& inventory) {
  LakeRows rows;
  std::map<SeriesKey, uint32_t> index_of_series;
  LakeMerge merge;
  merge.object = parts.front().name;
  merge.object.last = parts.back().name.last;
  int64_t bytes_before = 0;
  for (const LakeInventory::Object& part : parts) {
    ASSIGN_OR_RETURN(const std::string bytes, store_.read(part.name.path()));
    const auto file = decode_lake_file(bytes);
    if (!file) return file.error().within(part.name.path());
    if (file->name != part.name) {
      return corrupt(fmt::format("{}: its metadata says that it is {}", part.name.path(), file->name.path()));
    }
    // A writer died between the record and the object; the sink writes it again.
    if (static_cast<int64_t>(file->rows.size()) != readings_of(part.name, inventory)) {
      return corrupt(fmt::format("{}: it holds {} readings, and {} are recorded; run the sink first", part.name.path(),
                                 file->rows.size(), readings_of(part.name, inventory)));
    }
    append_rows(file->rows, index_of_series, rows);
    merge.parts.push_back(part.name);
    bytes_before += part.bytes;
  }
  const std::vector<LakeDay> days = days_of(rows);
  if (days.size() != 1) return corrupt(fmt::format("{}: readings of several dates", parts.front().name.path()));
  ASSIGN_OR_RETURN(const std::string bytes,
                   encode_lake_file(merge.object, rows, days.front().order, options_.zstd_level));
  merge.readings = static_cast<int64_t>(rows.size());
  merge.bytes = static_cast<int64_t>(bytes.size());
  merge.checksum = crc32c(bytes);
  RETURN_IF_ERROR(store_.write(merge.path(), merge.json()));
  RETURN_IF_ERROR(store_.write(merge.object.path(), bytes));
  RETURN_IF_ERROR(remove_parts(merge, inventory, summary_.removed_objects));
  ++summary_.merged_objects;
  summary_.bytes_before += bytes_before;
  summary_.bytes_after += merge.bytes;
  summary_.readings += merge.readings;
  return {};
}

}  // namespace meterstream
