// Purpose: decodes one Avro body by a plan into one row of a batch; the path that can do everything and explain faults.
// Shapes: the row is the one that the writer has started.
// Thread-safety: none.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "metering/avro_plan.h"
#include "metering/row_writer.h"

namespace meterstream {

class AvroRowDecoder {
 public:
  /// `writer` must outlive the decoder.
  explicit AvroRowDecoder(RowWriter& writer) : writer_(writer) {}

  /// False leaves the row undefined (to be written again) and says why in reason().
  bool decode(const AvroPlan& plan, std::string_view body);
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  bool decode_row(const AvroPlan& plan, std::string_view body);
  bool decode_step(const AvroPlan& plan, const AvroStep& step, ByteReader& reader);
  bool decode_value(const AvroNode& node, uint32_t column, ByteReader& reader);
  bool decode_text(const AvroNode& node, uint32_t column, ByteReader& reader);
  bool skip(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth);
  bool skip_blocks(const AvroSchema& schema, const AvroNode& node, ByteReader& reader, int depth);
  const AvroNode* branch_of(const AvroSchema& schema, const AvroNode& node, ByteReader& reader);
  void set_constant(const AvroConstant& constant);
  bool set_integer(const AvroNode& node, uint32_t column, int64_t number);
  bool set_number(uint32_t column, double number);
  bool set_text(uint32_t column, std::string_view text);
  void set_group_key(const AvroPlan& plan);
  bool fail(std::string reason);

  RowWriter& writer_;
  int64_t visits_left_ = 0;
  std::string reason_;
};

}  // namespace meterstream
