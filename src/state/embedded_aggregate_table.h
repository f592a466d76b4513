// Purpose: an AggregateTable in Space::kTable of a key-value store. Layout: docs/formats/data-directory.md.
// Durability: rows are buffered; flush() makes them durable, unless the caller does that itself by a later write to the
//             same store (Durability::kBuffered).
// Ownership: the store must outlive the table. The rest: see the port.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "state/aggregate_table.h"
#include "state/key_value_store.h"
#include "state/known_windows.h"

namespace meterstream {

class EmbeddedAggregateTable final : public AggregateTable {
 public:
  /// `known` is shared by all writers of the table (EmbeddedAggregateStore sees to that).
  EmbeddedAggregateTable(KeyValueStore& store, AggregateTableDefinition definition, Durability durability,
                         std::shared_ptr<KnownWindows> known);

  [[nodiscard]] const AggregateTableDefinition& definition() const override { return definition_; }
  Status write(std::span<const AggregateEntry> entries) override;
  Status flush() override;
  Result<Page> rows(const AggregateSeries& series, const Query& query) override;
  Result<std::vector<AggregateSeries>> series(std::string_view gateway_prefix, size_t limit,
                                              const AggregateSeries* after) override;

 private:
  struct Candidate {
    std::string key;
    const AggregateEntry* entry = nullptr;
  };
  [[nodiscard]] std::vector<Candidate> candidates(std::span<const AggregateEntry> entries) const;
  Result<int64_t> latest_of(std::string_view series) const;
  Result<bool> is_outdated(const Candidate& candidate) const;
  void learn_window(const AggregateRow& row, WriteBatch& batch);

  KeyValueStore& store_;
  AggregateTableDefinition definition_;
  Durability durability_;
  std::shared_ptr<KnownWindows> known_;
  bool is_flushed_ = true;
};

}  // namespace meterstream
