// Purpose: texts inside keys that sort as their bytes and end where they say, whatever bytes they hold.
// Format: a 0 byte is written as 0 0xff; 0 0 ends the text.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace meterstream {

/// Without its end: what the keys of all texts that begin with `text` begin with.
inline void append_ordered_text_start(std::string& key, std::string_view text) {
  for (const char byte : text) {
    key.push_back(byte);
    if (byte == 0) key.push_back('\xff');
  }
}

inline void append_ordered_text(std::string& key, std::string_view text) {
  append_ordered_text_start(key, text);
  key.append(2, '\0');
}

/// Takes a text off the front of `key`; false when none ends there.
inline bool take_ordered_text(std::string_view& key, std::string& text) {
  text.clear();
  for (size_t at = 0; at + 1 < key.size(); ++at) {
    if (key[at] != 0) {
      text.push_back(key[at]);
    } else if (key[at + 1] == 0) {
      key.remove_prefix(at + 2);
      return true;
    } else {
      text.push_back('\0');
      ++at;
    }
  }
  return false;
}

}  // namespace meterstream
