// Purpose: decodes one Avro body by a plan into one row of a batch; the path that can do everything and explain faults.
// Shapes: the batch's wanted vectors must have room for `row` already.
// Thread-safety: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "metering/avro_plan.h"
#include "metering/column_batch.h"

namespace meterstream {

class AvroRowDecoder {
 public:
  /// Both must outlive the decoder.
  AvroRowDecoder(const DecodeRequest& request, ColumnBatch& batch);

  /// False leaves the row undefined (to be written again) and says why in reason().
  bool decode(const AvroPlan& plan, std::string_view body, size_t row);
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  struct Text {
    std::string_view text;
    bool is_null = true;
    const char* begin = nullptr;
    const char* end = nullptr;
  };

  bool decode_row(const AvroPlan& plan, std::string_view body);
  bool decode_step(const AvroPlan& plan, const AvroStep& step, ByteReader& reader);
  bool decode_value(const AvroNode& node, uint32_t column, ByteReader& reader);
  bool decode_text(const AvroNode& node, uint32_t column, ByteReader& reader);
  bool skip(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth);
  bool skip_blocks(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth);
  const AvroNode* branch_of(const AvroSchema& schema, const AvroNode& node, ByteReader& reader);
  void set_constant(const AvroConstant& constant);
  void set_null(uint32_t column);
  bool set_integer(const AvroNode& node, uint32_t column, int64_t number);
  bool set_number(uint32_t column, double number);
  bool set_text(uint32_t column, std::string_view text);
  void set_group_key(const AvroPlan& plan);
  bool fail(std::string reason);

  const DecodeRequest& request_;
  ColumnBatch& batch_;
  size_t row_ = 0;
  int64_t visits_left_ = 0;
  std::vector<Text> texts_;
  std::string reason_;
};

/// Whether `text` is UTF-8; short ASCII text costs nothing.
bool is_utf8(std::string_view text);

/// Canonical group key bytes of one VARCHAR value.
void append_key_part(std::string& out, std::string_view text);
void append_null_key_part(std::string& out);

}  // namespace meterstream
