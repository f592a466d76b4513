// Purpose: lines of a ByteSource. LF and CRLF end a line; the last one may lack it; a UTF-8 byte order mark
// is dropped. Ownership: a line is valid until the next call. Thread-safety: none. Errors: those of the
// source. A line above the limit is data: it comes back empty and marked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"
#include "metering/byte_source.h"

namespace meterstream {

struct Line {
  std::string_view text;
  /// From 1, as editors count.
  int64_t number = 0;
  /// Longer than kMaxLineBytes; `text` is empty.
  bool is_overlong = false;
};

class LineSplitter {
 public:
  static constexpr size_t kMaxLineBytes = 1 << 20;

  /// `source` must outlive the splitter.
  explicit LineSplitter(ByteSource& source) : source_(source) {}

  /// False at the end.
  Result<bool> next(Line& line) {
    if (const char* end = find_line_end()) [[likely]] {
      line.text = trimmed(std::string_view(position_, static_cast<size_t>(end - position_)));
      line.number = ++line_number_;
      line.is_overlong = false;
      position_ = end + 1;
      if (line_number_ > 1 && line.text.size() <= kMaxLineBytes) [[likely]]
        return true;
      return finish_line(line);
    }
    return next_across_chunks(line);
  }
  /// Stored bytes of the source behind the lines given so far; within a chunk taken as even over its text.
  [[nodiscard]] int64_t bytes_consumed() const {
    if (position_ == end_) return source_.bytes_consumed();
    const double share = static_cast<double>(position_ - chunk_) / static_cast<double>(end_ - chunk_);
    const int64_t of_chunk = source_.bytes_consumed() - consumed_before_chunk_;
    return consumed_before_chunk_ + static_cast<int64_t>(share * static_cast<double>(of_chunk));
  }

 private:
  [[nodiscard]] const char* find_line_end() const {
    if (position_ == end_) return nullptr;
    return static_cast<const char*>(std::memchr(position_, '\n', static_cast<size_t>(end_ - position_)));
  }
  static std::string_view trimmed(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
  }
  bool finish_line(Line& line) const;
  Result<bool> next_across_chunks(Line& line);

  ByteSource& source_;
  const char* chunk_ = nullptr;
  int64_t consumed_before_chunk_ = 0;
  const char* position_ = nullptr;
  const char* end_ = nullptr;
  std::string carry_;
  int64_t line_number_ = 0;
};

}  // namespace meterstream
