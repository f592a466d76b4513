// Purpose: C interface of the driver crate beside this file, which speaks Cassandra's protocol: sessions, statements that are
//          prepared when they are first used, selects by page, and writers that send unlogged batches in the background.
// Values of a statement and of rows: for each of its markers or columns a 32-bit big-endian length and the bytes of
//          the value in Cassandra's own encoding; length -1 is null.
// Thread-safety: a session, all threads at once; a writer, one at a time. `changed` is called from threads of the session.
// Blocking: cassandra_driver_open, execute, select and wait until there is an answer or the time-out; submit while as many
//           batches are on their way as may be.
// Errors: functions give null or false and fill `error`, whose message the caller frees. Retries are made inside, with
//         growing, random pauses.
// Ownership: what is opened is closed by the caller, writers before their session. Texts are copied, unless said.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct CassandraDriverSession;
struct CassandraDriverWriter;
struct CassandraDriverRows;

/// Not terminated.
struct CassandraDriverText {
  const char* data;
  size_t size;
};

enum CassandraDriverCode : int32_t {
  kCassandraDriverInvalid = 0,
  kCassandraDriverNotFound = 1,
  kCassandraDriverConflict = 2,
  kCassandraDriverUnavailable = 3,
  kCassandraDriverLogin = 4,
  kCassandraDriverFull = 5,         ///< the nodes refuse writes, because their disks are full
  kCassandraDriverReplication = 6,  ///< the keyspace asks for more nodes than there are
};

struct CassandraDriverOptions {
  CassandraDriverText hosts;  ///< HOST[:PORT],...
  uint16_t port;              ///< of hosts without one
  CassandraDriverText keyspace;
  CassandraDriverText local_datacentre;  ///< empty: any
  CassandraDriverText user;              ///< empty: no login
  CassandraDriverText password;
  uint8_t tls;
  CassandraDriverText ca_file;           ///< empty: the system's
  CassandraDriverText certificate_file;  ///< empty: none
  CassandraDriverText key_file;
  CassandraDriverText consistency;  ///< LOCAL_QUORUM, ...
  uint64_t request_timeout_ms;
  uint64_t retry_ms;      ///< for how long a request that failed is sent again
  uint8_t is_in_trouble;  ///< requests failed before this session, which `changed` was told
  /// Called once when requests begin to fail (with the first reason) and once when one succeeds again (with null).
  void (*changed)(void* context, CassandraDriverCode code, const char* reason, size_t size);
  void* context;
};

/// `message` is null when there is no error.
struct CassandraDriverError {
  CassandraDriverCode code;
  char* message;
  size_t size;
};
void cassandra_driver_free_error(CassandraDriverError* error);

CassandraDriverSession* cassandra_driver_open(const CassandraDriverOptions* options, CassandraDriverError* error);
void cassandra_driver_close(CassandraDriverSession* session);
/// Requests have failed for long and no connection is left: another session may do better.
bool cassandra_driver_is_stuck(const CassandraDriverSession* session);

/// A change of the schema, until the nodes agree on it. All processes send theirs to the same node, as long as they see the
/// same nodes running: so two that make the same table at the same moment make one.
bool cassandra_driver_execute(CassandraDriverSession* session, CassandraDriverText statement,
                              CassandraDriverError* error);
/// Until the nodes have the same schema.
bool cassandra_driver_agree(CassandraDriverSession* session, CassandraDriverError* error);

/// False with kCassandraDriverReplication when the keyspace asks for more nodes than the cluster has; what then fails depends on
/// the consistency.
bool cassandra_driver_check_replication(CassandraDriverSession* session, CassandraDriverError* error);

/// One page of at most `page_rows` rows behind `paging` (empty: the first). `of_schema`: from the node that changes the schema.
CassandraDriverRows* cassandra_driver_select(CassandraDriverSession* session, CassandraDriverText statement,
                                             CassandraDriverText values, int32_t page_rows, CassandraDriverText paging,
                                             uint8_t of_schema, CassandraDriverError* error);
size_t cassandra_driver_row_count(const CassandraDriverRows* rows);
/// Both live as long as `rows`.
CassandraDriverText cassandra_driver_row_values(const CassandraDriverRows* rows);
CassandraDriverText cassandra_driver_paging(const CassandraDriverRows* rows);  ///< empty: it was the last page
void cassandra_driver_free_rows(CassandraDriverRows* rows);

/// `in_flight`: batches that may be on their way at a time.
CassandraDriverWriter* cassandra_driver_open_writer(CassandraDriverSession* session, CassandraDriverText statement,
                                                    size_t in_flight, CassandraDriverError* error);
/// Does not wait for what is on its way.
void cassandra_driver_close_writer(CassandraDriverWriter* writer);
/// `count` batches: the n-th has batch_rows[n] rows, all of one partition, whose values follow each other in `values`.
/// False when a batch, also an earlier one, has failed: then some may be written and some not.
bool cassandra_driver_submit(CassandraDriverWriter* writer, CassandraDriverText values, const uint32_t* batch_rows,
                             size_t count, CassandraDriverError* error);
/// Until nothing is on its way. False with the first error since the last wait, which it forgets.
bool cassandra_driver_wait(CassandraDriverWriter* writer, CassandraDriverError* error);
}
