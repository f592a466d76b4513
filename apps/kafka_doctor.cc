#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/doctor_command.h"
#include "apps/kafka_connection.h"
#include "apps/kafka_hazards.h"
#include "apps/number_text.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/kafka/kafka_survey.h"
#include "connectors/registry/registry_schema_store.h"
#include "metering/avro_encoder.h"

namespace meterstream {
namespace {

using State = Diagnosis::State;

constexpr int64_t kTimeoutMs = 5'000;
constexpr size_t kMostLines = 20;
constexpr int64_t kMostSkewMs = 1'000;
constexpr const char* kProbeTopic = "meterstream-doctor";

Diagnosis failed(std::string check, const Error& error, std::string advice) {
  return {std::move(check), State::kBad, error.message, std::move(advice), exit_code_of(error)};
}

std::string advice_for(const Error& error, std::string_view permission) {
  if (error.code != ErrorCode::kUnavailable) return fmt::format("give this user the right to {}", permission);
  return "ask again in a few seconds, when other brokers have taken over from one that is away";
}

/// The release that brought the highest version of Fetch which the broker takes.
std::string release_text(const KafkaBrokerAnswer& broker) {
  static constexpr std::pair<int, std::string_view> kReleases[] = {{18, "4.1"}, {17, "3.9"}, {16, "3.7"}, {15, "3.5"},
                                                                   {13, "3.1"}, {12, "2.7"}, {11, "2.3"}};
  const auto fetch = broker.requests.find("Fetch");
  if (fetch == broker.requests.end()) return "unknown version";
  for (const auto& [version, release] : kReleases) {
    if (fetch->second >= version) return fmt::format("speaks the protocol of Kafka {} or newer", release);
  }
  return "older than Kafka 2.3";
}

/// What the connector needs and the broker does not take.
std::vector<std::string> missing_requests(const KafkaBrokerAnswer& broker) {
  // Topic ids (2.8), transactions that recover from errors (2.5), fencing by group membership (2.5).
  static constexpr std::pair<std::string_view, int> kNeeded[] = {
      {"Metadata", 10}, {"Fetch", 11}, {"InitProducerId", 3}, {"TxnOffsetCommit", 3}, {"AddOffsetsToTxn", 0}};
  std::vector<std::string> missing;
  for (const auto& [request, version] : kNeeded) {
    const auto found = broker.requests.find(request);
    if (found == broker.requests.end() || found->second < version) {
      missing.push_back(fmt::format("{} version {}", request, version));
    }
  }
  return missing;
}

Diagnosis diagnose_broker(const KafkaBrokerAnswer& broker) {
  const std::string check = fmt::format("broker {}", broker.id);
  if (!broker.has_answered) {
    return {check, State::kBad, fmt::format("{} does not answer from here", broker.address),
            "start it; if it runs, its advertised.listeners must name an address that this machine reaches",
            ExitCode::kDataDirectory};
  }
  const std::vector<std::string> missing = missing_requests(broker);
  const std::string detail = fmt::format("{}, {}", broker.address, release_text(broker));
  if (!missing.empty()) {
    return {check, State::kBad, fmt::format("{}; lacks {}", detail, fmt::join(missing, ", ")),
            "run Apache Kafka 2.8 or newer; exactly once needs it"};
  }
  return {check, State::kGood, detail, ""};
}

Diagnosis diagnose_replication(const std::vector<KafkaTopicHealth>& topics, size_t brokers) {
  std::vector<std::string> dead;
  std::vector<std::string> behind;
  std::vector<std::string> single;
  for (const KafkaTopicHealth& topic : topics) {
    if (topic.without_leader > 0) dead.push_back(topic.name);
    if (topic.behind > 0) behind.push_back(topic.name);
    if (topic.copies < 2) single.push_back(topic.name);
  }
  if (!dead.empty()) {
    return {"replication", State::kBad, fmt::format("no leader for partitions of {}", fmt::join(dead, ", ")),
            "start the brokers that hold them", ExitCode::kDataDirectory};
  }
  if (!behind.empty()) {
    return {"replication", State::kWarning, fmt::format("copies are behind in {}", fmt::join(behind, ", ")),
            "start the missing brokers, or wait until they have caught up"};
  }
  if (brokers < 3) {
    return {"replication", State::kWarning, fmt::format("{} broker(s): losing one may lose records", brokers),
            "fine for trying out; for production run at least three brokers"};
  }
  if (!single.empty()) {
    return {"replication", State::kWarning, fmt::format("one copy only: {}", fmt::join(single, ", ")),
            "raise the replication of these topics: kafka-reassign-partitions"};
  }
  return {"replication", State::kGood, fmt::format("{} topics, all copies in sync", topics.size()), ""};
}

void diagnose_settings(KafkaTopics& topics, const std::vector<KafkaTopicHealth>& health,
                       std::vector<Diagnosis>& found) {
  size_t looked_at = 0;
  const size_t before = found.size();
  for (const KafkaTopicHealth& topic : health) {
    const KafkaTopicUse use = use_of_topic(topic.name);
    // What others keep in the cluster is their business.
    if (topic.name.starts_with("__") || (use == KafkaTopicUse::kRecords && !topic.name.starts_with("metrics")))
      continue;
    ++looked_at;
    const auto settings = topics.configuration(topic.name);
    if (!settings) {
      found.push_back(
          failed("topic settings", settings.error(), advice_for(settings.error(), "describe topics' settings")));
      return;
    }
    for (const KafkaHazard& hazard : hazards_of(topic.name, use, *settings)) {
      if (found.size() - before >= kMostLines) break;
      found.push_back(
          {"topic settings", hazard.is_severe ? State::kBad : State::kWarning, hazard.detail, hazard.advice});
    }
    const auto in_sync = settings->find("min.insync.replicas");
    if (topic.copies >= 3 && in_sync != settings->end() && in_sync->second == "1") {
      found.push_back({"topic settings", State::kWarning,
                       fmt::format("topic {} acknowledges records that only one broker has", topic.name),
                       fmt::format("kafka-configs --alter --topic {} --add-config min.insync.replicas=2", topic.name)});
    }
  }
  if (found.size() == before) {
    found.push_back(
        {"topic settings", State::kGood, fmt::format("{} topics looked at, none loses records", looked_at), ""});
  }
}

struct TopicLag {
  int64_t lag = 0;
  int64_t missed = 0;
  size_t partitions = 0;
};

Result<std::map<std::string, TopicLag>> lags_of(KafkaTopics& topics, const KafkaGroupState& group) {
  std::map<std::string, TopicLag> lags;
  std::vector<TopicPartition> sources;
  std::vector<Offset> positions;
  for (const KafkaGroupState::Position& position : group.positions) {
    if (!topics.check(position.source)) continue;  // of a topic that was deleted
    sources.push_back(position.source);
    positions.push_back(position.next);
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetRange> ranges, topics.offsets(sources, KafkaTopics::End::kStable));
  for (size_t index = 0; index < sources.size(); ++index) {
    TopicLag& lag = lags[sources[index].topic];
    const int64_t from = std::max(positions[index].value, ranges[index].begin.value);
    lag.lag += std::max<int64_t>(ranges[index].end.value - from, 0);
    lag.missed += std::max<int64_t>(ranges[index].begin.value - positions[index].value, 0);
    ++lag.partitions;
  }
  return lags;
}

void diagnose_group(KafkaTopics& topics, const KafkaGroupState& group, std::vector<Diagnosis>& found) {
  const auto lags = lags_of(topics, group);
  const std::string check = "group " + group.name;
  if (!lags) {
    found.push_back(failed(check, lags.error(), "try again when the cluster is at rest"));
    return;
  }
  for (const auto& [topic, lag] : *lags) {
    const std::string detail = fmt::format("{} records behind in {} partitions of topic {}, {} members",
                                           grouped_text(lag.lag), lag.partitions, topic, group.members);
    if (lag.missed > 0) {
      found.push_back({check, State::kBad,
                       fmt::format("{} records of topic {} were deleted before the group read them",
                                   grouped_text(lag.missed), topic),
                       "keep records longer (retention.ms=-1), replay what is missing, or start anew with another "
                       "--application-id"});
    } else if (lag.lag > 0 && group.members == 0) {
      found.push_back({check, State::kWarning, detail, "nobody reads: start the program again, or delete the group"});
    } else {
      found.push_back({check, State::kGood, detail, ""});
    }
  }
}

void diagnose_groups(KafkaSurvey& survey, KafkaTopics& topics, std::vector<Diagnosis>& found) {
  const auto groups = survey.groups();
  if (!groups) {
    found.push_back(failed("groups", groups.error(), advice_for(groups.error(), "describe groups")));
    return;
  }
  if (groups->empty()) found.push_back({"groups", State::kGood, "none yet", ""});
  for (size_t index = 0; index < groups->size(); ++index) {
    if (index == kMostLines) {
      found.push_back({"groups", State::kGood, fmt::format("{} more", groups->size() - index), ""});
      return;
    }
    diagnose_group(topics, (*groups)[index], found);
  }
}

Diagnosis diagnose_registry(const RegistrySettings& settings) {
  if (settings.schema_id != 0) {
    const auto source = open_schemas({.registry = settings});
    if (!source) return failed("schemas", source.error(), "correct --schema-id and --schema-file");
    return {"schemas", State::kGood, fmt::format("id {} of all records, no registry", settings.schema_id), ""};
  }
  if (settings.urls.empty()) {
    return {"schemas", State::kWarning, "no registry and no schema id are named",
            "add --registry URL or --schema-id N; without, Avro records are neither written nor read"};
  }
  if (const auto source = open_schemas({.registry = settings}); !source) {
    return failed("registry", source.error(), "correct the section [registry] of the configuration");
  }
  RegistryClient client(settings);
  const auto subjects = client.subjects();
  if (!subjects) return failed("registry", subjects.error(), "start the registry, or correct --registry");
  const auto compatible = client.check_compatibility("metrics-value", kMetricAvroSchema);
  if (compatible && !compatible->is_compatible) {
    return {
        "registry", State::kBad,
        fmt::format("subject metrics-value refuses the schema of readings: {}", fmt::join(compatible->messages, "; ")),
        "write readings to another topic, or change the subject's compatibility level"};
  }
  return {"registry", State::kGood, fmt::format("{}, {} subjects", settings.urls.front(), subjects->size()), ""};
}

/// Writes a record that the broker stamps with its own clock, and reads it back.
Result<Diagnosis> probe_cluster(const KafkaSettings& settings, KafkaTopics& topics, const Clock& clock) {
  KafkaTopicOptions options;
  options.configuration = {{"message.timestamp.type", "LogAppendTime"}};
  RETURN_IF_ERROR(topics.create({.name = kProbeTopic, .partitions = 1, .retention_ms = 3'600'000}, options));
  ASSIGN_OR_RETURN(const auto log, KafkaLog::connect(settings, fmt::format("{}-{}", kProbeTopic, clock.now().value)));
  const TopicPartition place{kProbeTopic, PartitionId(0)};
  ASSIGN_OR_RETURN(const OffsetRange range, log->offsets(place));
  const int64_t before_ms = clock.now().value;
  const int64_t start_ns = clock.monotonic_ns();
  Transaction transaction;
  transaction.appends.push_back({place, {}});
  transaction.appends.back().records.add("probe", "meterstream doctor", {}, IngestTime(0));
  RETURN_IF_ERROR(log->commit(std::move(transaction), Durability::kSync));
  const double commit_s = static_cast<double>(clock.monotonic_ns() - start_ns) * 1e-9;
  const int64_t after_ms = clock.now().value;
  RecordSet records;
  while (records.records.empty()) {
    if ((clock.monotonic_ns() - start_ns) / 1'000'000 > kTimeoutMs) {
      return unavailable(fmt::format("topic {}: a committed record cannot be read back", kProbeTopic));
    }
    RETURN_IF_ERROR(log->read(place, range.end, 1 << 20, records));
  }
  const int64_t broker_ms = records.records.back().ingest_time.value;
  const int64_t skew_ms = broker_ms < before_ms ? broker_ms - before_ms : std::max<int64_t>(broker_ms - after_ms, 0);
  const std::string detail =
      fmt::format("a transaction takes {}; the broker's clock is {}", elapsed_text(commit_s),
                  skew_ms == 0 ? "that of this machine"
                               : fmt::format("{} ms {}", std::abs(skew_ms), skew_ms > 0 ? "ahead" : "behind"));
  if (std::abs(skew_ms) > kMostSkewMs) {
    return Diagnosis{"probe", State::kWarning, detail,
                     "set both clocks by NTP: delays and idle times are measured with them"};
  }
  return Diagnosis{"probe", State::kGood, detail, ""};
}

}  // namespace

std::vector<Diagnosis> diagnose_kafka(const CommandContext& context, bool probe) {
  KafkaSettings settings = kafka_settings(context.configuration);
  settings.request_timeout_ms = std::min(settings.request_timeout_ms, kTimeoutMs);
  std::vector<Diagnosis> found;
  const auto give_up = [&](const Error& error) {
    found.push_back(failed("kafka", error, "compare --kafka and [kafka.librdkafka] with the listeners of the brokers"));
    found.push_back(diagnose_registry(context.configuration.registry));
    return found;
  };
  const auto topics = KafkaTopics::open(settings);
  if (!topics) return give_up(topics.error());
  const auto cluster = (*topics)->cluster();
  if (!cluster) return give_up(cluster.error());
  const auto survey = KafkaSurvey::open(settings);
  if (!survey) return give_up(survey.error());
  const auto brokers = (*survey)->brokers();
  if (!brokers) return give_up(brokers.error());
  const auto health = (*survey)->topics();
  if (!health) return give_up(health.error());

  found.push_back(
      {"kafka", State::kGood,
       fmt::format("cluster {}, {} brokers, {} is the controller", cluster->id, brokers->size(), cluster->controller),
       ""});
  for (const KafkaBrokerAnswer& broker : *brokers) found.push_back(diagnose_broker(broker));
  found.push_back(diagnose_replication(*health, brokers->size()));
  diagnose_settings(**topics, *health, found);
  diagnose_groups(**survey, **topics, found);
  found.push_back(diagnose_registry(context.configuration.registry));
  if (probe) {
    const auto result = probe_cluster(settings, **topics, context.clock);
    found.push_back(result ? *result
                           : failed("probe", result.error(), "see the message; no program can write here either"));
  }
  return found;
}

}  // namespace meterstream
