#include "benchmarks/workload/topic_writer.h"

#include <utility>

namespace meterstream {
namespace {

/// Some MB in a commit, so that its sync costs little.
constexpr int64_t kCommitRecords = 32'768;

}  // namespace

TopicWriter::TopicWriter(Backbone& backbone, int32_t partitions, std::string folder)
    : backbone_(backbone), partitions_(partitions), folder_(std::move(folder)) {}

Result<size_t> TopicWriter::open_topic(const std::string& name, const std::string& file) {
  TopicConfig config;
  config.name = name;
  config.partitions = partitions_;
  ASSIGN_OR_RETURN(const Backbone::CreatedTopic created, backbone_.create_topic(config, false));
  if (static_cast<int32_t>(created.description.partitions.size()) != partitions_)
    return conflict("topic " + name + " exists with another number of partitions; delete it first");
  Topic topic;
  topic.name = name;
  topic.partitions.resize(static_cast<size_t>(partitions_));
  if (!folder_.empty()) {
    topic.file.open(folder_ + "/" + file, std::ios::binary | std::ios::trunc);
    if (!topic.file) return unavailable("cannot write " + folder_ + "/" + file + "; does the folder exist?");
  }
  topics_.push_back(std::move(topic));
  return topics_.size() - 1;
}

Status TopicWriter::add(size_t topic, std::string_view key, std::string_view value, std::string_view line) {
  Topic& target = topics_[topic];
  const PartitionId partition = partition_for_key(key, partitions_);
  target.partitions[static_cast<size_t>(partition.value)].add(key, value, {}, IngestTime(0));
  if (target.file.is_open()) target.file << line << '\n';
  ++records_;
  if (++uncommitted_ >= kCommitRecords) return commit();
  return {};
}

Status TopicWriter::commit() {
  Transaction transaction;
  for (Topic& topic : topics_) {
    for (int32_t partition = 0; partition < partitions_; ++partition) {
      RecordBatchBuilder& builder = topic.partitions[static_cast<size_t>(partition)];
      if (builder.empty()) continue;
      transaction.appends.push_back({{topic.name, PartitionId(partition)}, std::exchange(builder, {})});
    }
  }
  uncommitted_ = 0;
  if (transaction.appends.empty()) return {};
  return backbone_.log().commit(std::move(transaction), Durability::kBuffered);
}

Status TopicWriter::finish() {
  RETURN_IF_ERROR(commit());
  for (Topic& topic : topics_) {
    if (!topic.file.is_open()) continue;
    topic.file.close();
    if (!topic.file) return unavailable("writing the file of topic " + topic.name + " failed; is the disk full?");
  }
  return {};
}

}  // namespace meterstream
