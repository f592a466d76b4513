// Purpose: keeps a LookupTable up to date with its topic, for all tasks of a process that look into it.
// Guarantee: after load() the table holds everything that the topic held when it was called. refresh() adds what came
//            since; rows of one key are applied in the order of their partition.
// Non-guarantee: where a lookup stands beside the table's changes depends on when both arrive. A table with times
//                (TableSpec::valid_from_column) does not have this for changes that arrive before their time.
// Thread-safety: all methods may be called concurrently; refresh() does not wait for another thread that is at it.
// Errors: those of the log; call again. A record that cannot be read is left out and counted.
// Ownership: logs and schemas must outlive the feed.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "log/event_log.h"
#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "stream/lookup_table.h"

namespace meterstream {

/// Unless it exists. Only the latest record of each key need stay, if the table has no times.
Result<TopicDescription> create_table_topic(const TableSpec& table, EventLog& log);

class TableFeed {
 public:
  /// `log` is asked by load(), `follower` by refresh(); they may be the same.
  TableFeed(const TableSpec& spec, EventLog& log, EventLog& follower, SchemaStore& schemas);

  /// Waits until the topic is read to its end.
  Status load();
  /// Looks for news, at most once in 10 ms.
  Status refresh(int64_t now_ns);

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] const LookupTable& table() const { return table_; }

  struct Faults {
    int64_t records = 0;
    std::string latest;  ///< where and why
  };
  [[nodiscard]] Faults faults() const;

 private:
  Status open();
  Status read_on(EventLog& log, size_t partition);
  Status read_news();
  void fill_keys();
  void apply(size_t partition);
  void apply(const RecordView& record, uint32_t row);
  void note_fault(size_t partition, const RecordView& record, std::string_view reason);

  const TableSpec spec_;
  EventLog& log_;
  EventLog& follower_;
  std::unique_ptr<RecordDecoder> decoder_;
  LookupTable table_;
  mutable std::mutex mutex_;  // of everything below
  std::vector<Offset> next_;  // by partition; empty before the first read
  RecordSet records_;
  ColumnBatch batch_;
  Faults faults_;
  std::atomic<int64_t> refreshed_ns_{INT64_MIN};
};

/// The feeds of a process, one a table. Thread-safe.
class TableFeeds {
 public:
  /// All must outlive it. `follower` reads on where `log` loaded, and may answer later that there is nothing new.
  TableFeeds(EventLog& log, EventLog& follower, SchemaStore& schemas)
      : log_(log), follower_(follower), schemas_(schemas) {}
  TableFeeds(EventLog& log, SchemaStore& schemas) : TableFeeds(log, log, schemas) {}

  std::shared_ptr<TableFeed> feed(const TableSpec& spec);
  [[nodiscard]] std::vector<std::shared_ptr<TableFeed>> all() const;
  /// The topic was deleted: whoever asks for a table over it begins anew.
  void forget(std::string_view topic);

 private:
  EventLog& log_;
  EventLog& follower_;
  SchemaStore& schemas_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TableFeed>> feeds_;
};

}  // namespace meterstream
