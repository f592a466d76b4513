// Purpose: adds to a batch the columns that a chain of views looks up in tables.
// Shapes: the columns stand behind those of the stream, in the order of ViewSpec::row_columns().
// Thread-safety: none; one belongs to one task. The tables are shared, and are locked while their columns are in use.
// Ownership: feeds are shared; the view must outlive it.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "stream/decoded_batch.h"
#include "stream/table_feed.h"
#include "stream/view_spec.h"

namespace meterstream {

class LookupJoin {
 public:
  /// The views share their lookups. `feeds` gives those of the tables; null when there are no lookups. Only columns that some
  /// expression of the views reads are filled.
  LookupJoin(const std::vector<const ViewSpec*>& views, TableFeeds* feeds);

  /// While it lives the tables stand still; then what was added to the batch is gone.
  class Added {
   public:
    Added(LookupJoin& join, ColumnBatch& batch);
    ~Added();
    Added(const Added&) = delete;
    Added& operator=(const Added&) = delete;

   private:
    LookupJoin& join_;
    ColumnBatch& batch_;
    size_t columns_;
  };

  /// Takes those of `rows` out that must find something and do not. Between construction and destruction of Added only.
  void look_up(DecodedBatch& batch, std::vector<uint32_t>& rows, int64_t& faults);

 private:
  struct Lookup {
    const LookupSpec* spec;
    std::shared_ptr<TableFeed> feed;
    std::vector<bool> needed;  ///< by column of the table
  };

  void look_up(const Lookup& lookup, DecodedBatch& batch, std::vector<uint32_t>& rows, int64_t& faults);
  void fill(const Lookup& lookup, ColumnBatch& batch) const;

  std::vector<Lookup> lookups_;
  std::vector<std::shared_lock<std::shared_mutex>> locks_;
  std::vector<const LookupTable*> tables_;  ///< each once, by address

  // Scratch of one lookup: rows of the batch that have a key, their keys and times, and the rows of the table.
  std::vector<uint32_t> probed_;
  std::vector<std::string_view> keys_;
  std::vector<int64_t> times_ms_;
  std::vector<uint32_t> found_;
};

}  // namespace meterstream
