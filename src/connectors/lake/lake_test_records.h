// Purpose: records of readings for the tests of the lake, and what drives a writer as SinkTask does.
// Thread-safety: none.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "connectors/lake/lake_file.h"
#include "connectors/lake/lake_sink_writer.h"
#include "connectors/lake/memory_lake_store.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"

namespace meterstream {

/// 2024-03-01T00:00:00Z.
inline constexpr int64_t kLakeTestStart = 1'709'251'200'000;

/// A log of one partition.
class LakeTestRecords {
 public:
  LakeTestRecords() : schema_(*schemas_.register_schema("metrics-value", kMetricAvroSchema)) {}

  void add(std::string_view gateway, int64_t time_ms, double value, int64_t ingest_ms = kLakeTestStart) {
    const Reading reading{{std::string(gateway), "GAS", "GAS_IDD"}, EventTime(time_ms), value};
    add_bytes(encode_metric_avro(schema_, reading), ingest_ms);
  }
  void add_bytes(std::string bytes, int64_t ingest_ms = kLakeTestStart) {
    values_.push_back(std::move(bytes));
    ingest_ms_.push_back(ingest_ms);
    offsets_.push_back(next_++);
  }
  /// Offsets that hold no record, as marks of transactions.
  void skip(int64_t offsets) { next_ += offsets; }

  /// Up to `count` records from `from` on.
  [[nodiscard]] RecordSet read(Offset from, size_t count) const {
    RecordSet set;
    set.next = from;
    for (size_t i = 0; i < values_.size() && set.records.size() < count; ++i) {
      if (offsets_[i] < from.value) continue;
      RecordView record;
      record.value = values_[i];
      record.offset = Offset(offsets_[i]);
      record.ingest_time = IngestTime(ingest_ms_[i]);
      set.records.push_back(record);
      set.next = Offset(offsets_[i] + 1);
    }
    if (set.records.size() < count) set.next = Offset(next_);
    return set;
  }
  [[nodiscard]] size_t size() const { return values_.size(); }
  SchemaStore& schemas() { return schemas_; }

 private:
  MemorySchemaStore schemas_;
  SchemaId schema_;
  std::deque<std::string> values_;
  std::vector<int64_t> ingest_ms_;
  std::vector<int64_t> offsets_;
  int64_t next_ = 0;
};

inline TopicPartition lake_test_source() {
  return {"metrics", PartitionId(0)};
}

/// Readings of all objects a reader would glob, by offset: how often each is there.
inline std::map<int64_t, int> offsets_in(const MemoryLakeStore& store) {
  std::map<int64_t, int> count;
  for (const auto& [path, bytes] : store.objects()) {
    if (!LakeObjectName::parse(path)) continue;
    const auto file = decode_lake_file(bytes);
    EXPECT_TRUE(file) << path << ": " << (file ? "" : file.error().message);
    if (!file) continue;
    for (const int64_t offset : file->rows.offset) ++count[offset];
  }
  return count;
}

/// Reads from `committed` to the end, as a bounded SinkTask; moves `committed`.
inline Status drive(LakeSinkWriter& writer, const LakeTestRecords& records, Offset& committed, size_t read_records,
                    size_t* rejected_count = nullptr) {
  RETURN_IF_ERROR(writer.open(committed));
  Offset next = committed;
  std::vector<SinkWriter::Rejected> rejected;
  for (;;) {
    const RecordSet set = records.read(next, read_records);
    if (set.records.empty() && set.next == next) break;
    RETURN_IF_ERROR(writer.add(set, rejected));
    next = set.next;
    ASSIGN_OR_RETURN(committed, writer.settle(next, SinkWriter::Settle::kPeriodic));
  }
  ASSIGN_OR_RETURN(committed, writer.settle(next, SinkWriter::Settle::kAll));
  if (rejected_count != nullptr) *rejected_count = rejected.size();
  return {};
}

}  // namespace meterstream
