#include "apps/kafka_hazards.h"

#include <charconv>

#include <fmt/format.h>

#include "apps/number_text.h"
#include "metering/duration.h"

namespace meterstream {
namespace {

// A shorter retention may take a reading before a program that was down for a moment has read it.
constexpr int64_t kShortRetentionMs = 3'600'000;

std::string_view text_of(const std::map<std::string, std::string>& settings, const char* name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string_view() : std::string_view(found->second);
}

int64_t number_of(const std::map<std::string, std::string>& settings, const char* name) {
  const std::string_view text = text_of(settings, name);
  int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string change(std::string_view topic, std::string_view setting) {
  return fmt::format("kafka-configs --alter --topic {} --add-config {}", topic, setting);
}

}  // namespace

KafkaTopicUse use_of_topic(std::string_view topic) {
  return topic.ends_with("-changelog") || topic.ends_with("-passes") ? KafkaTopicUse::kLatest : KafkaTopicUse::kRecords;
}

std::vector<KafkaHazard> hazards_of(std::string_view topic, KafkaTopicUse use,
                                    const std::map<std::string, std::string>& settings) {
  std::vector<KafkaHazard> hazards;
  const std::string_view policy = text_of(settings, "cleanup.policy");
  const bool compacts = policy.find("compact") != std::string_view::npos;
  const bool deletes = policy.find("delete") != std::string_view::npos;
  if (use == KafkaTopicUse::kRecords && compacts) {
    hazards.push_back({true,
                       fmt::format("topic {} is compacted: of each key only the latest record is sure to stay", topic),
                       change(topic, "cleanup.policy=delete,retention.ms=-1")});
  }
  if (use == KafkaTopicUse::kLatest && !compacts) {
    hazards.push_back(
        {true, fmt::format("topic {} holds state and is not compacted: it grows without end, or loses state", topic),
         change(topic, "cleanup.policy=compact")});
  }
  const int64_t retention_ms = number_of(settings, "retention.ms");
  if (deletes && retention_ms >= 0) {
    hazards.push_back(
        {retention_ms < kShortRetentionMs || use == KafkaTopicUse::kLatest,
         fmt::format("topic {} deletes records {} after they arrive", topic, format_duration(retention_ms)),
         change(topic, "retention.ms=-1")});
  }
  const int64_t retention_bytes = number_of(settings, "retention.bytes");
  if (deletes && retention_bytes >= 0) {
    hazards.push_back({use == KafkaTopicUse::kLatest,
                       fmt::format("topic {} deletes the oldest records of a partition above {}", topic,
                                   bytes_text(static_cast<double>(retention_bytes))),
                       change(topic, "retention.bytes=-1")});
  }
  if (text_of(settings, "unclean.leader.election.enable") == "true") {
    hazards.push_back({false,
                       fmt::format("topic {} may lose committed records when its in-sync copies are away", topic),
                       change(topic, "unclean.leader.election.enable=false")});
  }
  return hazards;
}

}  // namespace meterstream
