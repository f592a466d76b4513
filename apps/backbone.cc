#include "apps/backbone.h"

#include "apps/data_directory.h"
#include "apps/topic_reader.h"

namespace meterstream {
namespace {

class EmbeddedBackbone final : public Backbone {
 public:
  explicit EmbeddedBackbone(std::unique_ptr<DataDirectory> directory) : directory_(std::move(directory)) {}

  EventLog& log() override { return directory_->log(); }
  SchemaStore& schemas() override { return directory_->schemas(); }
  KeyValueStore& state() override { return directory_->store(); }
  Result<CreatedTopic> create_topic(const TopicConfig& config, bool is_compacted) override {
    if (is_compacted)
      return invalid("--compact: only topics of a Kafka cluster are compacted; add --kafka or leave it out");
    ASSIGN_OR_RETURN(TopicDescription description, log().create_topic(config));
    return CreatedTopic{std::move(description), false};
  }
  Status delete_topic(const std::string& topic) override { return directory_->log().delete_topic(topic); }
  Result<bool> is_compacted(std::string_view /*topic*/) override { return false; }
  Result<Offset> offset_at(const TopicPartition& source, IngestTime time) override {
    return offset_at_time(log(), source, time);
  }
  /// Retention spares what a group still needs.
  Result<std::vector<std::string>> losses_of(std::string_view /*topic*/) override { return std::vector<std::string>(); }
  [[nodiscard]] bool knows_bytes() const override { return true; }
  [[nodiscard]] std::string place() const override { return "data directory " + directory_->path(); }

 private:
  std::unique_ptr<DataDirectory> directory_;
};

}  // namespace

Result<std::unique_ptr<Backbone>> Backbone::open(const CommandContext& context, Access access,
                                                 std::string_view writer) {
  if (is_kafka(context.configuration)) return open_kafka_backbone(context, writer);
  const auto mode = access == Access::kRead ? DataDirectory::Mode::kExisting : DataDirectory::Mode::kCreate;
  ASSIGN_OR_RETURN(std::unique_ptr<DataDirectory> directory,
                   DataDirectory::open(context.configuration.data_dir, mode, context.clock));
  return std::unique_ptr<Backbone>(std::make_unique<EmbeddedBackbone>(std::move(directory)));
}

}  // namespace meterstream
