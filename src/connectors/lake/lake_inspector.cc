#include "connectors/lake/lake_inspector.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "connectors/lake/lake_file.h"
#include "connectors/lake/lake_inventory.h"

namespace meterstream {
namespace {

std::string source_text(const TopicPartition& source) {
  return fmt::format("{} partition {}", source.topic, source.partition);
}

LakePartition partition_of(const TopicPartition& source, const std::vector<LakeRange>& ranges) {
  LakePartition partition;
  partition.source = source;
  partition.begin = ranges.front().first;
  partition.ranges = static_cast<int64_t>(ranges.size());
  for (const LakeRange& range : ranges) {
    partition.end = std::max(partition.end, Offset(range.last.value + 1));
    partition.records += range.records;
    partition.rejected += range.rejected;
    for (const LakeRange::Object& object : range.objects) partition.readings += object.readings;
  }
  return partition;
}

/// Looks at a loaded inventory, and at each object's bytes.
class Verification {
 public:
  Verification(LakeStore& store, const LakeInventory& inventory) : store_(store), inventory_(inventory) {
    report_.faults = inventory.faults;
  }

  Result<LakeReport> run() {
    for (const auto& [source, ranges] : inventory_.ranges) {
      report_.partitions.push_back(partition_of(source, ranges));
      check_tiles(source, ranges);
      for (const LakeRange& range : ranges) expect_objects(range);
    }
    for (const auto& [key, objects] : inventory_.objects) RETURN_IF_ERROR(check_day(objects));
    for (const LakeObjectName& name : missing_) RETURN_IF_ERROR(check_missing(name));
    return std::move(report_);
  }

 private:
  /// What a live object must hold.
  struct Expected {
    int64_t readings = 0;
    int64_t bytes = -1;
    uint32_t checksum = 0;
  };

  void fault(std::string text) { report_.faults.push_back(std::move(text)); }

  void check_tiles(const TopicPartition& source, const std::vector<LakeRange>& ranges) {
    if (!ranges.front().is_beginning.value_or(true)) {
      fault(fmt::format("{}: the offsets before {} are missing: the lake began before them", source_text(source),
                        ranges.front().first));
    }
    for (size_t i = 1; i < ranges.size(); ++i) {
      const int64_t expected = ranges[i - 1].last.value + 1;
      const int64_t first = ranges[i].first.value;
      if (first > expected) {
        fault(fmt::format("{}: the offsets {} to {} are missing", source_text(source), expected, first - 1));
      } else if (first < expected) {
        fault(fmt::format("{}: the offsets {} to {} are there twice: in the ranges {} to {} and {} to {}",
                          source_text(source), first, std::min(expected - 1, ranges[i].last.value), ranges[i - 1].first,
                          ranges[i - 1].last, ranges[i].first, ranges[i].last));
      }
    }
  }

  [[nodiscard]] bool is_leftover(const LakeObjectName& name) const { return inventory_.merge_of(name) != nullptr; }

  /// Finds the one object that holds each of the range's, and adds up what it must hold.
  void expect_objects(const LakeRange& range) {
    for (const LakeRange::Object& object : range.objects) {
      const LakeObjectName name = range.name_of(object);
      const auto of_day = inventory_.objects.find({range.source, object.day});
      const LakeObjectName* holder = nullptr;
      if (of_day != inventory_.objects.end()) {
        for (const LakeInventory::Object& candidate : of_day->second) {
          if (candidate.name.covers(name.first, name.last) && !is_leftover(candidate.name)) holder = &candidate.name;
        }
      }
      if (holder == nullptr) {
        missing_.push_back(name);
        holder = &name;
      }
      Expected& expected = expected_[*holder];
      expected.readings += object.readings;
      if (*holder == name) {
        expected.bytes = object.bytes;
        expected.checksum = object.checksum;
      }
    }
  }

  Status check_day(const std::vector<LakeInventory::Object>& objects) {
    const LakeObjectName* before = nullptr;
    for (const LakeInventory::Object& object : objects) {
      if (is_leftover(object.name)) {
        report_.leftovers.push_back(object.name.path());
        continue;
      }
      if (before != nullptr && object.name.first <= before->last) {
        fault(fmt::format("{}: overlaps {}; readings are there twice", object.name.path(), before->path()));
      }
      if (before == nullptr || object.name.last > before->last) before = &object.name;
      RETURN_IF_ERROR(check_object(object));
    }
    return {};
  }

  /// A range is recorded before its objects: what was missing at first may have been written since.
  Status check_missing(const LakeObjectName& name) {
    const auto bytes = store_.read(name.path());
    if (bytes) return check_object({name, 0, 0});
    if (bytes.error().code != ErrorCode::kNotFound) return bytes.error();
    fault(fmt::format("{}: the object is lost ({} readings)", name.path(), expected_.at(name).readings));
    return {};
  }

  Status check_object(const LakeInventory::Object& object) {
    const std::string path = object.name.path();
    const auto expected = expected_.find(object.name);
    if (expected == expected_.end()) {
      fault(fmt::format("{}: no range is recorded that it holds readings of", path));
      return {};
    }
    Expected wanted = expected->second;
    if (const auto merge = inventory_.merges.find(object.name); merge != inventory_.merges.end()) {
      wanted.bytes = merge->second.bytes;
      wanted.checksum = merge->second.checksum;
    }
    const auto bytes = store_.read(path);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
      fault(fmt::format("{}: went away while it was looked at; verify again when no compaction runs", path));
      return {};
    }
    if (!bytes) return bytes.error();
    ++report_.objects;
    report_.bytes += static_cast<int64_t>(bytes->size());
    if (wanted.bytes < 0) {
      fault(fmt::format("{}: there is no record of how it was made", path));
    } else if (wanted.bytes != static_cast<int64_t>(bytes->size())) {
      fault(fmt::format("{}: {} bytes, and {} were written", path, bytes->size(), wanted.bytes));
    } else if (wanted.checksum != crc32c(*bytes)) {
      fault(fmt::format("{}: its bytes have changed since they were written (CRC-32C)", path));
    }
    check_content(object.name, *bytes, wanted.readings);
    return {};
  }

  void check_content(const LakeObjectName& name, std::string_view bytes, int64_t readings) {
    const auto file = decode_lake_file(bytes);
    if (!file) {
      fault(fmt::format("{}: {}", name.path(), file.error().message));
      return;
    }
    const auto count = static_cast<int64_t>(file->rows.size());
    report_.readings += count;
    if (count != readings) fault(fmt::format("{}: {} readings, and {} were recorded", name.path(), count, readings));
    if (file->name != name) {
      fault(fmt::format("{}: its metadata says that it is {}", name.path(), file->name.path()));
    }
  }

  LakeStore& store_;
  const LakeInventory& inventory_;
  LakeReport report_;
  std::map<LakeObjectName, Expected> expected_;
  std::vector<LakeObjectName> missing_;
};

}  // namespace

Result<LakeListing> LakeInspector::list() {
  ASSIGN_OR_RETURN(const LakeInventory inventory, LakeInventory::load(store_));
  LakeListing listing;
  std::map<std::pair<int64_t, std::string>, LakeDate> dates;
  const auto date_of = [&](int64_t day, const std::string& topic) -> LakeDate& {
    LakeDate& date = dates[{day, topic}];
    date.day = day;
    date.topic = topic;
    return date;
  };
  for (const auto& [source, ranges] : inventory.ranges) {
    listing.partitions.push_back(partition_of(source, ranges));
    for (const LakeRange& range : ranges) {
      for (const LakeRange::Object& object : range.objects)
        date_of(object.day, source.topic).readings += object.readings;
    }
  }
  for (const auto& [key, objects] : inventory.objects) {
    LakeDate& date = date_of(key.second, key.first.topic);
    for (const LakeInventory::Object& object : objects) {
      ++date.objects;
      date.bytes += object.bytes;
    }
  }
  for (auto& [key, date] : dates) listing.dates.push_back(std::move(date));
  return listing;
}

Result<LakeReport> LakeInspector::verify() {
  ASSIGN_OR_RETURN(const LakeInventory inventory, LakeInventory::load(store_));
  return Verification(store_, inventory).run();
}

}  // namespace meterstream
