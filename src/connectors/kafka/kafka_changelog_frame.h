// Purpose: tells whole commits in a changelog from torn ones where records are not written by transactions.
// Format: such a record carries the header "commit": epoch of its writer (4 bytes, little-endian), writer (8, random), number of
//         the commit (4), 1 in its last record (1); in commit 0 also the offset behind what the writer has read (8).
//         docs/formats/kafka-topics.md.
// Rules: a writer reads the changelog to its end, takes the epoch after the highest that it found, and begins with commit 0:
//        a new value of every key that a torn commit wrote. Commit 0 counts only when nothing came between what
//        its writer read and its first record. From then on records of earlier writers do not count.
// Compaction: the last record of a commit stays until there is a later commit, and a later commit of the same writer shows that
//             those before it are whole.
// Thread-safety: values, and a class for one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/record.h"
#include "base/result.h"

namespace meterstream {

/// Who writes a changelog. A higher epoch displaces a lower one.
struct KafkaChangelogWriter {
  uint32_t epoch = 0;
  uint64_t id = 0;
  bool operator==(const KafkaChangelogWriter&) const = default;
};

std::string encode_changelog_writer(const KafkaChangelogWriter& writer);
std::optional<KafkaChangelogWriter> decode_changelog_writer(std::string_view bytes);

struct KafkaChangelogFrame {
  KafkaChangelogWriter writer;
  uint32_t commit = 0;
  bool is_last = false;
  /// In commit 0.
  Offset base;
};

/// As RecordView::headers.
std::string encode_changelog_frame(const KafkaChangelogFrame& frame);
/// nullopt: without a frame, so written by a transaction. kCorrupt: the frame cannot be read.
Result<std::optional<KafkaChangelogFrame>> decode_changelog_frame(std::string_view headers);

/// A record that was read.
struct KafkaChangelogEntry {
  std::string key;
  std::optional<std::string> value;
  Offset offset;
};

/// Records of a key that do not count.
struct KafkaTornKey {
  Offset first;
  Offset last;
};

/// Reads a changelog in offset order and gives what counts of it.
class KafkaChangelogSorter {
 public:
  /// `writer`: of the state that is known already, all of it below `next`.
  KafkaChangelogSorter(KafkaChangelogWriter writer, Offset next)
      : current_(writer), highest_(writer.epoch), seen_(next) {}

  void add(const std::optional<KafkaChangelogFrame>& frame, KafkaChangelogEntry entry);
  /// What counts for certain now, in order.
  std::vector<KafkaChangelogEntry> take_ready() { return std::exchange(ready_, {}); }
  /// Nothing more comes: what is open is torn.
  void finish();

  /// True when an entry without a frame would be ready at once.
  [[nodiscard]] bool is_idle() const { return open_.empty() && undecided_.empty() && torn_.empty(); }
  /// Keys whose latest record does not count.
  [[nodiscard]] const std::map<std::string, KafkaTornKey, std::less<>>& torn() const { return torn_; }
  /// The offset from which all must be read again by who knows only what was ready; nullopt: from here on.
  [[nodiscard]] std::optional<Offset> open_from() const;
  [[nodiscard]] uint32_t highest_epoch() const { return highest_; }

 private:
  void complete();
  void drop(const KafkaChangelogEntry& entry);

  KafkaChangelogWriter current_;
  uint32_t highest_;
  Offset seen_;  ///< behind the last record that counts or may count
  uint32_t open_commit_ = 0;
  std::vector<KafkaChangelogEntry> open_;       ///< of the latest commit
  std::vector<KafkaChangelogEntry> undecided_;  ///< of earlier writers, before the first whole commit of the latest
  std::vector<KafkaChangelogEntry> ready_;
  std::map<std::string, KafkaTornKey, std::less<>> torn_;
};

}  // namespace meterstream
