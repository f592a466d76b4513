#include "stream/page_spill.h"

#include <cstring>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {

PageSpill::PageSpill(KeyValueStore& store, std::string_view owner)
    : store_(store), prefix_(fmt::format("scratch/{}/", owner)) {}

std::string PageSpill::key_of(uint64_t page) const {
  std::string key = prefix_;
  append_big_endian64(key, page);
  return key;
}

Status PageSpill::put(uint64_t page, std::string_view bytes) {
  WriteBatch batch;
  if (!cleared_) {
    batch.erase_range(Space::kState, prefix_, prefix_ + std::string(9, '\xff'));
    cleared_ = true;
  }
  batch.put(Space::kState, key_of(page), std::string(bytes));
  ++pages_written_;
  return store_.write(batch, Durability::kBuffered);
}

Error PageSpill::unusable(uint64_t page) const {
  return corrupt(
      fmt::format("state: page {} of {} is missing or has another size; stop the run and start it again: "
                  "state is rebuilt from the log",
                  page, prefix_));
}

Result<std::string> PageSpill::read(uint64_t page, size_t least_size) const {
  ++pages_read_;
  ASSIGN_OR_RETURN(const auto value, store_.get(Space::kState, key_of(page)));
  if (!value || value->bytes.size() < least_size) return unusable(page);
  return std::string(value->bytes);
}

Status PageSpill::peek(uint64_t page, char* bytes, size_t size) const {
  ++pages_read_;
  ASSIGN_OR_RETURN(const auto value, store_.get(Space::kState, key_of(page)));
  if (!value || value->bytes.size() != size) return unusable(page);
  std::memcpy(bytes, value->bytes.data(), size);
  return {};
}

Status PageSpill::erase(uint64_t page) {
  WriteBatch batch;
  batch.erase(Space::kState, key_of(page));
  return store_.write(batch, Durability::kBuffered);
}

Status PageSpill::take(uint64_t page, char* bytes, size_t size) {
  RETURN_IF_ERROR(peek(page, bytes, size));
  return erase(page);
}

}  // namespace meterstream
