#include "server/row_join.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "stream/group_key.h"

namespace meterstream {
namespace {

constexpr size_t kMostPairs = 4096;

/// BIGINT beside DOUBLE compares as DOUBLE; -0 and 0 are one.
void append_key(std::string& out, const Column& column, uint32_t row, bool is_double) {
  if (!is_double) return append_group_value(out, column, row);
  const double value =
      (column.type == ColumnType::kDouble ? column.doubles[row] : static_cast<double>(column.integers[row])) + 0.0;
  const auto bits = std::bit_cast<uint64_t>(value);
  out.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
}

/// The value of a row, or NULL where there is none.
void append_value(const Column& from, uint32_t row, bool is_there, Column& to) {
  const bool is_null = !is_there || from.is_null(row);
  to.validity.push_back(is_null ? 0 : 1);
  if (to.type == ColumnType::kVarchar) {
    to.strings.push_back(is_null ? std::string_view() : from.strings[row]);
  } else if (to.type == ColumnType::kDouble) {
    to.doubles.push_back(is_null ? 0 : from.doubles[row]);
  } else {
    to.integers.push_back(is_null ? 0 : from.integers[row]);
  }
}

void make_empty(Column& column, ColumnType type) {
  column.type = type;
  column.integers.clear();
  column.doubles.clear();
  column.strings.clear();
  column.validity.clear();
}

}  // namespace

JoinStage::JoinStage(std::unique_ptr<RowStage> left, std::unique_ptr<RowStage> right, QueryJoin join,
                     std::vector<ColumnSchema> schema, std::vector<bool> needed, QueryMemory& memory)
    : left_(std::move(left)),
      right_(std::move(right)),
      join_(std::move(join)),
      schema_(std::move(schema)),
      needed_(std::move(needed)),
      left_columns_(schema_.size() - join_.source->columns.size()),
      memory_(memory) {
  rows_.columns.resize(join_.source->columns.size());
  for (size_t column = 0; column < rows_.columns.size(); ++column)
    make_empty(rows_.columns[column], join_.source->columns[column].type);
}

Result<bool> JoinStage::next(RowBatch& batch) {
  batch.columns.clear();
  batch.records = {};
  batch.partition = 0;
  if (!is_built_) {
    // One batch at a time, so that whoever waits can be told.
    ASSIGN_OR_RETURN(const bool has_more, right_->next(taken_));
    is_built_ = !has_more;
    if (is_built_) is_matched_.assign(rows_.rows, 0);
    RETURN_IF_ERROR(has_more ? take_right() : Status());
    return true;
  }
  return pair(batch);
}

void JoinStage::key_rows(ColumnBatch& rows, bool is_left) {
  std::vector<Column> keys;
  std::vector<uint8_t> is_double;
  int64_t faults = 0;
  for (const QueryJoin::Key& key : join_.keys) {
    is_double.push_back(key.left->type == ColumnType::kDouble || key.right->type == ColumnType::kDouble ? 1 : 0);
    keys.push_back(evaluate(is_left ? *key.left : *key.right, rows, faults));
  }
  key_bytes_.clear();
  key_ends_.clear();
  has_key_.assign(rows.rows, 1);
  for (uint32_t row = 0; row < rows.rows; ++row) {
    for (size_t key = 0; key < keys.size(); ++key) {
      if (keys[key].is_null(row)) {
        has_key_[row] = 0;
      } else {
        append_key(key_bytes_, keys[key], row, is_double[key] != 0);
      }
    }
    key_ends_.push_back(key_bytes_.size());
  }
}

Status JoinStage::take_right() {
  ColumnBatch& taken = taken_.columns;
  if (taken.rows == 0) return {};
  key_rows(taken, false);
  size_t text_bytes = 0;
  for (size_t column = 0; column < rows_.columns.size(); ++column) {
    Column& into = rows_.columns[column];
    if (!needed_[left_columns_ + column]) continue;
    if (into.type != ColumnType::kVarchar) {
      for (uint32_t row = 0; row < taken.rows; ++row) append_value(taken.columns[column], row, true, into);
      continue;
    }
    size_t bytes = 0;
    for (const std::string_view text : taken.columns[column].strings) bytes += text.size();
    std::string& own = rows_.arena.emplace_back();
    own.reserve(bytes);
    text_bytes += bytes;
    for (uint32_t row = 0; row < taken.rows; ++row) {
      append_value(taken.columns[column], row, true, into);
      std::string_view& text = into.strings.back();
      const size_t begin = own.size();
      own.append(text);
      text = std::string_view(own.data() + begin, text.size());
    }
  }
  const size_t key_bytes_before = keys_.bytes();
  for (uint32_t row = 0; row < taken.rows; ++row) {
    const auto place = static_cast<uint32_t>(rows_.rows + row);
    next_of_row_.push_back(kNone);
    if (has_key_[row] == 0) continue;
    const size_t begin = row == 0 ? 0 : key_ends_[row - 1];
    const uint32_t id = keys_.intern(std::string_view(key_bytes_).substr(begin, key_ends_[row] - begin));
    if (id == first_of_key_.size()) {
      first_of_key_.push_back(place);
      last_of_key_.push_back(place);
    } else {
      next_of_row_[last_of_key_[id]] = place;
      last_of_key_[id] = place;
    }
  }
  rows_.rows += taken.rows;
  size_t row_bytes = 2 * sizeof(uint32_t);
  for (size_t column = 0; column < rows_.columns.size(); ++column) {
    if (needed_[left_columns_ + column])
      row_bytes += 1 + (rows_.columns[column].type == ColumnType::kVarchar ? sizeof(std::string_view) : 8);
  }
  memory_.add(text_bytes + taken.rows * row_bytes + keys_.bytes() - key_bytes_before);
  return memory_.check(fmt::format("the rows of {}", join_.source->name));
}

void JoinStage::find_partners() {
  key_rows(from_.columns, true);
  std::vector<std::string_view> keys;
  keys.reserve(from_.columns.rows);
  for (size_t row = 0; row < from_.columns.rows; ++row) {
    const size_t begin = row == 0 ? 0 : key_ends_[row - 1];
    keys.push_back(std::string_view(key_bytes_).substr(begin, key_ends_[row] - begin));
  }
  partners_.resize(keys.size());
  keys_.find(keys, partners_.data());
  for (size_t row = 0; row < keys.size(); ++row) {
    const bool is_found = has_key_[row] != 0 && partners_[row] != KeyInterner::kUnknown;
    partners_[row] = is_found ? first_of_key_[partners_[row]] : kNone;
  }
}

Result<bool> JoinStage::pair(RowBatch& batch) {
  pairs_left_.clear();
  pairs_right_.clear();
  if (!is_left_done_ && row_ == from_.columns.rows) {
    ASSIGN_OR_RETURN(const bool has_more, left_->next(from_));
    row_ = 0;
    is_left_done_ = !has_more;
    if (has_more && from_.columns.rows > 0) find_partners();
    if (is_left_done_) from_.columns.rows = 0;
  }
  while (row_ < from_.columns.rows && pairs_left_.size() < kMostPairs) {
    if (!is_within_row_) {
      partner_ = partners_[row_];
      is_within_row_ = true;
      if (partner_ == kNone && join_.keeps_left) {
        pairs_left_.push_back(static_cast<uint32_t>(row_));
        pairs_right_.push_back(kNone);
      }
    }
    for (; partner_ != kNone && pairs_left_.size() < kMostPairs; partner_ = next_of_row_[partner_]) {
      pairs_left_.push_back(static_cast<uint32_t>(row_));
      pairs_right_.push_back(partner_);
      is_matched_[partner_] = 1;
    }
    if (partner_ != kNone) break;
    is_within_row_ = false;
    ++row_;
  }
  if (is_left_done_) {
    if (join_.keeps_right) add_unmatched();
    if (pairs_right_.empty()) return false;
  }
  give(batch);
  return true;
}

void JoinStage::add_unmatched() {
  for (; unmatched_ < rows_.rows && pairs_right_.size() < kMostPairs; ++unmatched_) {
    if (is_matched_[unmatched_] != 0) continue;
    pairs_left_.push_back(kNone);
    pairs_right_.push_back(static_cast<uint32_t>(unmatched_));
  }
}

void JoinStage::give(RowBatch& batch) {
  ColumnBatch& out = batch.columns;
  out.rows = pairs_left_.size();
  out.columns.resize(schema_.size());
  for (size_t column = 0; column < schema_.size(); ++column) {
    make_empty(out.columns[column], schema_[column].type);
    if (!needed_[column]) continue;
    const bool is_left = column < left_columns_;
    // Without rows a side has no columns yet.
    const bool is_there = is_left ? from_.columns.rows > 0 : true;
    const Column none;
    const Column& from = !is_left   ? rows_.columns[column - left_columns_]
                         : is_there ? from_.columns.columns[column]
                                    : none;
    for (const uint32_t row : is_left ? pairs_left_ : pairs_right_)
      append_value(from, row, row != kNone, out.columns[column]);
  }
}

}  // namespace meterstream
