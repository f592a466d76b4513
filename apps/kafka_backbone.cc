#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

#include "apps/backbone.h"
#include "apps/kafka_connection.h"
#include "apps/kafka_hazards.h"
#include "connectors/kafka/kafka_log.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

// People wait for the first answer.
constexpr int64_t kLongestStartMs = 10'000;

class KafkaBackbone final : public Backbone {
 public:
  static Result<std::unique_ptr<Backbone>> open(const CommandContext& context, std::string_view writer) {
    std::unique_ptr<KafkaBackbone> backbone(new KafkaBackbone(context.configuration));
    ASSIGN_OR_RETURN(backbone->schemas_, open_schemas(context.configuration));
    const KafkaSettings settings = kafka_settings(context.configuration);
    KafkaSettings impatient = settings;
    impatient.request_timeout_ms = std::min(settings.request_timeout_ms, kLongestStartMs);
    ASSIGN_OR_RETURN(backbone->topics_, KafkaTopics::open(impatient));
    // A cluster that is away is told now, in one message, and not by whatever asks first.
    const int64_t asked_ns = context.clock.monotonic_ns();
    if (const auto cluster = backbone->topics_->cluster(); !cluster) {
      if (cluster.error().message.starts_with(backbone->place())) return cluster.error();
      return cluster.error().within(fmt::format("{}: no answer for {:.0f} s", backbone->place(),
                                                static_cast<double>(context.clock.monotonic_ns() - asked_ns) / 1e9));
    }
    if (writer.empty()) {
      ASSIGN_OR_RETURN(backbone->log_, KafkaLog::connect(settings));
    } else {
      RETURN_IF_ERROR(backbone->open_writer(settings, writer));
    }
    return std::unique_ptr<Backbone>(std::move(backbone));
  }

  EventLog& log() override { return *log_; }
  SchemaStore& schemas() override { return *schemas_; }
  KeyValueStore& state() override { return state_; }
  Result<CreatedTopic> create_topic(const TopicConfig& config, bool is_compacted) override {
    KafkaTopicOptions options;
    options.is_compacted = is_compacted;
    options.replication = static_cast<int32_t>(configuration_.kafka.replication_factor);
    CreatedTopic created;
    ASSIGN_OR_RETURN(created.description, topics_->create(config, options));
    ASSIGN_OR_RETURN(created.is_compacted, this->is_compacted(config.name));
    return created;
  }
  Status delete_topic(const std::string& topic) override { return topics_->remove(topic); }
  Result<bool> is_compacted(std::string_view topic) override {
    ASSIGN_OR_RETURN(const auto settings, topics_->configuration(topic));
    const auto policy = settings.find("cleanup.policy");
    return policy != settings.end() && policy->second.find("compact") != std::string::npos;
  }
  Result<Offset> offset_at(const TopicPartition& source, IngestTime time) override {
    return topics_->offset_at(source, time);
  }
  Result<std::vector<std::string>> losses_of(std::string_view topic) override {
    ASSIGN_OR_RETURN(const auto settings, topics_->configuration(topic));
    std::vector<std::string> warnings;
    for (const KafkaHazard& hazard : hazards_of(topic, KafkaTopicUse::kRecords, settings)) {
      if (hazard.is_severe) {
        return conflict(fmt::format(
            "{}. Readings would be lost, so none was written. Write to another topic (--topic), or change it: {}",
            hazard.detail, hazard.advice));
      }
      warnings.push_back(fmt::format("{}; to keep them: {}", hazard.detail, hazard.advice));
    }
    return warnings;
  }
  [[nodiscard]] bool knows_bytes() const override { return false; }
  [[nodiscard]] std::string place() const override { return "Kafka at " + configuration_.kafka.brokers; }

 private:
  explicit KafkaBackbone(const Configuration& configuration) : configuration_(configuration) {}

  /// A changelog of its own, mirrored in memory: it holds a few positions.
  Status open_writer(const KafkaSettings& settings, std::string_view writer) {
    const std::string name = fmt::format("meterstream-replay-{:016x}", XXH3_64bits(writer.data(), writer.size()));
    const std::string changelog = name + "-changelog";
    RETURN_IF_ERROR(KafkaChangelog::create_topic(*topics_, changelog, 1));
    KafkaLogParts parts;
    parts.topics = topics_;
    // The producer comes first: it fences an earlier one, after which the changelog holds all there will be of it.
    ASSIGN_OR_RETURN(parts.producer, KafkaProducer::open(settings, name));
    ASSIGN_OR_RETURN(parts.consumer, KafkaConsumer::open(settings));
    KafkaChangelogOptions options;
    options.partition = {changelog, PartitionId(0)};
    consumer_ = parts.consumer;
    parts.changelog = std::make_shared<KafkaChangelog>(std::move(options), *consumer_, *topics_, state_);
    RETURN_IF_ERROR(parts.changelog->restore());
    KafkaLogOptions log_options;
    log_options.settings = settings;
    log_options.transactional_id = name;
    log_ = std::make_unique<KafkaLog>(std::move(parts), std::move(log_options));
    return {};
  }

  const Configuration& configuration_;
  std::unique_ptr<SchemaStore> schemas_;
  MemoryStore state_;
  std::shared_ptr<KafkaTopics> topics_;
  std::shared_ptr<KafkaConsumer> consumer_;
  std::unique_ptr<KafkaLog> log_;
};

}  // namespace

Result<std::unique_ptr<Backbone>> open_kafka_backbone(const CommandContext& context, std::string_view writer) {
  return KafkaBackbone::open(context, writer);
}

}  // namespace meterstream
