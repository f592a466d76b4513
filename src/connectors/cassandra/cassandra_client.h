// Purpose: a session with a Cassandra cluster, opened when it is first needed, and writers of batches.
// Thread-safety: a client, all threads at once; a writer, one at a time.
// Blocking: calls wait for the cluster, at most for the settings' times; submit() while as many batches are on their way as
//           may be.
// Errors: kUnavailable (the cluster is away: retry), kInvalid (refused: a login, a right, a statement), kNotFound, kConflict.
//         Messages say what, where and what to do next.
// Ownership: the client must outlive its writers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/cassandra/cassandra_settings.h"

namespace meterstream {

class CassandraWriter {
 public:
  ~CassandraWriter();
  CassandraWriter(const CassandraWriter&) = delete;
  CassandraWriter& operator=(const CassandraWriter&) = delete;

  /// The n-th batch has `batch_rows[n]` rows, all of one partition, whose values follow each other in `values`. An error may be
  /// that of an earlier batch.
  Status submit(std::string_view values, std::span<const uint32_t> batch_rows);
  /// Until nothing is on its way. The first error since the last wait, which is forgotten.
  Status wait();

 private:
  friend class CassandraClient;
  struct State;
  explicit CassandraWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class CassandraClient {
 public:
  struct Page {
    size_t count = 0;
    /// For CassandraValueReader, row after row.
    std::string values;
    /// Of the next page; empty when this is the last.
    std::string paging;
  };

  /// Does not wait for the cluster.
  explicit CassandraClient(CassandraSettings settings);
  ~CassandraClient();
  CassandraClient(const CassandraClient&) = delete;
  CassandraClient& operator=(const CassandraClient&) = delete;

  [[nodiscard]] const CassandraSettings& settings() const { return settings_; }

  /// A change of the schema, known to all nodes afterwards. One at a time; all processes send theirs to the same node.
  Status execute(std::string_view statement);
  /// Waits until all nodes know the same schema.
  Status agree();
  /// What is wrong, for people, when the keyspace asks for more nodes than the cluster has; else empty.
  Result<std::string> replication_shortage();
  Result<Page> select(std::string_view statement, std::string_view values, size_t page_rows, std::string_view paging);
  /// The same from the node that changes the schema, which knows it first.
  Result<Page> select_schema(std::string_view statement, std::string_view values, size_t page_rows,
                             std::string_view paging);
  Result<std::unique_ptr<CassandraWriter>> open_writer(std::string_view statement);

 private:
  class Listener;
  struct Session;
  Result<std::shared_ptr<Session>> session();
  Result<std::shared_ptr<Session>> open() const;
  Result<Page> select_from(std::string_view statement, std::string_view values, size_t page_rows,
                           std::string_view paging, bool of_schema);

  CassandraSettings settings_;
  std::mutex opening_;
  std::mutex changing_schema_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<Session> session_;
};

}  // namespace meterstream
