#include "server/materialized_table.h"

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "server/row_evaluation.h"
#include "stream/reading_decoder.h"
#include "stream/record_headers.h"

namespace meterstream {
namespace {

constexpr size_t kChunkRows = 1024;
constexpr size_t kReadBytes = size_t{1} << 20;
/// So that a query waits a short time for a change.
constexpr size_t kRecordsOfOneLock = 256;
constexpr int64_t kAwaitMs = 100;
constexpr auto kRefreshEvery = std::chrono::milliseconds(10);

std::vector<bool> all_columns(const QuerySource& source) {
  return std::vector<bool>(source.columns.size(), true);
}

}  // namespace

struct MaterializedTable::Chunk {
  /// kChunkRows entries each; texts of a column are views of its `texts`.
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> texts;
  std::vector<uint8_t> is_live = std::vector<uint8_t>(kChunkRows);

  explicit Chunk(const std::vector<ColumnSchema>& schema) : texts(schema.size()) {
    for (size_t index = 0; index < schema.size(); ++index) {
      columns.push_back(null_column(schema[index].type, kChunkRows));
      columns.back().validity.assign(kChunkRows, 0);
      if (schema[index].type == ColumnType::kVarchar) texts[index].resize(kChunkRows);
    }
  }

  void fill(size_t slot, const std::vector<Column>& from, uint32_t row) {
    for (size_t index = 0; index < columns.size(); ++index) {
      Column& column = columns[index];
      const bool is_null = from[index].is_null(row);
      column.validity[slot] = is_null ? 0 : 1;
      if (column.type == ColumnType::kVarchar) {
        texts[index][slot].assign(is_null ? std::string_view() : from[index].strings[row]);
        column.strings[slot] = texts[index][slot];
      } else if (column.type == ColumnType::kDouble) {
        column.doubles[slot] = is_null ? 0 : from[index].doubles[row];
      } else {
        column.integers[slot] = is_null ? 0 : from[index].integers[row];
      }
    }
  }
};

MaterializedTable::MaterializedTable(std::shared_ptr<const QuerySource> source, EventLog& log, EventLog& follower,
                                     SchemaStore& schemas, size_t most_rows)
    : source_(std::move(source)),
      log_(log),
      follower_(follower),
      most_rows_(most_rows),
      decoder_(make_record_decoder(source_->format, schemas, decode_request(*source_, all_columns(*source_)))) {}

MaterializedTable::~MaterializedTable() = default;

Status MaterializedTable::open() {
  if (!next_.empty()) return {};
  ASSIGN_OR_RETURN(const TopicDescription topic, log_.describe_topic(source_->topic));
  std::vector<Offset> begin;
  for (int32_t partition = 0; partition < topic.config.partitions; ++partition) {
    ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets({source_->topic, PartitionId(partition)}));
    begin.push_back(range.begin);
  }
  next_ = std::move(begin);
  return {};
}

Status MaterializedTable::load() {
  const std::scoped_lock lock(reader_mutex_);
  if (loaded_) return {};
  RETURN_IF_ERROR(open());
  RETURN_IF_ERROR(read_to_end());
  loaded_ = true;
  return {};
}

Status MaterializedTable::catch_up() {
  const std::scoped_lock lock(reader_mutex_);
  return loaded_ ? read_to_end() : Status();
}

Status MaterializedTable::read_to_end() {
  for (size_t partition = 0; partition < next_.size(); ++partition) {
    const TopicPartition source{source_->topic, PartitionId(static_cast<int32_t>(partition))};
    ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets(source));
    while (next_[partition] < range.end) {
      const Offset before = next_[partition];
      RETURN_IF_ERROR(read_on(log_, partition));
      if (next_[partition] > before) continue;
      ASSIGN_OR_RETURN(const bool has_data, log_.await_data(source, before, kAwaitMs));
      static_cast<void>(has_data);
    }
  }
  return {};
}

Status MaterializedTable::refresh() {
  const std::scoped_lock lock(reader_mutex_);
  if (!loaded_) return {};
  for (size_t partition = 0; partition < next_.size(); ++partition) {
    Offset before;
    do {
      before = next_[partition];
      RETURN_IF_ERROR(read_on(follower_, partition));
    } while (next_[partition] > before);
  }
  return {};
}

Status MaterializedTable::read_on(EventLog& log, size_t partition) {
  const TopicPartition source{source_->topic, PartitionId(static_cast<int32_t>(partition))};
  RETURN_IF_ERROR(log.read(source, next_[partition], kReadBytes, records_));
  RETURN_IF_ERROR(decoder_->decode(records_.records, batch_));
  add_keys(*source_, records_.records, batch_);
  if (used_rows_ + records_.records.size() > most_rows_ + free_rows_.size()) {
    return unavailable(fmt::format(
        "table {} has more than {} rows, too many for pull queries; make one of fewer groups or larger windows",
        source_->name, most_rows_));
  }
  uint32_t row = 0;
  for (size_t begin = 0; begin < records_.records.size(); begin += kRecordsOfOneLock)
    apply(begin, std::min(records_.records.size(), begin + kRecordsOfOneLock), row);
  next_[partition] = std::max(next_[partition], records_.next);
  return {};
}

// In the order of the records: a row, a deletion or a record that is left out.
void MaterializedTable::apply(size_t begin, size_t end, uint32_t& row) {
  const std::scoped_lock turn(turn_);
  const std::unique_lock lock(mutex_);
  for (size_t index = begin; index < end; ++index) {
    const RecordView& record = records_.records[index];
    const bool has_row = row < batch_.rows && batch_.record_index[row] == index;
    if (!record.has_key() || (!has_row && !record.is_tombstone())) {
      ++faults_;
    } else if (has_row) {
      put(record.key, row);
    } else if (const auto window_ms = window_of_headers(record.headers); window_ms && source_->window_start) {
      erase(record.key, *window_ms);
    } else {
      erase(record.key);
    }
    if (has_row) ++row;
  }
}

void MaterializedTable::put(std::string_view key, uint32_t row) {
  int64_t window_ms = 0;
  if (source_->window_start) {
    const Column& starts = batch_.columns[*source_->window_start];
    window_ms = starts.is_null(row) ? INT64_MIN : starts.integers[row];
  }
  auto own = keys_.find(key);
  if (own == keys_.end()) {
    own = keys_.try_emplace(std::string(key)).first;
    if (sorted_keys_) sorted_keys_->insert(own->first);
  }
  std::vector<RowPlace>& places = own->second;
  auto place = places.end();
  // Windows mostly come in their order.
  if (!places.empty() && places.back().window_ms >= window_ms)
    place = std::ranges::lower_bound(places, window_ms, {}, &RowPlace::window_ms);
  if (place == places.end() || place->window_ms != window_ms) place = places.insert(place, {window_ms, new_row()});
  chunks_[place->row / kChunkRows]->fill(place->row % kChunkRows, batch_.columns, row);
}

void MaterializedTable::erase(std::string_view key) {
  const auto own = keys_.find(key);
  if (own == keys_.end()) return;
  for (const RowPlace& place : own->second) {
    chunks_[place.row / kChunkRows]->is_live[place.row % kChunkRows] = 0;
    free_rows_.push_back(place.row);
  }
  if (sorted_keys_) sorted_keys_->erase(own->first);
  keys_.erase(own);
}

void MaterializedTable::erase(std::string_view key, int64_t window_ms) {
  const auto own = keys_.find(key);
  if (own == keys_.end()) return;
  std::vector<RowPlace>& places = own->second;
  const auto place = std::ranges::lower_bound(places, window_ms, {}, &RowPlace::window_ms);
  if (place == places.end() || place->window_ms != window_ms) return;
  chunks_[place->row / kChunkRows]->is_live[place->row % kChunkRows] = 0;
  free_rows_.push_back(place->row);
  places.erase(place);
  if (!places.empty()) return;
  if (sorted_keys_) sorted_keys_->erase(own->first);
  keys_.erase(own);
}

uint32_t MaterializedTable::new_row() {
  uint32_t row = used_rows_;
  if (!free_rows_.empty()) {
    row = free_rows_.back();
    free_rows_.pop_back();
  } else if (used_rows_++ % kChunkRows == 0) {
    chunks_.push_back(std::make_unique<Chunk>(source_->columns));
  }
  chunks_[row / kChunkRows]->is_live[row % kChunkRows] = 1;
  return row;
}

size_t MaterializedTable::rows() const {
  const std::scoped_lock turn(turn_);
  const std::shared_lock lock(mutex_);
  return used_rows_ - free_rows_.size();
}

void MaterializedTable::sort_keys() const {
  const std::scoped_lock turn(turn_);
  const std::unique_lock lock(mutex_);
  if (sorted_keys_) return;
  std::vector<std::string_view> keys;
  keys.reserve(keys_.size());
  for (const auto& [key, places] : keys_) keys.push_back(key);
  std::ranges::sort(keys);
  sorted_keys_.emplace(keys.begin(), keys.end());
}

bool MaterializedTable::read(const BoundQuery& query, Cursor& cursor, std::vector<QueryRow>& rows) const {
  if (!query.places.key_ranges.empty()) sort_keys();
  std::unique_lock turn(turn_);
  const std::shared_lock lock(mutex_);
  turn.unlock();
  ColumnBatch batch;
  const bool has_more = read_part(query, cursor, batch);
  append_rows(query, batch, rows);
  return has_more;
}

bool MaterializedTable::read(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const {
  if (!query.places.key_ranges.empty()) sort_keys();
  std::unique_lock turn(turn_);
  const std::shared_lock lock(mutex_);
  turn.unlock();
  const bool has_more = read_part(query, cursor, batch);
  for (Column& column : batch.columns) {
    size_t bytes = 0;
    for (const std::string_view text : column.strings) bytes += text.size();
    if (column.strings.empty()) continue;
    std::string& own = batch.arena.emplace_back();
    own.reserve(bytes);
    for (std::string_view& text : column.strings) {
      const size_t begin = own.size();
      own.append(text);
      text = std::string_view(own.data() + begin, text.size());
    }
  }
  return has_more;
}

bool MaterializedTable::read_part(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const {
  if (query.places.keys) return read_keys(query, cursor, batch);
  return query.places.key_ranges.empty() ? read_chunk(query, cursor, batch) : read_ranges(query, cursor, batch);
}

void MaterializedTable::add_rows(const BoundQuery& query, const std::vector<RowPlace>& places,
                                 std::vector<uint32_t>& rows) const {
  if (!source_->window_start) {
    rows.push_back(places.front().row);
    return;
  }
  auto place = std::ranges::lower_bound(places, query.places.first_window_ms, {}, &RowPlace::window_ms);
  for (; place != places.end() && place->window_ms <= query.places.last_window_ms; ++place) rows.push_back(place->row);
}

bool MaterializedTable::read_keys(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const {
  std::vector<uint32_t> rows;
  for (; cursor.key < query.places.keys->size() && rows.size() < kChunkRows; ++cursor.key) {
    const auto own = keys_.find(std::string_view((*query.places.keys)[cursor.key]));
    if (own != keys_.end()) add_rows(query, own->second, rows);
  }
  gather(query, rows, batch);
  return cursor.key < query.places.keys->size();
}

// Between two calls keys come and go: the next one is found anew.
bool MaterializedTable::read_ranges(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const {
  std::vector<uint32_t> rows;
  size_t keys = 0;
  while (cursor.range < query.places.key_ranges.size()) {
    const KeyRange& range = query.places.key_ranges[cursor.range];
    auto key = sorted_keys_->lower_bound(cursor.next_key ? *cursor.next_key : range.from);
    while (key != sorted_keys_->end() && (!range.to || *key < *range.to) && rows.size() < kChunkRows &&
           keys < kChunkRows) {
      add_rows(query, keys_.find(*key)->second, rows);
      ++key;
      ++keys;
    }
    if (key != sorted_keys_->end() && (!range.to || *key < *range.to)) {
      cursor.next_key = std::string(*key);
      break;
    }
    ++cursor.range;
    cursor.next_key.reset();
  }
  gather(query, rows, batch);
  return cursor.range < query.places.key_ranges.size();
}

bool MaterializedTable::read_chunk(const BoundQuery& query, Cursor& cursor, ColumnBatch& batch) const {
  if (cursor.chunk >= chunks_.size()) return false;
  const Chunk& chunk = *chunks_[cursor.chunk];
  std::vector<uint32_t> rows;
  for (uint32_t slot = 0; slot < kChunkRows; ++slot) {
    if (chunk.is_live[slot] != 0) rows.push_back(static_cast<uint32_t>(cursor.chunk * kChunkRows) + slot);
  }
  gather(query, rows, batch);
  return ++cursor.chunk < chunks_.size();
}

void MaterializedTable::gather(const BoundQuery& query, const std::vector<uint32_t>& rows, ColumnBatch& batch) const {
  batch.rows = rows.size();
  batch.columns.resize(source_->columns.size());
  for (size_t index = 0; index < batch.columns.size(); ++index) {
    Column& column = batch.columns[index];
    column.type = source_->columns[index].type;
    if (!query.needed[index]) continue;
    bool has_null = false;
    for (const uint32_t row : rows) {
      const Column& from = chunks_[row / kChunkRows]->columns[index];
      const size_t slot = row % kChunkRows;
      column.validity.push_back(from.validity[slot]);
      has_null |= from.validity[slot] == 0;
      if (column.type == ColumnType::kVarchar) {
        column.strings.push_back(from.strings[slot]);
      } else if (column.type == ColumnType::kDouble) {
        column.doubles.push_back(from.doubles[slot]);
      } else {
        column.integers.push_back(from.integers[slot]);
      }
    }
    if (!has_null) column.validity.clear();
  }
}

/// Looks for news of all tables, again and again.
class MaterializedTables::Follower {
 public:
  explicit Follower(MaterializedTables& tables) : tables_(tables), thread_([this] { run(); }) {}
  ~Follower() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kRefreshEvery, [this] { return stopping_; })) {
      std::vector<std::shared_ptr<MaterializedTable>> tables;
      {
        const std::scoped_lock own(tables_.mutex_);
        for (const auto& [name, table] : tables_.tables_) tables.push_back(table);
      }
      lock.unlock();
      // What fails now is read the next time; queries that must see it ask themselves.
      for (const auto& table : tables) {
        // One that is being loaded would hold the others up.
        if (table->is_loaded()) static_cast<void>(table->refresh());
      }
      lock.lock();
    }
  }

  MaterializedTables& tables_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

MaterializedTables::MaterializedTables(EventLog& log, EventLog& follower, SchemaStore& schemas, size_t most_rows)
    : log_(log), follower_log_(follower), schemas_(schemas), most_rows_(most_rows) {}

MaterializedTables::~MaterializedTables() {
  follower_.reset();
}

Result<std::shared_ptr<MaterializedTable>> MaterializedTables::get(const std::shared_ptr<const QuerySource>& source) {
  std::shared_ptr<MaterializedTable> table;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<MaterializedTable>& own = tables_[source->name];
    if (own == nullptr || own->source() != source)
      own = std::make_shared<MaterializedTable>(source, log_, follower_log_, schemas_, most_rows_);
    table = own;
    if (follower_ == nullptr) follower_ = std::make_unique<Follower>(*this);
  }
  RETURN_IF_ERROR(table->load());
  return table;
}

std::shared_ptr<MaterializedTable> MaterializedTables::find(const std::shared_ptr<const QuerySource>& source) {
  const std::scoped_lock lock(mutex_);
  const auto own = tables_.find(source->name);
  const bool is_same = own != tables_.end() && own->second->source() == source && own->second->is_loaded();
  return is_same ? own->second : nullptr;
}

Status MaterializedTables::catch_up(std::string_view topic) {
  std::vector<std::shared_ptr<MaterializedTable>> tables;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, table] : tables_) {
      if (table->source()->topic == topic) tables.push_back(table);
    }
  }
  for (const auto& table : tables) RETURN_IF_ERROR(table->catch_up());
  return {};
}

void MaterializedTables::drop(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  tables_.erase(name);
}

}  // namespace meterstream
