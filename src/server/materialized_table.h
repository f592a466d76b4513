// Purpose: the rows that a table has now, in memory, for pull queries: the latest record of each key, or of each key and window.
// Guarantee: after load() everything that the topic held when it was called is there; refresh() adds what came since.
// Cost: a query by keys or ranges of keys reads their rows only; others read all rows, a chunk at a time, so that a change never waits
//       long. The first query by a range sorts the keys, and from then on their order is kept.
// Non-guarantee: a query that reads all rows sees changes that come meanwhile, or not.
// Thread-safety: all methods may be called concurrently. Ownership: logs and schemas must outlive it.
// Errors: those of the log; kUnavailable when it has more rows than it may. Records that cannot be read are left out and counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/event_log.h"
#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "server/statement_service.h"
#include "sql/query_binder.h"

namespace meterstream {

class MaterializedTable {
 public:
  MaterializedTable(std::shared_ptr<const QuerySource> source, EventLog& log, EventLog& follower, SchemaStore& schemas,
                    size_t most_rows);
  ~MaterializedTable();

  /// Waits until the topic is read to its end; at once when it has been loaded before.
  Status load();
  /// Reads what came since, if it is loaded.
  Status refresh();
  /// The same, and waits until what the topic holds now is there.
  Status catch_up();
  [[nodiscard]] bool is_loaded() const { return loaded_; }

  /// Where a query goes on.
  struct Cursor {
    size_t key = 0;
    size_t chunk = 0;
    size_t range = 0;
    /// Of the range: the key that comes next, or one before it.
    std::optional<std::string> next_key;
  };
  /// Appends the rows of the next part of the table that pass. False: that was the last part.
  bool read(const BoundQuery& query, Cursor& cursor, std::vector<QueryRow>& rows) const;
  /// The same for the columns that the query needs, whatever its condition; the batch has its own texts.
  bool read(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const;

  [[nodiscard]] const std::shared_ptr<const QuerySource>& source() const { return source_; }
  [[nodiscard]] size_t rows() const;
  /// Records that could not be read.
  [[nodiscard]] int64_t faults() const { return faults_; }

 private:
  struct Chunk;
  struct RowPlace {
    int64_t window_ms = 0;
    uint32_t row = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Status open();
  Status read_to_end();
  Status read_on(EventLog& log, size_t partition);
  void apply(size_t begin, size_t end, uint32_t& row);
  void put(std::string_view key, uint32_t row);
  void erase(std::string_view key);
  void erase(std::string_view key, int64_t window_ms);
  uint32_t new_row();
  void sort_keys() const;
  bool read_part(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const;
  void add_rows(const BoundQuery& query, const std::vector<RowPlace>& places, std::vector<uint32_t>& rows) const;
  bool read_keys(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const;
  bool read_ranges(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const;
  bool read_chunk(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const;
  void gather(const BoundQuery& query, const std::vector<uint32_t>& rows, ColumnBatch& batch) const;

  const std::shared_ptr<const QuerySource> source_;
  EventLog& log_;
  EventLog& follower_;
  const size_t most_rows_;
  std::atomic<int64_t> faults_ = 0;

  std::mutex reader_mutex_;  // of what reads the topic
  std::unique_ptr<RecordDecoder> decoder_;
  std::vector<Offset> next_;
  std::atomic<bool> loaded_ = false;
  RecordSet records_;
  ColumnBatch batch_;

  // Who waits to change the table goes before those that ask later.
  mutable std::mutex turn_;
  mutable std::shared_mutex mutex_;  // of everything below
  std::unordered_map<std::string, std::vector<RowPlace>, Hash, std::equal_to<>> keys_;
  /// Those of keys_ in order, once a query asked for a range.
  mutable std::optional<std::set<std::string_view>> sorted_keys_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<uint32_t> free_rows_;
  uint32_t used_rows_ = 0;
};

/// The tables that pull queries have asked for, kept up to date by a thread of their own. Thread-safe.
class MaterializedTables {
 public:
  /// All must outlive it. `follower` reads on where `log` loaded, and may answer later that there is nothing new.
  MaterializedTables(EventLog& log, EventLog& follower, SchemaStore& schemas, size_t most_rows);
  ~MaterializedTables();

  /// Loads it when it is asked for the first time.
  Result<std::shared_ptr<MaterializedTable>> get(const std::shared_ptr<const QuerySource>& source);
  /// Null when it is not loaded.
  std::shared_ptr<MaterializedTable> find(const std::shared_ptr<const QuerySource>& source);
  /// What was written to the topic before is there when it returns.
  Status catch_up(std::string_view topic);
  /// Forgets the table of this name.
  void drop(const std::string& name);

 private:
  class Follower;
  EventLog& log_;
  EventLog& follower_log_;
  SchemaStore& schemas_;
  const size_t most_rows_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MaterializedTable>> tables_;
  std::unique_ptr<Follower> follower_;
};

}  // namespace meterstream
