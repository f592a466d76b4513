#include "apps/configuration.h"

#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "apps/configuration_values.h"
#include "apps/store_configuration.h"
#include "base/nearest_name.h"

namespace meterstream {
namespace {

constexpr std::string_view kPassedThrough = "kafka.librdkafka.";
constexpr const char* kDefaultFile = "meterstream.toml";

Status assign_brokers(std::string& target, const toml::node& node) {
  std::vector<std::string> brokers;
  RETURN_IF_ERROR(assign_texts(brokers, node));
  target = fmt::format("{}", fmt::join(brokers, ","));
  return {};
}

Status assign_schema_id(int32_t& target, const toml::node& node) {
  int64_t id = 0;
  RETURN_IF_ERROR(assign(id, whole_number(node), 1));
  if (id > INT32_MAX) return invalid(fmt::format("{} is too large; schema ids have 4 bytes", id));
  target = static_cast<int32_t>(id);
  return {};
}

Status assign_unknown(bool& waits, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || (*text != "wait" && *text != "reject")) return invalid("\"wait\" or \"reject\" is wanted");
  waits = *text == "wait";
  return {};
}

Status assign_guarantee(ClusterGuarantee& guarantee, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || (*text != "exactly-once" && *text != "at-least-once"))
    return invalid("\"exactly-once\" or \"at-least-once\" is wanted");
  guarantee = *text == "exactly-once" ? ClusterGuarantee::kExactlyOnce : ClusterGuarantee::kAtLeastOnce;
  return {};
}

Status pass_through(std::map<std::string, std::string>& settings, std::string_view name, const toml::node& node) {
  std::string text;
  if (const auto value = node.value_exact<std::string>()) {
    text = *value;
  } else if (const auto number = node.value_exact<int64_t>()) {
    text = std::to_string(*number);
  } else if (const auto flag = node.value_exact<bool>()) {
    text = *flag ? "true" : "false";
  } else {
    return invalid("a text, a whole number, true or false is wanted");
  }
  settings[std::string(name)] = std::move(text);
  return {};
}

constexpr ConfigurationKey kKeys[] = {
    {"data_dir", [](Configuration& c, const toml::node& node) { return assign_text(c.data_dir, node); }},
    {"replay.rate",
     [](Configuration& c, const toml::node& node) { return assign(c.replay.rate, whole_number(node), 0); }},
    {"replay.partitions",
     [](Configuration& c, const toml::node& node) { return assign(c.replay.partitions, whole_number(node), 1); }},
    {"replay.batch_records",
     [](Configuration& c, const toml::node& node) { return assign(c.replay.batch_records, whole_number(node), 1); }},
    {"replay.commit_interval",
     [](Configuration& c, const toml::node& node) {
       return assign(c.replay.commit_interval_ms, milliseconds(node), 1);
     }},
    {"engine.threads",
     [](Configuration& c, const toml::node& node) { return assign(c.engine.threads, whole_number(node), 0); }},
    {"engine.memory_budget",
     [](Configuration& c, const toml::node& node) {
       return assign(c.engine.memory_budget_bytes, size_in_bytes(node), 1'000'000);
     }},
    {"engine.commit_interval",
     [](Configuration& c, const toml::node& node) {
       return assign(c.engine.commit_interval_ms, milliseconds(node), 1);
     }},
    {"engine.batch_records",
     [](Configuration& c, const toml::node& node) { return assign(c.engine.batch_records, whole_number(node), 1); }},
    {"engine.durable", [](Configuration& c, const toml::node& node) { return assign_boolean(c.engine.durable, node); }},
    {"time.idle_timeout",
     [](Configuration& c, const toml::node& node) { return assign(c.time.idle_timeout_ms, milliseconds(node), 0); }},
    {"time.max_ahead",
     [](Configuration& c, const toml::node& node) { return assign(c.time.max_ahead_ms, milliseconds(node), 0); }},
    {"kafka.brokers", [](Configuration& c, const toml::node& node) { return assign_brokers(c.kafka.brokers, node); }},
    {"kafka.client_id", [](Configuration& c, const toml::node& node) { return assign_text(c.kafka.client_id, node); }},
    {"kafka.replication_factor",
     [](Configuration& c, const toml::node& node) {
       return assign(c.kafka.replication_factor, whole_number(node), 1);
     }},
    {"kafka.partitions",
     [](Configuration& c, const toml::node& node) { return assign(c.kafka.partitions, whole_number(node), 1); }},
    {"kafka.request_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.kafka.request_timeout_ms, milliseconds(node), 100);
     }},
    {"kafka.transaction_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.kafka.transaction_timeout_ms, milliseconds(node), 1'000);
     }},
    {"kafka.session_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.kafka.session_timeout_ms, milliseconds(node), 1'000);
     }},
    {"kafka.commit_interval",
     [](Configuration& c, const toml::node& node) {
       return assign(c.kafka.commit_interval_ms, milliseconds(node), 1);
     }},
    {"kafka.guarantee",
     [](Configuration& c, const toml::node& node) { return assign_guarantee(c.kafka.guarantee, node); }},
    {"kafka.standby", [](Configuration& c, const toml::node& node) { return assign_boolean(c.kafka.standby, node); }},
    {"kafka.static_member",
     [](Configuration& c, const toml::node& node) { return assign_text(c.kafka.static_member, node); }},
    {"registry.url", [](Configuration& c, const toml::node& node) { return assign_texts(c.registry.urls, node); }},
    {"registry.user", [](Configuration& c, const toml::node& node) { return assign_text(c.registry.user, node); }},
    {"registry.password",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.password, node); }},
    {"registry.password_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.password_file, node); }},
    {"registry.ca_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.ca_file, node); }},
    {"registry.certificate_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.certificate_file, node); }},
    {"registry.key_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.key_file, node); }},
    {"registry.verify",
     [](Configuration& c, const toml::node& node) { return assign_boolean(c.registry.verify, node); }},
    {"registry.connect_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.registry.connect_timeout_ms, milliseconds(node), 1);
     }},
    {"registry.request_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.registry.request_timeout_ms, milliseconds(node), 1);
     }},
    {"registry.schema_id",
     [](Configuration& c, const toml::node& node) { return assign_schema_id(c.registry.schema_id, node); }},
    {"registry.schema_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.registry.schema_file, node); }},
    {"registry.unknown_schema",
     [](Configuration& c, const toml::node& node) { return assign_unknown(c.registry.wait_for_unknown, node); }},
};

std::array<std::span<const ConfigurationKey>, 2> all_keys() {
  return {std::span<const ConfigurationKey>(kKeys), store_configuration_keys()};
}

Status set_key(Configuration& configuration, const std::string& name, const toml::node& node) {
  for (const auto& keys : all_keys()) {
    for (const ConfigurationKey& key : keys) {
      if (name == key.name) return key.set(configuration, node);
    }
  }
  if (name.starts_with(kPassedThrough)) {
    return pass_through(configuration.kafka.librdkafka, std::string_view(name).substr(kPassedThrough.size()), node);
  }
  const std::vector<std::string> known = configuration_keys();
  const std::string hint = did_you_mean(name, known);
  return invalid(hint.empty() ? fmt::format("unknown key. Known are {}", fmt::join(known, ", "))
                              : fmt::format("unknown key.{}", hint));
}

Status read_table(Configuration& configuration, const toml::table& table, const std::string& prefix,
                  std::string_view file_name) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (node.is_table()) {
      RETURN_IF_ERROR(read_table(configuration, *node.as_table(), name + ".", file_name));
      continue;
    }
    if (Status status = set_key(configuration, name, node); !status) {
      return status.error().within(fmt::format("{}:{}: {}", file_name, node.source().begin.line, name));
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> configuration_keys() {
  std::vector<std::string> names;
  for (const auto& keys : all_keys()) {
    for (const ConfigurationKey& key : keys) names.emplace_back(key.name);
  }
  names.push_back(std::string(kPassedThrough) + "*");
  return names;
}

std::string printable_setting(std::string_view name, std::string_view value) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const std::string_view secret : {"password", "secret", "token", "key.pem", "jaas", "oauthbearer.config"}) {
    if (lower.find(secret) != std::string::npos) return "***";
  }
  return std::string(value);
}

Result<Configuration> parse_configuration(std::string_view toml, std::string_view file_name) {
  Configuration configuration;
  try {
    const toml::table table = toml::parse(toml);
    RETURN_IF_ERROR(read_table(configuration, table, "", file_name));
  } catch (const toml::parse_error& error) {
    return invalid(fmt::format("{}:{}:{}: {}. Correct the line; the format is TOML.", file_name,
                               error.source().begin.line, error.source().begin.column, error.description()));
  }
  return configuration;
}

namespace {

Result<Configuration> read_file(const std::string& path) {
  std::error_code code;
  if (path.empty() && !std::filesystem::is_regular_file(kDefaultFile, code)) return Configuration{};
  const std::string file_name = path.empty() ? kDefaultFile : path;
  std::ifstream file(file_name, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad()) {
    return invalid(fmt::format("cannot read the configuration file {}. Check the path given to --config.", file_name));
  }
  return parse_configuration(text.str(), file_name);
}

}  // namespace

Result<Configuration> load_configuration(const std::string& path) {
  ASSIGN_OR_RETURN(Configuration configuration, read_file(path));
  if (const char* password = std::getenv(kRegistryPasswordVariable); password != nullptr && *password != '\0') {
    configuration.registry.password = password;
    configuration.registry.password_file.clear();
  }
  return configuration;
}

}  // namespace meterstream
