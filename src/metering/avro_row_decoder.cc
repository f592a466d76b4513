#include "metering/avro_row_decoder.h"

#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/byte_arena.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

constexpr int kMaxDepth = 64;

int64_t floor_divide(int64_t number, int64_t divisor) {
  return number / divisor - (number % divisor < 0 ? 1 : 0);
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace

bool AvroRowDecoder::fail(std::string reason) {
  reason_ = std::move(reason);
  return false;
}

bool AvroRowDecoder::decode(const AvroPlan& plan, std::string_view body) {
  visits_left_ = 10'000 + 64 * static_cast<int64_t>(body.size());
  if (decode_row(plan, body)) return true;
  writer_.abandon_row();
  return false;
}

bool AvroRowDecoder::decode_row(const AvroPlan& plan, std::string_view body) {
  ByteReader reader(body);
  for (const AvroStep& step : plan.steps) {
    if (step.again) {
      const char* begin = writer_.text(plan.steps[static_cast<size_t>(&step - plan.steps.data()) - 1].column).begin;
      reader = ByteReader(std::string_view(begin, static_cast<size_t>(body.data() + body.size() - begin)));
    }
    if (!decode_step(plan, step, reader)) {
      reason_ = fmt::format("field '{}': {}", plan.schema.root().fields[step.field].name, reason_);
      return false;
    }
  }
  if (reader.remaining() != 0)
    return fail(fmt::format("{} bytes are left after the last field; another schema was used", reader.remaining()));
  for (const AvroConstant& constant : plan.constants) set_constant(constant);
  if (!writer_.request().group_key.empty()) set_group_key(plan);
  return true;
}

const AvroNode* AvroRowDecoder::branch_of(const AvroSchema& schema, const AvroNode& node, ByteReader& reader) {
  const int64_t branch = reader.zigzag_varint();
  if (!reader.ok()) {
    fail("the record ends too early");
    return nullptr;
  }
  if (branch < 0 || branch >= static_cast<int64_t>(node.children.size())) {
    fail(fmt::format("branch {} of a union of {} types", branch, node.children.size()));
    return nullptr;
  }
  return &schema.node(node.children[static_cast<size_t>(branch)]);
}

bool AvroRowDecoder::decode_step(const AvroPlan& plan, const AvroStep& step, ByteReader& reader) {
  const AvroNode* node = &plan.schema.node(step.type);
  if (step.column == AvroStep::kNoColumn) return skip(plan.schema, *node, reader, 0);
  RowWriter::Text& text = writer_.text(step.column);
  text.is_null = true;
  text.begin = reader.position();
  if (node->type == AvroType::kUnion) {
    node = branch_of(plan.schema, *node, reader);
    if (node == nullptr) return false;
  }
  if (!decode_value(*node, step.column, reader)) return false;
  text.end = reader.position();
  return true;
}

bool AvroRowDecoder::decode_value(const AvroNode& node, uint32_t column, ByteReader& reader) {
  switch (node.type) {
    case AvroType::kNull:
      writer_.set_null(column);
      return true;
    case AvroType::kBoolean: {
      const auto byte = reader.little_endian<uint8_t>();
      if (!reader.ok()) return fail("the record ends too early");
      if (byte > 1) return fail(fmt::format("boolean with the value {}", byte));
      return set_integer(node, column, byte);
    }
    case AvroType::kInt:
    case AvroType::kLong: {
      const int64_t number = reader.zigzag_varint();
      if (!reader.ok()) return fail("the record ends too early, or a number is longer than 10 bytes");
      if (node.type == AvroType::kInt && number != static_cast<int32_t>(number))
        return fail(fmt::format("{} does not fit an int", number));
      return set_integer(node, column, number);
    }
    case AvroType::kFloat: {
      const auto number = reader.little_endian<float>();
      if (!reader.ok()) return fail("the record ends too early");
      return set_number(column, static_cast<double>(number));
    }
    case AvroType::kDouble: {
      const auto number = reader.little_endian<double>();
      if (!reader.ok()) return fail("the record ends too early");
      return set_number(column, number);
    }
    case AvroType::kString:
    case AvroType::kBytes:
    case AvroType::kEnum:
    case AvroType::kFixed:
      return decode_text(node, column, reader);
    default:
      return fail(fmt::format("{} cannot become {}", name_of(node.type), name_of(writer_.type_of(column))));
  }
}

bool AvroRowDecoder::decode_text(const AvroNode& node, uint32_t column, ByteReader& reader) {
  if (node.type == AvroType::kEnum) {
    const int64_t symbol = reader.zigzag_varint();
    if (!reader.ok()) return fail("the record ends too early");
    if (symbol < 0 || symbol >= static_cast<int64_t>(node.symbols.size()))
      return fail(fmt::format("symbol {} of an enum of {}", symbol, node.symbols.size()));
    // The plan that owns the symbol may go before the batch does.
    return set_text(column, ByteArena(writer_.batch().arena).copy(node.symbols[static_cast<size_t>(symbol)]));
  }
  uint64_t size = node.size;
  if (node.type != AvroType::kFixed) {
    const int64_t length = reader.zigzag_varint();
    if (reader.ok() && length < 0) return fail(fmt::format("{} with the length {}", name_of(node.type), length));
    size = static_cast<uint64_t>(length);
  }
  const std::string_view text = reader.bytes(size);
  if (!reader.ok()) return fail("the record ends too early");
  return set_text(column, text);
}

bool AvroRowDecoder::skip(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth) {
  if (depth > kMaxDepth) return fail(fmt::format("values are nested deeper than {} levels", kMaxDepth));
  // Records of records without bytes can describe more values than anybody can visit.
  if (--visits_left_ < 0) return fail("far more values than bytes");
  switch (node.type) {
    case AvroType::kNull:
      break;
    case AvroType::kBoolean:
      reader.bytes(1);
      break;
    case AvroType::kInt:
    case AvroType::kLong:
    case AvroType::kEnum:
      reader.varint();
      break;
    case AvroType::kFloat:
      reader.bytes(4);
      break;
    case AvroType::kDouble:
      reader.bytes(8);
      break;
    case AvroType::kFixed:
      reader.bytes(node.size);
      break;
    case AvroType::kBytes:
    case AvroType::kString: {
      const int64_t length = reader.zigzag_varint();
      if (length < 0) return fail(fmt::format("{} with the length {}", name_of(node.type), length));
      reader.bytes(static_cast<uint64_t>(length));
      break;
    }
    case AvroType::kUnion: {
      const AvroNode* branch = branch_of(schema, node, reader);
      return branch != nullptr && skip(schema, *branch, reader, depth + 1);
    }
    case AvroType::kRecord:
      for (const AvroField& field : node.fields) {
        if (!skip(schema, schema.node(field.type), reader, depth + 1)) return false;
      }
      break;
    case AvroType::kArray:
    case AvroType::kMap:
      return skip_blocks(schema, node, reader, depth);
  }
  return reader.ok() || fail("the record ends too early");
}

bool AvroRowDecoder::skip_blocks(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth) {
  const AvroNode& item = schema.node(node.children[0]);
  while (true) {
    int64_t count = reader.zigzag_varint();
    if (!reader.ok()) return fail("the record ends too early");
    if (count == 0) return true;
    if (count < 0) {
      const int64_t size = reader.zigzag_varint();
      if (size < 0) return fail(fmt::format("a block of {} bytes", size));
      reader.bytes(static_cast<uint64_t>(size));
      continue;
    }
    for (; count > 0; --count) {
      const size_t before = reader.remaining();
      if (node.type == AvroType::kMap && !skip(schema, AvroNode{.type = AvroType::kString}, reader, depth + 1))
        return false;
      if (!skip(schema, item, reader, depth + 1)) return false;
      // Items without bytes may be counted in billions; the first one says all.
      if (reader.remaining() == before) break;
    }
  }
}

void AvroRowDecoder::set_constant(const AvroConstant& constant) {
  if (constant.is_null) return writer_.set_null(constant.column);
  switch (writer_.type_of(constant.column)) {
    case ColumnType::kDouble:
      return writer_.set_double(constant.column, constant.number);
    case ColumnType::kVarchar:
      return writer_.set_text(constant.column, ByteArena(writer_.batch().arena).copy(constant.text));
    default:
      return writer_.set_integer(constant.column, constant.integer);
  }
}

bool AvroRowDecoder::set_integer(const AvroNode& node, uint32_t column, int64_t number) {
  const ColumnType type = writer_.type_of(column);
  if (type == ColumnType::kDouble && node.type != AvroType::kBoolean)
    return set_number(column, static_cast<double>(number));
  const bool fits = node.type == AvroType::kBoolean ? type == ColumnType::kBoolean
                                                    : type == ColumnType::kBigint || type == ColumnType::kTimestamp;
  if (!fits) return fail(fmt::format("{} cannot become {}", name_of(node.type), name_of(type)));
  if (type == ColumnType::kTimestamp && node.logical_type == AvroLogicalType::kTimestampMicros)
    number = floor_divide(number, 1000);
  writer_.set_integer(column, number);
  return true;
}

bool AvroRowDecoder::set_number(uint32_t column, double number) {
  if (writer_.type_of(column) != ColumnType::kDouble)
    return fail(fmt::format("a number with a point cannot become {}", name_of(writer_.type_of(column))));
  if (!std::isfinite(number)) return fail(std::isnan(number) ? "not a number (NaN)" : "infinite number");
  writer_.set_double(column, number);
  return true;
}

bool AvroRowDecoder::set_text(uint32_t column, std::string_view text) {
  const ColumnType type = writer_.type_of(column);
  if (type == ColumnType::kTimestamp) {
    const auto time = parse_timestamp(text);
    if (!time) {
      const auto explained = parse_timestamp_or_explain(text);
      return fail(is_utf8(text) && !explained ? explained.error().message : "the timestamp is not UTF-8 text");
    }
    writer_.set_integer(column, time->value);
    return true;
  }
  if (type != ColumnType::kVarchar) return fail(fmt::format("text cannot become {}", name_of(type)));
  if (!is_utf8(text)) return fail("the text is not UTF-8");
  writer_.set_text(column, text);
  return true;
}

void AvroRowDecoder::set_group_key(const AvroPlan& plan) {
  const auto& key = writer_.request().group_key;
  if (plan.key_is_contiguous) {
    const char* begin = writer_.text(key.front()).begin;
    const std::string_view bytes(begin, static_cast<size_t>(writer_.text(key.back()).end - begin));
    // A writer may spend more bytes on a length than needed; such bytes are not the canonical key.
    if (bytes.size() == writer_.key_bytes()) return writer_.set_group_key(bytes);
  }
  writer_.build_group_key();
}

}  // namespace meterstream
