#include "state/embedded_aggregate_store.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "state/embedded_aggregate_table.h"

namespace meterstream {
namespace {

constexpr char kDefinitionKind = 'D';
constexpr uint8_t kVersion = 1;
constexpr uint8_t kLastBucket = static_cast<uint8_t>(AggregateBucket::kMonths);

}  // namespace

Error damaged_table(std::string_view table) {
  return corrupt(
      fmt::format("table {} has an entry that cannot be read; run 'meterstream doctor', and restore the data "
                  "directory from a copy",
                  table));
}

void put_table(const AggregateTableDefinition& table, WriteBatch& batch) {
  std::string value(1, static_cast<char>(kVersion));
  append_little_endian(value, static_cast<uint8_t>(table.bucket));
  append_little_endian(value, table.window_ms);
  batch.put(Space::kTable, kDefinitionKind + table.name, std::move(value));
}

Result<std::vector<AggregateTableDefinition>> list_tables(const KeyValueStore& store) {
  std::vector<AggregateTableDefinition> tables;
  const auto cursor = store.cursor(Space::kTable);
  for (cursor->seek(std::string(1, kDefinitionKind)); cursor->valid(); cursor->next()) {
    if (cursor->key().front() != kDefinitionKind) break;
    AggregateTableDefinition table;
    table.name = std::string(cursor->key().substr(1));
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    const auto bucket = reader.little_endian<uint8_t>();
    table.window_ms = reader.little_endian<int64_t>();
    if (!reader.ok() || reader.remaining() != 0 || version != kVersion || bucket > kLastBucket)
      return damaged_table(table.name);
    table.bucket = static_cast<AggregateBucket>(bucket);
    tables.push_back(std::move(table));
  }
  RETURN_IF_ERROR(cursor->status());
  return tables;
}

Result<std::vector<AggregateTableDefinition>> EmbeddedAggregateStore::tables() {
  return list_tables(store_);
}

std::unique_ptr<AggregateTable> EmbeddedAggregateStore::table(const AggregateTableDefinition& definition) {
  std::shared_ptr<KnownWindows>& known = known_[definition.name];
  if (known == nullptr) known = std::make_shared<KnownWindows>();
  return std::make_unique<EmbeddedAggregateTable>(store_, definition, durability_, known);
}

Result<std::unique_ptr<AggregateTable>> EmbeddedAggregateStore::open(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(const auto tables, list_tables(store_));
  std::string names;
  for (const AggregateTableDefinition& table : tables) {
    if (table.name == name) return this->table(table);
    names += (names.empty() ? "" : ", ") + table.name;
  }
  return not_found(fmt::format("table '{}' does not exist; {}", name,
                               names.empty() ? "there are no tables yet" : "there are: " + names));
}

// Rows in another bucket have other keys, so a second bucket would store every window a second time.
Result<std::unique_ptr<AggregateTable>> EmbeddedAggregateStore::create(const AggregateTableDefinition& definition) {
  const std::scoped_lock lock(mutex_);
  ASSIGN_OR_RETURN(auto tables, list_tables(store_));
  tables.insert(tables.end(), made_.begin(), made_.end());
  for (const AggregateTableDefinition& table : tables) {
    if (table.name != definition.name) continue;
    if (table.bucket != definition.bucket) {
      return conflict(
          fmt::format("table {} exists with bucket '{}', not '{}'. Use bucket '{}', give the sink another "
                      "table, or use another data directory",
                      table.name, name_of(table.bucket), name_of(definition.bucket), name_of(table.bucket)));
    }
    return this->table(table);
  }
  made_.push_back(definition);
  // Without a window length the first row makes it known, so that readers find no table that they cannot describe.
  if (definition.window_ms != 0) {
    WriteBatch batch;
    put_table(definition, batch);
    RETURN_IF_ERROR(store_.write(batch, Durability::kSync));
  }
  return table(definition);
}

}  // namespace meterstream
