// Purpose: decoded records as columns, the shape that formats decode to and operators compute on.
// Shapes: every column of a batch has `rows` entries; row i came from records[record_index[i]].
// Ownership: strings point into the decoded records or into `arena`; both must outlive the batch's use.
// Thread-safety: none; a batch belongs to one task.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

enum class ColumnType : uint8_t {
  kBoolean,    ///< in `integers`, 0 or 1
  kBigint,     ///< in `integers`
  kTimestamp,  ///< in `integers`, milliseconds since 1970-01-01T00:00:00Z
  kDouble,     ///< in `doubles`, finite
  kVarchar,    ///< in `strings`, UTF-8
};

/// "BIGINT", "TIMESTAMP", ... as SQL spells them.
std::string_view name_of(ColumnType type);

struct Column {
  ColumnType type = ColumnType::kBigint;
  std::vector<int64_t> integers;
  std::vector<double> doubles;
  std::vector<std::string_view> strings;
  /// Empty when no row is NULL; otherwise one byte a row, 0 for NULL. A NULL row's value slot is zero or
  /// empty.
  std::vector<uint8_t> validity;

  [[nodiscard]] bool is_null(size_t row) const { return !validity.empty() && validity[row] == 0; }
};

/// Every row is NULL.
Column null_column(ColumnType type, size_t rows);

/// A named and typed column that a stream declares and a decoder fills.
struct ColumnSchema {
  std::string name;
  ColumnType type = ColumnType::kBigint;

  bool operator==(const ColumnSchema&) const = default;
};

/// A record that could not become a row, with the reason for the reject topic.
struct RejectedRecord {
  uint32_t record_index = 0;
  std::string reason;
};

struct ColumnBatch {
  size_t rows = 0;
  std::vector<Column> columns;
  std::vector<uint32_t> record_index;
  /// Where the decoder was asked for a group key (see RecordDecoder): one canonical key a row.
  std::vector<std::string_view> group_keys;
  std::vector<RejectedRecord> rejected;
  /// Bytes made while decoding (unescaped JSON strings and such). A deque, so that earlier strings never
  /// move.
  std::deque<std::string> arena;

  /// Empties the batch, keeping its columns' types and memory.
  void clear();
};

}  // namespace meterstream
