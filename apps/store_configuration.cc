#include "apps/store_configuration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace meterstream {
namespace {

Status assign_small(int32_t& target, const toml::node& node, int64_t lowest) {
  int64_t value = 0;
  RETURN_IF_ERROR(assign(value, whole_number(node), lowest));
  if (value > INT32_MAX) return invalid(fmt::format("{} is too large", value));
  target = static_cast<int32_t>(value);
  return {};
}

Status assign_port(uint16_t& target, const toml::node& node) {
  int64_t port = 0;
  RETURN_IF_ERROR(assign(port, whole_number(node), 1));
  if (port > UINT16_MAX) return invalid(fmt::format("{} is no port; at most {} is wanted", port, UINT16_MAX));
  target = static_cast<uint16_t>(port);
  return {};
}

/// A text or a list of texts, joined by commas.
Status assign_list(std::string& target, const toml::node& node) {
  std::vector<std::string> parts;
  RETURN_IF_ERROR(assign_texts(parts, node));
  target = fmt::format("{}", fmt::join(parts, ","));
  return {};
}

Status assign_seconds(int64_t& target, const toml::node& node) {
  int64_t value_ms = 0;
  RETURN_IF_ERROR(assign(value_ms, milliseconds(node), 0));
  target = (value_ms + 999) / 1'000;
  return {};
}

constexpr ConfigurationKey kKeys[] = {
    {"cassandra.hosts", [](Configuration& c, const toml::node& node) { return assign_list(c.cassandra.hosts, node); }},
    {"cassandra.port", [](Configuration& c, const toml::node& node) { return assign_port(c.cassandra.port, node); }},
    {"cassandra.keyspace",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.keyspace, node); }},
    {"cassandra.local_datacentre",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.local_datacentre, node); }},
    {"cassandra.replication_strategy",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.replication_strategy, node); }},
    {"cassandra.replication_factor",
     [](Configuration& c, const toml::node& node) { return assign_small(c.cassandra.replication_factor, node, 1); }},
    {"cassandra.user", [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.user, node); }},
    {"cassandra.password",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.password, node); }},
    {"cassandra.password_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.password_file, node); }},
    {"cassandra.tls", [](Configuration& c, const toml::node& node) { return assign_boolean(c.cassandra.tls, node); }},
    {"cassandra.ca_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.ca_file, node); }},
    {"cassandra.certificate_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.certificate_file, node); }},
    {"cassandra.key_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.key_file, node); }},
    {"cassandra.consistency",
     [](Configuration& c, const toml::node& node) { return assign_text(c.cassandra.consistency, node); }},
    {"cassandra.request_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.cassandra.request_timeout_ms, milliseconds(node), 1);
     }},
    {"cassandra.retry_for",
     [](Configuration& c, const toml::node& node) { return assign(c.cassandra.retry_for_ms, milliseconds(node), 0); }},
    {"cassandra.in_flight",
     [](Configuration& c, const toml::node& node) { return assign_small(c.cassandra.in_flight, node, 1); }},
    {"cassandra.batch_rows",
     [](Configuration& c, const toml::node& node) { return assign_small(c.cassandra.batch_rows, node, 1); }},
    {"cassandra.ttl", [](Configuration& c, const toml::node& node) { return assign_seconds(c.cassandra.ttl_s, node); }},
    {"cassandra.compaction_window",
     [](Configuration& c, const toml::node& node) { return assign_seconds(c.cassandra.compaction_window_s, node); }},
    {"redis.host", [](Configuration& c, const toml::node& node) { return assign_text(c.redis.host, node); }},
    {"redis.port", [](Configuration& c, const toml::node& node) { return assign_small(c.redis.port, node, 1); }},
    {"redis.db", [](Configuration& c, const toml::node& node) { return assign_small(c.redis.db, node, 0); }},
    {"redis.user", [](Configuration& c, const toml::node& node) { return assign_text(c.redis.user, node); }},
    {"redis.password", [](Configuration& c, const toml::node& node) { return assign_text(c.redis.password, node); }},
    {"redis.password_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.redis.password_file, node); }},
    {"redis.tls", [](Configuration& c, const toml::node& node) { return assign_boolean(c.redis.tls, node); }},
    {"redis.ca_file", [](Configuration& c, const toml::node& node) { return assign_text(c.redis.ca_file, node); }},
    {"redis.certificate_file",
     [](Configuration& c, const toml::node& node) { return assign_text(c.redis.certificate_file, node); }},
    {"redis.key_file", [](Configuration& c, const toml::node& node) { return assign_text(c.redis.key_file, node); }},
    {"redis.verify", [](Configuration& c, const toml::node& node) { return assign_boolean(c.redis.verify, node); }},
    {"redis.key_prefix",
     [](Configuration& c, const toml::node& node) { return assign_text(c.redis.key_prefix, node); }},
    {"redis.ttl", [](Configuration& c, const toml::node& node) { return assign_seconds(c.redis.ttl_s, node); }},
    {"redis.connect_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.redis.connect_timeout_ms, milliseconds(node), 1);
     }},
    {"redis.request_timeout",
     [](Configuration& c, const toml::node& node) {
       return assign(c.redis.request_timeout_ms, milliseconds(node), 1);
     }},
    {"redis.pipeline_depth",
     [](Configuration& c, const toml::node& node) { return assign_small(c.redis.pipeline_depth, node, 1); }},
    {"lake.uri", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.uri, node); }},
    {"lake.endpoint", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.endpoint, node); }},
    {"lake.region", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.region, node); }},
    {"lake.path_style",
     [](Configuration& c, const toml::node& node) { return assign_boolean(c.lake.path_style, node); }},
    {"lake.access_key", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.access_key, node); }},
    {"lake.secret_key", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.secret_key, node); }},
    {"lake.session_token",
     [](Configuration& c, const toml::node& node) { return assign_text(c.lake.session_token, node); }},
    {"lake.ca_file", [](Configuration& c, const toml::node& node) { return assign_text(c.lake.ca_file, node); }},
    {"lake.connect_timeout",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.connect_timeout_ms, milliseconds(node), 1); }},
    {"lake.request_timeout",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.request_timeout_ms, milliseconds(node), 1); }},
    {"lake.roll_rows",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.roll_rows, whole_number(node), 1); }},
    {"lake.roll_bytes",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.roll_bytes, size_in_bytes(node), 1); }},
    {"lake.roll_interval",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.roll_interval_ms, milliseconds(node), 1); }},
    {"lake.idle_flush",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.idle_flush_ms, milliseconds(node), 1); }},
    {"lake.zstd_level",
     [](Configuration& c, const toml::node& node) { return assign_small(c.lake.zstd_level, node, 1); }},
    {"lake.retry_for",
     [](Configuration& c, const toml::node& node) { return assign(c.lake.retry_for_ms, milliseconds(node), 0); }},
};

}  // namespace

std::span<const ConfigurationKey> store_configuration_keys() {
  return kKeys;
}

}  // namespace meterstream
