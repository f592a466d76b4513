// Any bytes as a data set of every format and compression: rows or an error, the same wherever the chunks end.
#include <bit>
#include <cstdlib>

#include "metering/compressed_source.h"
#include "metering/reading_reader.h"

namespace {

using namespace meterstream;

std::unique_ptr<ByteSource> source_of(const std::string& bytes, size_t chunk_bytes) {
  auto memory = std::make_unique<MemorySource>(bytes, chunk_bytes);
  switch (compression_of(bytes)) {
    case Compression::kGzip:
      return make_gzip_source(std::move(memory));
    case Compression::kZstd:
      return make_zstd_source(std::move(memory));
    default:
      return memory;
  }
}

uint64_t fingerprint(std::string_view type, const std::string& bytes, size_t chunk_bytes) {
  auto reader = make_reading_reader(type, source_of(bytes, chunk_bytes));
  // How much comes before damage depends on the chunks, so all errors are one.
  if (!reader) return 1;
  uint64_t sum = 0;
  DatasetBatch batch;
  while (true) {
    if (!(*reader)->next(batch, 7)) return 1;
    if (batch.rows == 0) break;
    for (size_t row = 0; row < batch.rows; ++row) {
      sum = sum * 31 + static_cast<uint64_t>(batch.timestamps[row].value + batch.line_numbers[row]);
      for (size_t i = 0; i < batch.width; ++i)
        sum = sum * 31 + std::bit_cast<uint64_t>(batch.values[row * batch.width + i]);
    }
  }
  const ReaderProgress& progress = (*reader)->progress();
  if (progress.rows + progress.malformed_lines > progress.lines) std::abort();
  return sum * 31 + static_cast<uint64_t>(progress.malformed_lines * 1'000 + progress.skipped_values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string_view type : {"electricity", "gas"}) {
    std::string text = bytes;
    if (compression_of(bytes) == Compression::kNone)
      text.insert(0, type == "gas" ? "unix_ts,counter,inst_rate\n"
                                   : "Date;Time;Global_active_power;Global_reactive_power;Voltage\n");
    if (fingerprint(type, text, 1 << 16) != fingerprint(type, text, 3)) std::abort();
    // And as it is, header included.
    (void)fingerprint(type, bytes, 64);
  }
  return 0;
}
