#include "stream/table_insert.h"

#include <map>
#include <set>
#include <utility>

#include "stream/transaction_builder.h"

namespace meterstream {
namespace {

struct Target {
  std::shared_ptr<TableFeed> feed;
  int32_t partitions = 0;
};

}  // namespace

Result<int64_t> insert_rows(const std::vector<InsertSpec>& rows, InsertMode mode, EventLog& log, TableFeeds& tables) {
  TransactionBuilder output;
  int64_t written = 0;
  std::set<std::pair<std::string, std::string>> own;
  std::map<const TableSpec*, Target> targets;
  for (const InsertSpec& row : rows) {
    const TableSpec& table = *row.table;
    auto [place, is_new] = targets.try_emplace(&table);
    Target& target = place->second;
    if (is_new) {
      ASSIGN_OR_RETURN(const TopicDescription topic, create_table_topic(table, log));
      target = {tables.feed(table), topic.config.partitions};
      if (mode == InsertMode::kOnlyNewKeys) RETURN_IF_ERROR(target.feed->load());
    }
    if (mode == InsertMode::kOnlyNewKeys) {
      const auto lock = target.feed->table().lock_shared();
      const auto& feed = target.feed;
      const bool is_there = feed->table().find(row.key, INT64_MAX) != LookupTable::kNone;
      // Several rows of one key in the file are its versions.
      if (is_there && !own.contains({table.topic, row.key})) continue;
      own.insert({table.topic, row.key});
    }
    output.add(output.topic(table.topic), partition_for_key(row.key, target.partitions), row.key, row.value, {},
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
