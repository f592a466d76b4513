// Purpose: writes generated records to topics, partitioned by key as Kafka does, and beside that into files of one JSON object
//          a line for whoever computes the results anew.
// Thread-safety: none; one thread writes.
// Errors: those of the log's commit; kUnavailable when a file cannot be written.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/backbone.h"

namespace meterstream {

class TopicWriter {
 public:
  /// `backbone` must outlive it. An empty `folder` writes no files.
  TopicWriter(Backbone& backbone, int32_t partitions, std::string folder);

  /// Creates the topic and gives its number for add(). `file` is the name of its file in the folder.
  Result<size_t> open_topic(const std::string& name, const std::string& file);
  /// `line` is the record for the file; `value` the record's value in the log.
  Status add(size_t topic, std::string_view key, std::string_view value, std::string_view line);
  /// Commits the rest; nothing may be added afterwards.
  Status finish();
  [[nodiscard]] bool writes_files() const { return !folder_.empty(); }
  [[nodiscard]] int64_t records() const { return records_; }

 private:
  struct Topic {
    std::string name;
    std::vector<RecordBatchBuilder> partitions;
    std::ofstream file;
  };
  Status commit();

  Backbone& backbone_;
  int32_t partitions_;
  std::string folder_;
  std::vector<Topic> topics_;
  int64_t records_ = 0;
  int64_t uncommitted_ = 0;
};

}  // namespace meterstream
