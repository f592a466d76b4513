#include "metering/line_splitter.h"

namespace meterstream {

bool LineSplitter::finish_line(Line& line) const {
  if (line.number == 1 && line.text.starts_with("\xef\xbb\xbf")) line.text.remove_prefix(3);
  if (line.text.size() > kMaxLineBytes) {
    line.is_overlong = true;
    line.text = {};
  }
  return true;
}

// The rest of the chunk is kept until the chunk with the line's end comes; of an over-long line no more than shows it.
Result<bool> LineSplitter::next_across_chunks(Line& line) {
  constexpr size_t kKeptBytes = kMaxLineBytes + 8;
  carry_.clear();
  bool has_bytes = false;
  while (true) {
    const char* end = find_line_end();
    const std::string_view part(position_, static_cast<size_t>((end != nullptr ? end : end_) - position_));
    has_bytes |= !part.empty();
    const bool fits = carry_.size() < kKeptBytes;
    if (fits) carry_.append(part.substr(0, kKeptBytes - carry_.size()));
    position_ = end != nullptr ? end + 1 : end_;
    if (end != nullptr) break;
    consumed_before_chunk_ = source_.bytes_consumed();
    ASSIGN_OR_RETURN(const std::string_view chunk, source_.next());
    if (chunk.empty()) {
      if (!has_bytes) return false;
      break;
    }
    chunk_ = chunk.data();
    position_ = chunk.data();
    end_ = chunk.data() + chunk.size();
  }
  line.text = trimmed(carry_);
  line.number = ++line_number_;
  line.is_overlong = false;
  return finish_line(line);
}

}  // namespace meterstream
