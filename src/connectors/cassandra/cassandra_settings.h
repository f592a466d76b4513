// Purpose: how to reach a Cassandra cluster and how tables are made there.
// Units: milliseconds; `_s` is seconds.
// Thread-safety: values and a pure function. Secrets: `password` is never part of a message; log nothing of this struct but
//                hosts, keyspace and user.
// Errors: kInvalid names the setting and what it may be.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/server_login.h"

namespace meterstream {

/// Without a user there is no login.
struct CassandraSettings : ServerLogin {
  /// HOST or HOST:PORT, several with commas; one that answers is enough.
  std::string hosts;
  /// Of hosts without one.
  uint16_t port = 9042;
  std::string keyspace = "metrics";
  /// Requests go to its nodes only; empty: to those of all data centres.
  std::string local_datacentre;

  /// Of a keyspace that is made. SimpleStrategy, or NetworkTopologyStrategy, which needs local_datacentre.
  std::string replication_strategy = "SimpleStrategy";
  int32_t replication_factor = 1;

  /// Of reads and writes: LOCAL_QUORUM, QUORUM, ONE, ...
  std::string consistency = "LOCAL_QUORUM";
  int64_t request_timeout_ms = 5'000;
  /// A request that fails for the network or a node is sent again with growing, random pauses for about this long.
  int64_t retry_for_ms = 10'000;
  /// Batches of a writer that are on their way at a time.
  int32_t in_flight = 64;
  /// Rows of one partition that are sent together at most; about 150 bytes each.
  int32_t batch_rows = 100;
  /// Rows that a writer collects until a flush, so that those of one partition can go together.
  int32_t pending_rows = 16'384;

  /// Rows of tables that are made vanish so long after they were written; 0: never.
  int64_t ttl_s = 0;
  /// Time of windows that files of tables that are made hold together; 0: by the ttl, or a day.
  int64_t compaction_window_s = 0;

  /// Told once when requests begin to fail and once when they succeed again, from any thread.
  std::function<void(std::string_view message)> on_change;
};

Status check_cassandra_settings(const CassandraSettings& settings);

}  // namespace meterstream
