#include "stream/stream_join.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kPairsOfABatch = 2048;

const StreamJoinSpec::Side& side_of(const StreamJoinSpec& spec, size_t side) {
  return side == StreamJoin::kLeft ? spec.left : spec.right;
}

JoinBuffer make_buffer(const StreamJoinSpec::Side& side, const std::vector<bool>& needed) {
  return {side.stream->columns, needed, side.keeps_unmatched};
}

/// A key as the text that records have; `scratch` holds it.
std::string_view key_text(const Column& keys, uint32_t row, std::string& scratch) {
  if (keys.type == ColumnType::kVarchar) return keys.strings[row];
  scratch.clear();
  if (keys.type == ColumnType::kBoolean) {
    scratch = keys.integers[row] != 0 ? "true" : "false";
  } else if (keys.type == ColumnType::kTimestamp) {
    append_timestamp(scratch, EventTime(keys.integers[row]));
  } else {
    append_json_number(scratch, keys.integers[row]);
  }
  return scratch;
}

std::string prefix_of(std::string_view prefix, size_t side) {
  return fmt::format("{}{}", prefix, side);
}

}  // namespace

std::vector<bool> StreamJoin::needed_columns(const ViewSpec& view, Side side) {
  const size_t left = view.join->left.stream->columns.size();
  const size_t first = side == kLeft ? 0 : left;
  std::vector<bool> needed(side_of(*view.join, side).stream->columns.size());
  for (const size_t column : view.columns_read()) {
    if (column >= first && column - first < needed.size()) needed[column - first] = true;
  }
  return needed;
}

StreamJoin::StreamJoin(const ViewSpec& view, Give give)
    : spec_(*view.join),
      give_(std::move(give)),
      needed_{needed_columns(view, kLeft), needed_columns(view, kRight)},
      buffers_{make_buffer(spec_.left, needed_[kLeft]), make_buffer(spec_.right, needed_[kRight])} {}

Status StreamJoin::add(Side side, DecodedBatch& batch, PartitionId partition, Counts& counts) {
  const StreamJoinSpec::Side& own = side_of(spec_, side);
  const Column keys = evaluate(*own.key, batch.columns, counts.faults);
  std::string scratch;
  for (const uint32_t row : batch.selection) {
    const int64_t watermark_ms = batch.watermark_after_ms[row];
    if (watermark_ms > watermark_ms_) RETURN_IF_ERROR(advance(watermark_ms));
    const int64_t time_ms = batch.event_times_ms[row];
    if (time_ms + spec_.grace_ms < watermark_ms_) {
      counts.late.push_back(row);
      continue;
    }
    const bool has_key = !keys.is_null(row);
    if (!has_key && !own.keeps_unmatched) {
      ++counts.without_key;
      continue;
    }
    ++counts.taken;
    const JoinBuffer::Origin origin{time_ms, batch.ingest_times_ms[row], batch.record_of(row).offset.value,
                                    partition.value};
    std::optional<std::string_view> key;
    if (has_key) key = key_text(keys, row, scratch);
    const uint32_t slot = buffers_[side].add(origin, key, batch.columns, row);
    close_trigger_ms_ =
        std::min(close_trigger_ms_, time_ms + (side == kLeft ? spec_.after_ms : spec_.before_ms) + spec_.grace_ms);
    if (has_key) find_partners(side, slot, *key);
    if (pairs_.size() >= kPairsOfABatch) RETURN_IF_ERROR(give_pairs());
  }
  return flush();
}

void StreamJoin::find_partners(Side side, uint32_t slot, std::string_view key) {
  const int64_t time_ms = buffers_[side].origin(slot).time_ms;
  JoinBuffer& others = buffers_[1 - side];
  const int64_t earlier_ms = side == kLeft ? spec_.before_ms : spec_.after_ms;
  const int64_t later_ms = side == kLeft ? spec_.after_ms : spec_.before_ms;
  for (const JoinBuffer::Place& place : others.find(key, time_ms - earlier_ms, time_ms + later_ms)) {
    Pair pair{};
    pair[side] = slot;
    pair[1 - side] = place.slot;
    pairs_.push_back(pair);
    others.set_matched(place.slot);
    buffers_[side].set_matched(slot);
  }
}

Status StreamJoin::add_unmatched(Side side, uint32_t slot) {
  Pair pair{};
  pair[side] = slot;
  pair[1 - side] = JoinBuffer::kNone;
  pairs_.push_back(pair);
  return pairs_.size() >= kPairsOfABatch ? give_pairs() : Status();
}

// A row goes when the rows that may still come, those at most the grace behind the watermark, are out of its reach.
Status StreamJoin::advance(int64_t watermark_ms) {
  watermark_ms_ = std::max(watermark_ms_, watermark_ms);
  if (watermark_ms_ <= close_trigger_ms_) return {};
  close_trigger_ms_ = INT64_MAX;
  for (const Side side : {kLeft, kRight}) {
    const int64_t reach_ms = (side == kLeft ? spec_.after_ms : spec_.before_ms) + spec_.grace_ms;
    JoinBuffer& buffer = buffers_[side];
    while (true) {
      const uint32_t slot = buffer.pop_before(watermark_ms_ - reach_ms);
      if (slot == JoinBuffer::kNone) break;
      if (!side_of(spec_, side).keeps_unmatched || buffer.is_matched(slot)) continue;
      RETURN_IF_ERROR(add_unmatched(side, slot));
    }
    if (buffer.rows() > 0) close_trigger_ms_ = std::min(close_trigger_ms_, buffer.earliest_ms() + reach_ms);
  }
  return flush();
}

Status StreamJoin::close_all() {
  for (const Side side : {kLeft, kRight}) {
    if (!side_of(spec_, side).keeps_unmatched) continue;
    for (const uint32_t slot : buffers_[side].pop_unmatched()) RETURN_IF_ERROR(add_unmatched(side, slot));
  }
  return flush();
}

Status StreamJoin::flush() {
  RETURN_IF_ERROR(give_pairs());
  for (JoinBuffer& buffer : buffers_) buffer.release();
  return {};
}

Status StreamJoin::give_pairs() {
  if (pairs_.empty()) return {};
  const size_t rows = pairs_.size();
  joined_.columns.rows = rows;
  joined_.columns.columns.clear();
  fill_columns(kLeft);
  fill_columns(kRight);
  fill_records();
  joined_.watermark_after_ms.assign(rows, watermark_ms_);
  RETURN_IF_ERROR(give_(joined_));
  pairs_.clear();
  joined_.columns.arena.clear();
  return {};
}

void StreamJoin::fill_columns(Side side) {
  const std::vector<ColumnSchema>& columns = side_of(spec_, side).stream->columns;
  const size_t rows = pairs_.size();
  for (size_t index = 0; index < columns.size(); ++index) {
    Column column;
    column.type = columns[index].type;
    if (needed_[side][index]) {
      column = null_column(column.type, rows);
      size_t found = 0;
      for (size_t row = 0; row < rows; ++row) {
        const uint32_t slot = pairs_[row][side];
        if (slot == JoinBuffer::kNone || !buffers_[side].copy(slot, index, column, row)) continue;
        column.validity[row] = 1;
        ++found;
      }
      if (found == rows) column.validity.clear();
    }
    joined_.columns.columns.push_back(std::move(column));
  }
}

void StreamJoin::fill_records() {
  const size_t rows = pairs_.size();
  records_.clear();
  joined_.event_times_ms.clear();
  joined_.ingest_times_ms.clear();
  for (const Pair& pair : pairs_) {
    RecordView record;
    record.value = "";
    int64_t time_ms = INT64_MIN;
    for (const Side side : {kLeft, kRight}) {
      if (pair[side] == JoinBuffer::kNone) continue;
      const JoinBuffer::Origin& origin = buffers_[side].origin(pair[side]);
      record.key = buffers_[side].key(pair[side]);
      record.ingest_time = IngestTime(std::max(record.ingest_time.value, origin.ingest_ms));
      time_ms = std::max(time_ms, origin.time_ms);
    }
    records_.push_back(record);
    joined_.event_times_ms.push_back(time_ms);
    joined_.ingest_times_ms.push_back(record.ingest_time.value);
  }
  joined_.records = records_;
  joined_.columns.record_index.resize(rows);
  std::iota(joined_.columns.record_index.begin(), joined_.columns.record_index.end(), 0U);
  joined_.selection = joined_.columns.record_index;
}

std::string StreamJoin::id_of(uint32_t row) const {
  std::string id;
  for (const Side side : {kLeft, kRight}) {
    const uint32_t slot = pairs_[row][side];
    if (side == kRight) id += '|';
    if (slot == JoinBuffer::kNone) {
      id += "-|-";
      continue;
    }
    const JoinBuffer::Origin& origin = buffers_[side].origin(slot);
    id += fmt::format("{}|{}", origin.partition, origin.offset);
  }
  return id;
}

void StreamJoin::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (const Side side : {kLeft, kRight}) buffers_[side].save_changes(prefix_of(prefix, side), batch);
}

Status StreamJoin::load_changes(std::string_view prefix, const KeyValueStore& store) {
  for (const Side side : {kLeft, kRight}) {
    RETURN_IF_ERROR(buffers_[side].load(prefix_of(prefix, side), store));
    if (buffers_[side].rows() == 0) continue;
    const int64_t reach_ms = (side == kLeft ? spec_.after_ms : spec_.before_ms) + spec_.grace_ms;
    close_trigger_ms_ = std::min(close_trigger_ms_, buffers_[side].earliest_ms() + reach_ms);
  }
  return {};
}

}  // namespace meterstream
