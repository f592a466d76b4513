// Purpose: the join of two tables by their primary keys. See table_join.h.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stream/table_join.h"
#include "stream/text_hash.h"

namespace meterstream {

class PrimaryKeyJoin final : public TableJoin {
 public:
  explicit PrimaryKeyJoin(const ViewSpec& view) : TableJoin(view) {}

  void prepare(Side /*side*/, ColumnBatch& /*batch*/, int64_t& /*faults*/) override {}
  void put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) override;
  void erase(Side side, const RecordView& record) override;
  Status give_changes(const Give& give, const Drop& drop) override;
  [[nodiscard]] size_t bytes() const override { return bytes_; }
  void save_changes(std::string_view prefix, WriteBatch& batch) override;
  Status load_changes(std::string_view prefix, const KeyValueStore& store) override;

 private:
  struct Entry {
    std::array<std::string, 2> cells;
    std::array<bool, 2> is_there{};
    bool is_written = false;  ///< a row of the result
    bool is_changed = false;
    bool is_unsaved = false;
    bool is_stored = false;
    Offset offset;  ///< of the latest change
    IngestTime ingest_time;

    [[nodiscard]] size_t bytes() const { return sizeof(Entry) + cells[kLeft].capacity() + cells[kRight].capacity(); }
  };
  using Entries = std::unordered_map<std::string, Entry, TextHash, std::equal_to<>>;

  Entries::value_type& entry(std::string_view key);
  void note_change(Entries::value_type& changed, const RecordView& record);
  [[nodiscard]] bool is_joined(const Entry& entry) const;

  Entries entries_;
  std::vector<Entries::value_type*> changed_;
  std::vector<Entries::value_type*> unsaved_;
  size_t bytes_ = 0;
};

}  // namespace meterstream
