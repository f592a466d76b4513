#include "metering/json_decoder.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/byte_arena.h"
#include "metering/row_writer.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

using JsonObject = simdjson::ondemand::object;
using JsonValue = simdjson::ondemand::value;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return x == y || std::tolower(x) == std::tolower(y); });
}

}  // namespace

class JsonRecordDecoder::Implementation {
 public:
  explicit Implementation(DecodeRequest request) : request_(std::move(request)) {
    check_request(request_);
    for (size_t i = 0; i < request_.columns.size(); ++i) {
      if (is_wanted(request_, i)) wanted_.push_back(i);
    }
    is_set_.resize(request_.columns.size());
  }

  [[nodiscard]] const std::vector<ColumnSchema>& columns() const { return request_.columns; }

  Status decode(std::span<const RecordView> records, ColumnBatch& batch) {
    const auto decode_one = [this](const RecordView& record, RowWriter& writer) {
      return decode_record(record, writer);
    };
    decode_records(request_, records, batch, decode_one, reason_);
    return {};
  }

 private:
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  bool fail(simdjson::error_code fault) {
    return fail(fmt::format("not valid JSON: {}", simdjson::error_message(fault)));
  }

  bool decode_record(const RecordView& record, RowWriter& writer) {
    if (record.is_tombstone()) return fail("tombstone");
    padded_.reserve(record.value.size() + simdjson::SIMDJSON_PADDING);
    padded_.assign(record.value);
    simdjson::ondemand::document document;
    if (const auto fault = parser_.iterate(padded_.data(), padded_.size(), padded_.capacity()).get(document))
      return fail(fault);
    JsonObject object;
    if (const auto fault = document.get_object().get(object))
      return fault == simdjson::INCORRECT_TYPE ? fail("the record is JSON but no object") : fail(fault);
    if (!decode_members(object, writer)) return false;
    if (!document.current_location().error()) return fail("not valid JSON: text after the object");
    if (!request_.group_key.empty()) writer.build_group_key();
    return true;
  }

  bool decode_members(JsonObject& object, RowWriter& writer) {
    std::fill(is_set_.begin(), is_set_.end(), uint8_t{0});
    size_t position = 0;
    for (auto member : object) {
      std::string_view name;
      if (const auto fault = member.unescaped_key().get(name)) return fail(fault);
      const size_t column = column_of(name, position++);
      if (column == kNoColumn || is_set_[column] != 0) continue;
      is_set_[column] = 1;
      JsonValue value;
      if (const auto fault = member.value().get(value)) return fail(fault);
      if (!decode_value(value, column, writer)) return false;
    }
    for (const size_t column : wanted_) {
      if (is_set_[column] == 0) writer.set_null(column);
    }
    return true;
  }

  /// Records of one writer have the same members in the same places, so the last record's answer is tried first.
  size_t column_of(std::string_view name, size_t position) {
    if (position < known_.size() && known_[position].name == name) return known_[position].column;
    const auto found = std::find_if(wanted_.begin(), wanted_.end(), [&](size_t column) {
      return equals_ignoring_case(request_.columns[column].name, name);
    });
    const size_t column = found == wanted_.end() ? kNoColumn : *found;
    constexpr size_t kMostKnown = 64;
    if (position < kMostKnown && name.size() <= kMostKnown) {
      if (known_.size() <= position) known_.resize(position + 1);
      known_[position] = {std::string(name), column};
    }
    return column;
  }

  bool decode_value(JsonValue& value, size_t column, RowWriter& writer) {
    bool is_null = false;
    if (const auto fault = value.is_null().get(is_null)) return fail(fault);
    if (is_null) {
      writer.set_null(column);
      return true;
    }
    switch (request_.columns[column].type) {
      case ColumnType::kBoolean: {
        bool flag = false;
        if (value.get_bool().get(flag)) return unlike(value, column, "true or false");
        writer.set_integer(column, flag ? 1 : 0);
        return true;
      }
      case ColumnType::kBigint: {
        int64_t number = 0;
        if (value.get_int64().get(number)) return unlike(value, column, "an integer of 64 bits");
        writer.set_integer(column, number);
        return true;
      }
      case ColumnType::kDouble: {
        double number = 0;
        if (value.get_double().get(number) || !std::isfinite(number)) return unlike(value, column, "a finite number");
        writer.set_double(column, number);
        return true;
      }
      case ColumnType::kTimestamp:
        return decode_timestamp(value, column, writer);
      case ColumnType::kVarchar: {
        std::string_view text;
        if (value.get_string().get(text) && !json_text(value, text)) return unlike(value, column, "a string");
        writer.set_text(column, ByteArena(writer.batch().arena).copy(text));
        return true;
      }
    }
    return false;
  }

  /// Of an array or object, where they are taken.
  bool json_text(JsonValue& value, std::string_view& text) const {
    if (!request_.takes_json_texts) return false;
    simdjson::ondemand::json_type type{};
    if (value.type().get(type)) return false;
    simdjson::ondemand::array array;
    simdjson::ondemand::object object;
    if (type == simdjson::ondemand::json_type::array)
      return !value.get_array().get(array) && !array.raw_json().get(text);
    if (type == simdjson::ondemand::json_type::object)
      return !value.get_object().get(object) && !object.raw_json().get(text);
    return false;
  }

  bool decode_timestamp(JsonValue& value, size_t column, RowWriter& writer) {
    int64_t number = 0;
    if (!value.get_int64().get(number)) {
      writer.set_integer(column, number);
      return true;
    }
    std::string_view text;
    if (value.get_string().get(text)) return unlike(value, column, "an ISO-8601 string or integer milliseconds");
    const auto time = parse_timestamp(text);
    if (!time) {
      const auto explained = parse_timestamp_or_explain(text);
      return fail(fmt::format("field '{}': {}", request_.columns[column].name, explained.error().message));
    }
    writer.set_integer(column, time->value);
    return true;
  }

  bool unlike(JsonValue& value, size_t column, std::string_view expected) {
    std::string_view token = value.raw_json_token();
    while (!token.empty() && token.back() <= ' ') token.remove_suffix(1);
    return fail(fmt::format("field '{}': expected {}, found {}", request_.columns[column].name, expected,
                            first_characters(token, 40)));
  }

  static constexpr size_t kNoColumn = SIZE_MAX;
  struct KnownMember {
    std::string name;
    size_t column = kNoColumn;
  };

  DecodeRequest request_;
  std::vector<size_t> wanted_;
  std::vector<KnownMember> known_;
  std::vector<uint8_t> is_set_;
  simdjson::ondemand::parser parser_;
  std::string padded_;
  std::string reason_;
};

JsonRecordDecoder::JsonRecordDecoder(DecodeRequest request)
    : implementation_(std::make_unique<Implementation>(std::move(request))) {}

JsonRecordDecoder::~JsonRecordDecoder() = default;

const std::vector<ColumnSchema>& JsonRecordDecoder::schema() const {
  return implementation_->columns();
}

Status JsonRecordDecoder::decode(std::span<const RecordView> records, ColumnBatch& batch) {
  return implementation_->decode(records, batch);
}

}  // namespace meterstream
