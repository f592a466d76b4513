#include "connectors/cassandra/cassandra_settings.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "connectors/cassandra/cassandra_schema.h"

namespace meterstream {
namespace {

constexpr int32_t kMaxInFlight = 4'096;
constexpr int32_t kMaxBatchRows = 1'000;
constexpr int32_t kMaxPendingRows = 1'000'000;
constexpr int64_t kMaxTtlS = int64_t{20} * 365 * 24 * 3600;  // Cassandra's own limit
constexpr std::array<std::string_view, 8> kConsistencies = {"ONE", "TWO",          "THREE",       "QUORUM",
                                                            "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"};

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return result;
}

Status check_range(std::string_view name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return invalid(fmt::format("Cassandra: {} is {}; it must be {} to {}", name, value, low, high));
}

Status check_replication(const CassandraSettings& settings) {
  RETURN_IF_ERROR(check_range("replication_factor", settings.replication_factor, 1, 100));
  if (settings.replication_strategy == "SimpleStrategy") return {};
  if (settings.replication_strategy != "NetworkTopologyStrategy")
    return invalid(
        fmt::format("Cassandra: replication_strategy '{}' is not known; use SimpleStrategy or NetworkTopologyStrategy",
                    settings.replication_strategy));
  if (settings.local_datacentre.empty()) return invalid("Cassandra: NetworkTopologyStrategy needs local_datacentre");
  return {};
}

}  // namespace

Status check_cassandra_settings(const CassandraSettings& settings) {
  if (settings.hosts.find_first_not_of(", ") == std::string::npos)
    return invalid("Cassandra: no host is named; give host or host:port, several with commas");
  if (!is_cassandra_name(settings.keyspace))
    return invalid(fmt::format("Cassandra: keyspace '{}' is no name; use small letters, digits and _, at most {}",
                               settings.keyspace, kCassandraNameLength));
  if (std::ranges::find(kConsistencies, upper(settings.consistency)) == kConsistencies.end())
    return invalid(fmt::format("Cassandra: consistency '{}' does not exist; use one of {}", settings.consistency,
                               fmt::join(kConsistencies, ", ")));
  if (settings.port == 0) return invalid("Cassandra: port is 0");
  RETURN_IF_ERROR(check_range("request_timeout_ms", settings.request_timeout_ms, 1, 600'000));
  RETURN_IF_ERROR(check_range("retry_for_ms", settings.retry_for_ms, 0, 3'600'000));
  RETURN_IF_ERROR(check_range("in_flight", settings.in_flight, 1, kMaxInFlight));
  RETURN_IF_ERROR(check_range("batch_rows", settings.batch_rows, 1, kMaxBatchRows));
  RETURN_IF_ERROR(check_range("pending_rows", settings.pending_rows, 1, kMaxPendingRows));
  RETURN_IF_ERROR(check_range("ttl_s", settings.ttl_s, 0, kMaxTtlS));
  RETURN_IF_ERROR(check_range("compaction_window_s", settings.compaction_window_s, 0, kMaxTtlS));
  RETURN_IF_ERROR(check_replication(settings));
  if (settings.user.empty() && settings.has_password())
    return invalid("[cassandra] has a password but no user. Set user as well");
  return check_server_login(settings, "cassandra");
}

}  // namespace meterstream
