#include "metering/avro_decoder.h"

#include <unordered_map>

#include <emmintrin.h>
#include <fmt/format.h>

#include "base/bytes.h"
#include "metering/avro_plan.h"
#include "metering/avro_row_decoder.h"
#include "metering/row_writer.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

constexpr size_t kHeaderBytes = 5;
constexpr uint64_t kHeaderMask = 0xff'ffff'ffff;

// The wire format's header as the low 5 bytes of a little-endian word.
uint64_t header_word(int32_t id) {
  return uint64_t{__builtin_bswap32(static_cast<uint32_t>(id))} << 8;
}

bool is_finite(double number) {
  return (std::bit_cast<uint64_t>(number) & 0x7ff0'0000'0000'0000) != 0x7ff0'0000'0000'0000;
}

// Reads up to 15 bytes beyond `end`.
bool is_ascii(const char* begin, const char* end) {
  for (; end - begin > 16; begin += 16) {
    if (_mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(begin))) != 0) return false;
  }
  const auto odd = static_cast<uint32_t>(_mm_movemask_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(begin))));
  return (odd & ((1U << (end - begin)) - 1)) == 0;
}

/// Where the tight loop writes; null for what nobody needs.
struct MetricTarget {
  const AvroMetricShape* shape = nullptr;
  uint64_t header = 0;
  bool has_key = false;
  std::vector<std::string_view*> strings;
  std::vector<double*> doubles;
  int64_t* timestamps = nullptr;
  std::string_view* group_keys = nullptr;
  uint32_t* record_index = nullptr;
};

/// Decodes records from `first` on until one that needs the general path; returns its index. `kStrings` 0: any count.
template <uint32_t kStrings, bool kWritesStrings>
size_t decode_metrics(const MetricTarget& target, std::span<const RecordView> records, size_t first, size_t& row) {
  const AvroMetricShape& shape = *target.shape;
  const uint32_t strings = kStrings != 0 ? kStrings : shape.strings;
  const uint32_t doubles = shape.doubles;
  const uint32_t key_begin = shape.key_begin;
  const uint32_t key_end = shape.key_end;
  const auto tail_bytes = static_cast<ptrdiff_t>(doubles * sizeof(double));
  constexpr ptrdiff_t kLeastTimeBytes = 21;
  const ptrdiff_t least_rest = tail_bytes + kLeastTimeBytes;
  double* const first_doubles = target.doubles[0];
  MinuteTimestampParser times;
  size_t out = row;
  size_t index = first;
  for (; index < records.size(); ++index) {
    const std::string_view value = records[index].value;
    const char* position = value.data();
    const char* const end = position + value.size();
    if (static_cast<ptrdiff_t>(value.size()) < static_cast<ptrdiff_t>(kHeaderBytes) + least_rest) break;
    if ((load_little_endian<uint64_t>(position) & kHeaderMask) != target.header) break;
    position += kHeaderBytes;
    const char* const strings_begin = position;
    const char* key_first = position;
    const char* key_last = position;
    bool is_odd = false;
    for (uint32_t i = 0; i < strings; ++i) {
      if (i == key_begin) key_first = position;
      const auto length = static_cast<uint8_t>(*position);
      const char* const next = position + 1 + (length >> 1);
      // Long, negative or cut off.
      is_odd = (length & 0x81) != 0 || end - next < least_rest;
      if (is_odd) [[unlikely]]
        break;
      if constexpr (kWritesStrings) {
        if (target.strings[i] != nullptr) target.strings[i][out] = std::string_view(position + 1, length >> 1);
      }
      position = next;
      if (i + 1 == key_end) key_last = position;
    }
    if (is_odd || !is_ascii(strings_begin, position)) [[unlikely]]
      break;
    const auto time_length = static_cast<uint8_t>(*position);
    if (end - position - 1 - (time_length >> 1) != tail_bytes) [[unlikely]]
      break;
    int64_t time_ms = 0;
    const bool is_time = times.parse(std::string_view(position + 1, time_length >> 1), time_ms);
    if (!is_time || (time_length & 1) != 0) [[unlikely]]
      break;
    position += 1 + (time_length >> 1);
    const auto number = load_little_endian<double>(position);
    bool is_good = is_finite(number);
    if (first_doubles != nullptr) first_doubles[out] = number;
    for (uint32_t i = 1; i < doubles; ++i) {
      const auto other = load_little_endian<double>(position + i * sizeof(double));
      if (target.doubles[i] == nullptr) continue;
      is_good &= is_finite(other);
      target.doubles[i][out] = other;
    }
    if (!is_good) [[unlikely]]
      break;
    if (target.timestamps != nullptr) target.timestamps[out] = time_ms;
    if (target.has_key) target.group_keys[out] = std::string_view(key_first, static_cast<size_t>(key_last - key_first));
    target.record_index[out] = static_cast<uint32_t>(index);
    ++out;
  }
  row = out;
  return index;
}

}  // namespace

class AvroRecordDecoder::Implementation {
 public:
  Implementation(SchemaStore& schemas, DecodeRequest request, std::optional<AvroSchema> reader)
      : schemas_(schemas), request_(std::move(request)), reader_(std::move(reader)) {
    check_request(request_);
  }

  [[nodiscard]] const std::vector<ColumnSchema>& columns() const { return request_.columns; }

  Status decode(std::span<const RecordView> records, ColumnBatch& batch) {
    RowWriter writer(request_, batch);
    writer.begin(records.size());
    // An unknown id may be registered before the next batch.
    std::erase_if(plans_, [](const auto& entry) { return !entry.second.is_final; });
    current_ = nullptr;
    AvroRowDecoder general(writer);
    size_t row = 0;
    size_t index = 0;
    while (index < records.size()) {
      const RecordView& record = records[index];
      const auto plan = find_plan(record, batch);
      if (!plan) {
        writer.finish(0);
        return plan.error();
      }
      if (*plan != nullptr && (*plan)->metric_shape) {
        const size_t next = decode_run(records, index, row);
        if (next != index) {
          index = next;
          continue;
        }
      }
      writer.start_row(row);
      if (*plan != nullptr && general.decode(**plan, record.value.substr(kHeaderBytes))) {
        batch.record_index[row++] = static_cast<uint32_t>(index);
      } else {
        batch.rejected.push_back({static_cast<uint32_t>(index), *plan != nullptr ? general.reason() : fault_});
      }
      ++index;
    }
    writer.finish(row);
    return {};
  }

 private:
  struct Entry {
    std::optional<AvroPlan> plan;
    /// Why every record of this schema is rejected, when there is no plan.
    std::string rejection;
    /// False when the schema was not known; asked again for the next batch.
    bool is_final = true;
  };

  /// The plan for a record; null, and fault_ says why, when the record must be rejected.
  Result<const AvroPlan*> find_plan(const RecordView& record, ColumnBatch& batch) {
    if (record.is_tombstone()) return refuse("tombstone");
    if (record.value.size() < kHeaderBytes)
      return refuse(fmt::format("truncated: {} bytes, and the header alone has {}", record.value.size(), kHeaderBytes));
    if (record.value[0] != 0)
      return refuse(fmt::format("bad magic byte 0x{:02x}; the Confluent wire format starts with 0x00",
                                static_cast<uint8_t>(record.value[0])));
    const auto id = static_cast<int32_t>(load_big_endian32(record.value.data() + 1));
    if (current_ == nullptr || id != current_id_) {
      auto found = plans_.find(id);
      if (found == plans_.end()) {
        auto made = make_entry(id);
        if (!made) return made.error().within(fmt::format("offset {}", record.offset));
        Entry entry = *std::move(made);
        found = plans_.emplace(id, std::move(entry)).first;
      }
      current_ = &found->second;
      current_id_ = id;
      aim(batch);
    }
    if (!current_->plan) return refuse(current_->rejection);
    return &*current_->plan;
  }

  const AvroPlan* refuse(std::string fault) {
    fault_ = std::move(fault);
    return nullptr;
  }

  Result<Entry> make_entry(int32_t id) {
    Entry entry;
    auto schema = schemas_.schema(SchemaId(id));
    if (!schema) {
      const ErrorCode code = schema.error().code;
      if (code != ErrorCode::kNotFound && code != ErrorCode::kInvalid)
        return schema.error().within(fmt::format("schema {}", id));
      const bool is_unknown = code == ErrorCode::kNotFound;
      entry.rejection = is_unknown ? fmt::format("unknown schema id {}", id)
                                   : fmt::format("schema {}: {}", id, schema.error().message);
      entry.is_final = !is_unknown;
      return entry;
    }
    auto plan = AvroPlan::compile(*schema, request_, reader_ ? &*reader_ : nullptr);
    if (plan) {
      entry.plan = *std::move(plan);
    } else {
      entry.rejection = fmt::format("schema {}: {}", id, plan.error().message);
    }
    return entry;
  }

  /// Points the tight loop at the batch's columns.
  void aim(ColumnBatch& batch) {
    if (!current_->plan || !current_->plan->metric_shape) return;
    const AvroMetricShape& shape = *current_->plan->metric_shape;
    target_ = {};
    target_.shape = &shape;
    target_.header = header_word(current_id_);
    target_.has_key = !request_.group_key.empty();
    writes_strings_ = false;
    const auto is_needed = [&](uint32_t column) { return column != AvroStep::kNoColumn && request_.needed[column]; };
    for (const uint32_t column : shape.string_columns) {
      target_.strings.push_back(is_needed(column) ? batch.columns[column].strings.data() : nullptr);
      writes_strings_ |= is_needed(column);
    }
    for (const uint32_t column : shape.double_columns)
      target_.doubles.push_back(is_needed(column) ? batch.columns[column].doubles.data() : nullptr);
    if (is_needed(shape.timestamp_column)) target_.timestamps = batch.columns[shape.timestamp_column].integers.data();
    target_.group_keys = batch.group_keys.data();
    target_.record_index = batch.record_index.data();
  }

  size_t decode_run(std::span<const RecordView> records, size_t first, size_t& row) const {
    const bool has_three = target_.shape->strings == 3;
    if (has_three && !writes_strings_) return decode_metrics<3, false>(target_, records, first, row);
    if (has_three) return decode_metrics<3, true>(target_, records, first, row);
    return decode_metrics<0, true>(target_, records, first, row);
  }

  SchemaStore& schemas_;
  DecodeRequest request_;
  std::optional<AvroSchema> reader_;
  std::unordered_map<int32_t, Entry> plans_;
  Entry* current_ = nullptr;
  int32_t current_id_ = 0;
  std::string fault_;
  MetricTarget target_;
  bool writes_strings_ = false;
};

AvroRecordDecoder::AvroRecordDecoder(SchemaStore& schemas, DecodeRequest request,
                                     std::optional<AvroSchema> reader_schema)
    : implementation_(std::make_unique<Implementation>(schemas, std::move(request), std::move(reader_schema))) {}

AvroRecordDecoder::~AvroRecordDecoder() = default;

const std::vector<ColumnSchema>& AvroRecordDecoder::schema() const {
  return implementation_->columns();
}

Status AvroRecordDecoder::decode(std::span<const RecordView> records, ColumnBatch& batch) {
  return implementation_->decode(records, batch);
}

}  // namespace meterstream
