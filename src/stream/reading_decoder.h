// Purpose: what sinks of readings decode: the columns of the topic `metrics`, Avro or JSON.
// Time base: event time, milliseconds since 1970-01-01T00:00:00Z.
// Thread-safety: pure functions. Ownership: the schema store must outlive the decoder.
#pragma once

#include <cstdint>
#include <memory>

#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "stream/view_spec.h"

namespace meterstream {

/// In the order of reading_request().
enum ReadingColumn : size_t { kGatewayColumn, kTypeColumn, kAttributeColumn, kTimestampColumn, kValueColumn };

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: readings outside of these years are rejected.
inline constexpr int64_t kFirstReadingTimeMs = -62'135'596'800'000;
inline constexpr int64_t kLastReadingTimeMs = 253'402'300'799'999;

/// All columns are needed, none makes a group key.
DecodeRequest reading_request();

std::unique_ptr<RecordDecoder> make_record_decoder(ValueFormat format, SchemaStore& schemas, DecodeRequest request);

}  // namespace meterstream
