// Arbitrary bytes never crash the parser; with the right magic and checksum put over them the rows are
// reached too.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "log/record_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace meterstream;
  std::string batch(reinterpret_cast<const char*>(data), size);
  std::vector<RecordView> records;
  std::ignore = parse_record_batch(batch, Offset(0), records);
  if (batch.size() >= 44) {
    std::memcpy(batch.data(), "MSB\x01", 4);
    batch[20] = 0;
    batch[21] = static_cast<char>(batch[21] & 7);
    batch[22] = batch[23] = 0;
    if ((batch[21] & 3) == 0) {
      const auto row_bytes = static_cast<uint32_t>(batch.size() - 44);
      std::memcpy(batch.data() + 40, &row_bytes, 4);
    }
    const uint32_t crc = crc32c(std::string_view(batch).substr(8));
    std::memcpy(batch.data() + 4, &crc, 4);
    records.clear();
    if (parse_record_batch(batch, Offset(0), records)) {
      size_t total = 0;
      for (const RecordView& record : records) {
        for (const char byte : record.key) total += static_cast<uint8_t>(byte);
        for (const char byte : record.value) total += static_cast<uint8_t>(byte);
        for (const char byte : record.headers) total += static_cast<uint8_t>(byte);
      }
      static volatile size_t sink;
      sink = total;
    }
  }
  return 0;
}
