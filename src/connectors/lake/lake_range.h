// Purpose: the lake's own record of one offset range of a partition: what was written for it, and where it ends. It is
//          what makes a repeated write the same write, and what `lake verify` counts against.
// Format: JSON in _ranges/<topic>+<partition>/<first offset, 19 digits>.json (docs/formats/lake.md).
// Guarantee: the name holds only the first offset, so of two writers that begin at one offset the second one finds the
//            end that the first one has chosen.
// Thread-safety: values and pure functions. Errors: parsing gives kCorrupt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/lake/lake_object_name.h"

namespace meterstream {

inline constexpr std::string_view kRangesDirectory = "_ranges";
inline constexpr std::string_view kMergedDirectory = "_merged";
inline constexpr std::string_view kUploadsDirectory = "_uploads";

struct LakeRange {
  /// An object of the range: all its readings of one date.
  struct Object {
    int64_t day = 0;
    int64_t readings = 0;
    int64_t bytes = 0;
    /// CRC-32C of all its bytes.
    uint32_t checksum = 0;
    bool operator==(const Object&) const = default;
  };

  TopicPartition source;
  Offset first;
  Offset last;
  /// Whether the lake began with it: there was no range before it. Unknown of ranges that were written before this was.
  std::optional<bool> is_beginning;
  int64_t records = 0;
  int64_t rejected = 0;
  /// Of the records' offsets and bytes: tells records of another log that has the same offsets.
  uint64_t fingerprint = 0;
  /// Ordered by day; empty when no record of the range was a reading.
  std::vector<Object> objects;

  bool operator==(const LakeRange&) const = default;
  [[nodiscard]] LakeObjectName name_of(const Object& object) const { return {object.day, source, first, last}; }
  [[nodiscard]] std::string path() const { return path_of(source, first); }
  [[nodiscard]] std::string json() const;

  static Result<LakeRange> parse(std::string_view path, std::string_view json);
  static std::string path_of(const TopicPartition& source, Offset first);
  /// Where all ranges of a partition are.
  static std::string directory_of(const TopicPartition& source);
};

/// What a path in the directory of ranges says.
struct LakeRangeName {
  TopicPartition source;
  Offset first;
  static std::optional<LakeRangeName> parse(std::string_view path);
};

/// Record of an object that compaction made of others, written before the object: while parts are there beside it, they
/// count no more. JSON in _merged/<path of the object>.json.
struct LakeMerge {
  LakeObjectName object;
  int64_t readings = 0;
  int64_t bytes = 0;
  uint32_t checksum = 0;
  /// Same date, topic and partition.
  std::vector<LakeObjectName> parts;

  [[nodiscard]] std::string path() const { return path_of(object); }
  [[nodiscard]] std::string json() const;
  static Result<LakeMerge> parse(std::string_view path, std::string_view json);
  static std::string path_of(const LakeObjectName& object);
};

}  // namespace meterstream
