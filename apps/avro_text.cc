#include "apps/avro_text.h"

#include <bit>

#include "apps/terminal.h"
#include "base/bytes.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int kDeepest = 64;

class AvroPrinter {
 public:
  AvroPrinter(const AvroSchema& schema, std::string_view body) : schema_(schema), reader_(body) {}

  std::optional<std::string> print() {
    if (!value(schema_.root(), 0) || !reader_.ok() || reader_.remaining() != 0) return std::nullopt;
    return std::move(out_);
  }

 private:
  bool value(const AvroNode& node, int depth) {
    if (depth > kDeepest) return false;
    switch (node.type) {
      case AvroType::kRecord:
        return record(node, depth);
      case AvroType::kUnion: {
        const uint64_t branch = unzigzag_index();
        return branch < node.children.size() && value(schema_.node(node.children[branch]), depth + 1);
      }
      case AvroType::kArray:
        return blocks('[', ']', [&] { return value(schema_.node(node.children[0]), depth + 1); });
      case AvroType::kMap:
        return blocks('{', '}', [&] {
          append_json_string(out_, escaped(reader_.sized_bytes_as_avro()));
          out_ += ':';
          return value(schema_.node(node.children[0]), depth + 1);
        });
      default:
        return scalar(node);
    }
  }

  bool scalar(const AvroNode& node) {
    switch (node.type) {
      case AvroType::kNull:
        out_ += "null";
        break;
      case AvroType::kBoolean:
        out_ += reader_.little_endian<uint8_t>() != 0 ? "true" : "false";
        break;
      case AvroType::kInt:
      case AvroType::kLong:
        integer(node);
        break;
      case AvroType::kFloat:
        append_json_number(out_, static_cast<double>(std::bit_cast<float>(reader_.little_endian<uint32_t>())));
        break;
      case AvroType::kDouble:
        append_json_number(out_, reader_.little_endian<double>());
        break;
      case AvroType::kString:
      case AvroType::kBytes:
        append_json_string(out_, escaped(reader_.sized_bytes_as_avro()));
        break;
      case AvroType::kFixed:
        append_json_string(out_, escaped(reader_.bytes(node.size)));
        break;
      case AvroType::kEnum: {
        const uint64_t symbol = unzigzag_index();
        if (symbol >= node.symbols.size()) return false;
        append_json_string(out_, node.symbols[symbol]);
        break;
      }
      default:
        return false;
    }
    return reader_.ok();
  }

  void integer(const AvroNode& node) {
    const int64_t number = reader_.zigzag_varint();
    if (node.logical_type == AvroLogicalType::kNone) return append_json_number(out_, number);
    const bool is_micros = node.logical_type == AvroLogicalType::kTimestampMicros;
    append_json_string(out_, format_timestamp(EventTime(is_micros ? number / 1000 : number)));
  }

  bool record(const AvroNode& node, int depth) {
    out_ += '{';
    for (size_t field = 0; field < node.fields.size(); ++field) {
      if (field > 0) out_ += ',';
      append_json_string(out_, node.fields[field].name);
      out_ += ':';
      if (!value(schema_.node(node.fields[field].type), depth + 1)) return false;
    }
    out_ += '}';
    return true;
  }

  /// Arrays and maps: blocks of a count and that many items; a negative count is followed by the block's bytes.
  template <class Item>
  bool blocks(char open, char close, const Item& item) {
    out_ += open;
    bool is_first = true;
    while (true) {
      int64_t count = reader_.zigzag_varint();
      if (!reader_.ok()) return false;
      if (count == 0) break;
      if (count < 0) {
        reader_.zigzag_varint();
        count = -count;
      }
      for (; count > 0; --count) {
        if (!is_first) out_ += ',';
        is_first = false;
        // An item may take no bytes (null); a forged count must not run for ever.
        if (!item() || out_.size() > kLongest) return false;
      }
    }
    out_ += close;
    return true;
  }

  uint64_t unzigzag_index() { return static_cast<uint64_t>(reader_.zigzag_varint()); }

  /// Avro's lengths are zigzag, too.
  struct AvroReader : ByteReader {
    using ByteReader::ByteReader;
    std::string_view sized_bytes_as_avro() {
      const int64_t length = zigzag_varint();
      return bytes(length < 0 ? UINT64_MAX : static_cast<uint64_t>(length));
    }
  };
  static constexpr size_t kLongest = size_t{16} << 20;

  const AvroSchema& schema_;
  AvroReader reader_;
  std::string out_;
};

}  // namespace

std::optional<std::string> avro_to_json(const AvroSchema& schema, std::string_view body) {
  return AvroPrinter(schema, body).print();
}

}  // namespace meterstream
