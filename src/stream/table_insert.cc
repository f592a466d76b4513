#include "stream/table_insert.h"

#include <set>

#include "stream/transaction_builder.h"

namespace meterstream {

Result<int64_t> insert_rows(const std::vector<InsertSpec>& rows, InsertMode mode, EventLog& log, TableFeeds& tables) {
  TransactionBuilder output;
  int64_t written = 0;
  std::set<std::pair<std::string, std::string>> own;
  for (const InsertSpec& row : rows) {
    const TableSpec& table = *row.table;
    ASSIGN_OR_RETURN(const TopicDescription topic, create_table_topic(table, log));
    if (mode == InsertMode::kOnlyNewKeys) {
      const auto feed = tables.feed(table);
      RETURN_IF_ERROR(feed->load());
      const std::shared_lock lock(feed->table().mutex());
      const bool is_there = feed->table().find(row.key, INT64_MAX) != LookupTable::kNone;
      // Several rows of one key in the file are its versions.
      if (is_there && !own.contains({table.topic, row.key})) continue;
      own.insert({table.topic, row.key});
    }
    output.add(output.topic(table.topic), partition_for_key(row.key, topic.config.partitions), row.key, row.value, {},
               IngestTime(0));
    ++written;
  }
  if (written == 0) return 0;
  Transaction transaction;
  output.move_into(transaction);
  RETURN_IF_ERROR(log.commit(std::move(transaction), Durability::kSync));
  return written;
}

}  // namespace meterstream
