#include "apps/topic_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "metering/duration.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

Result<Offset> first_offset(EventLog& log, const TopicPartition& source, const TopicStart& start,
                            const TopicReader::OffsetAtTime& offset_at) {
  ASSIGN_OR_RETURN(const OffsetRange range, log.offsets(source));
  switch (start.kind) {
    case TopicStart::Kind::kBeginning:
      return range.begin;
    case TopicStart::Kind::kEnd:
      return range.end;
    case TopicStart::Kind::kOffset:
      return std::clamp(start.offset, range.begin, range.end);
    case TopicStart::Kind::kTime:
      break;
  }
  return offset_at ? offset_at(source, start.time) : offset_at_time(log, source, start.time);
}

}  // namespace

Result<TopicStart> parse_topic_start(std::string_view text, IngestTime now) {
  if (text == "beginning") return TopicStart{};
  if (text == "end") return TopicStart{TopicStart::Kind::kEnd, {}, {}};
  int64_t offset = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc() && rest == text.data() + text.size() && offset >= 0) {
    return TopicStart{TopicStart::Kind::kOffset, Offset(offset), {}};
  }
  const bool is_date = text.size() == std::string_view("2007-01-01").size();
  if (const auto time = parse_timestamp(is_date ? std::string(text) + "T00:00:00Z" : std::string(text)))
    return TopicStart{TopicStart::Kind::kTime, {}, IngestTime(time->value)};
  if (const auto ago = parse_duration(text)) {
    return TopicStart{TopicStart::Kind::kTime, {}, IngestTime(now.value - *ago)};
  }
  return invalid(
      fmt::format("'{}' is no place in a topic. Give beginning, end, an offset such as 1200, a date or a time such as "
                  "2007-01-01T00:00:00Z, or how long ago, such as 10m",
                  text));
}

Result<Offset> offset_at_time(EventLog& log, const TopicPartition& source, IngestTime time) {
  ASSIGN_OR_RETURN(const OffsetRange range, log.offsets(source));
  int64_t low = range.begin.value;
  int64_t high = range.end.value;
  RecordSet records;
  // Ingest times rise with offsets; a clock that was set back makes this a good guess and no more.
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    RETURN_IF_ERROR(log.read(source, Offset(middle), 1, records));
    // Offsets may have gaps, also up to the end; then nothing at or behind the middle is a record.
    if (!records.records.empty() && records.records.front().ingest_time < time) {
      low = records.records.front().offset.value + 1;
    } else {
      high = middle;
    }
  }
  return Offset(low);
}

Result<TopicReader> TopicReader::open(EventLog& log, const std::string& topic, const TopicStart& start,
                                      const OffsetAtTime& offset_at) {
  ASSIGN_OR_RETURN(const TopicDescription description, log.describe_topic(topic));
  std::vector<Partition> partitions;
  for (size_t number = 0; number < description.partitions.size(); ++number) {
    Partition partition;
    partition.source = {topic, PartitionId(static_cast<int32_t>(number))};
    ASSIGN_OR_RETURN(partition.next, first_offset(log, partition.source, start, offset_at));
    partitions.push_back(std::move(partition));
  }
  return TopicReader(log, std::move(partitions));
}

Status TopicReader::refill(bool look_at_ends) {
  for (Partition& partition : partitions_) {
    if (!partition.empty() || (partition.at_end && !look_at_ends)) continue;
    partition.taken = 0;
    RETURN_IF_ERROR(log_->read(partition.source, partition.next, kReadBytes, partition.records));
    partition.at_end = partition.records.records.empty();
    if (!partition.at_end) partition.next = partition.records.next;
  }
  return {};
}

Result<std::optional<TopicReader::Item>> TopicReader::poll(int64_t timeout_ms) {
  // One partition is watched at a time, each for a short while.
  constexpr int64_t kSlice_ms = 25;
  constexpr size_t kLookAgain = 4096;
  bool look_at_ends = given_++ % kLookAgain == 0;
  while (true) {
    RETURN_IF_ERROR(refill(look_at_ends));
    Partition* earliest = nullptr;
    for (Partition& partition : partitions_) {
      if (partition.empty()) continue;
      const auto time_of = [](const Partition& p) { return p.records.records[p.taken].ingest_time; };
      if (earliest == nullptr || time_of(partition) < time_of(*earliest)) earliest = &partition;
    }
    if (earliest != nullptr) {
      const RecordView record = earliest->records.records[earliest->taken++];
      return std::optional<Item>(Item{earliest->source.partition, record});
    }
    if (!look_at_ends) {
      look_at_ends = true;
      continue;
    }
    if (timeout_ms <= 0 || partitions_.empty()) return std::optional<Item>();
    const Partition& watched = partitions_[awaited_++ % partitions_.size()];
    const int64_t slice = std::min(timeout_ms, kSlice_ms);
    RETURN_IF_ERROR(log_->await_data(watched.source, watched.next, slice));
    timeout_ms -= slice;
  }
}

Result<int64_t> TopicReader::remaining() {
  int64_t total = 0;
  for (const Partition& partition : partitions_) {
    ASSIGN_OR_RETURN(const OffsetRange range, log_->offsets(partition.source));
    total += range.end.value - partition.next.value;
    total += static_cast<int64_t>(partition.records.records.size() - partition.taken);
  }
  return total;
}

}  // namespace meterstream
