#include "testing/invariant_checker.h"

#include <algorithm>

#include <fmt/format.h>

#include "metering/aggregate.h"
#include "state/embedded_aggregate_store.h"

namespace meterstream {
namespace {

std::string describe(const ViewAccounting& a) {
  return fmt::format(
      "read {} aggregated {} filtered {} late {} duplicate {} rejected {} conflicts {} ahead {} faults {} results {}",
      a.read, a.aggregated, a.filtered, a.late, a.duplicate, a.rejected, a.conflicts, a.capped_ahead, a.faults,
      a.results);
}

std::string describe(const OracleWindow& window) {
  return fmt::format("count {} min {} max {} sum {}", window.count, window.min, window.max, window.sum.text());
}

bool same(const std::optional<std::string>& expected, bool present, std::string_view actual) {
  return expected.has_value() == present && (!present || *expected == actual);
}

// What the records of one partition must become in one view.
struct PartitionAnswer {
  OracleAnswer answer;
  std::vector<const KnownRecord*> late;
  std::vector<const KnownRecord*> rejected;
};

PartitionAnswer answer_of(const std::vector<KnownRecord>& records, const ViewSpec& view) {
  PartitionAnswer result;
  std::vector<OracleReading> readings;
  std::vector<const KnownRecord*> origin;
  int64_t malformed = 0;
  for (const KnownRecord& record : records) {
    if (record.reading) {
      readings.push_back({*record.reading, record.ingest_time});
      origin.push_back(&record);
    } else {
      ++malformed;
      result.rejected.push_back(&record);
    }
  }
  result.answer = ask_oracle(readings, OracleView(view));
  result.answer.accounting.read += malformed;
  result.answer.accounting.rejected += malformed;
  for (const size_t index : result.answer.late) result.late.push_back(origin[index]);
  for (const size_t index : result.answer.rejected) result.rejected.push_back(origin[index]);
  return result;
}

template <class Lines>
Status compare_lines(const std::string& topic, Lines actual, Lines expected) {
  std::sort(actual.begin(), actual.end());
  std::sort(expected.begin(), expected.end());
  if (actual == expected) return {};
  const auto [have, want] = std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  return conflict(fmt::format("{} has {} records instead of {}; the first difference in order of key: '{}' for '{}'",
                              topic, actual.size(), expected.size(), have == actual.end() ? "nothing" : have->key,
                              want == expected.end() ? "nothing" : want->key));
}

}  // namespace

InvariantChecker::InvariantChecker(EventLog& log, KeyValueStore& store, std::vector<ViewSpec> views,
                                   std::vector<SinkSpec> sinks)
    : log_(log), store_(store), views_(std::move(views)), sinks_(std::move(sinks)) {}

InvariantChecker::Accounting InvariantChecker::accounting_of(const std::vector<TaskStatus>& tasks) {
  Accounting sums;
  for (const TaskStatus& task : tasks) {
    for (const TaskStatus::View& view : task.views) sums[view.name] += view.accounting;
  }
  return sums;
}

Status InvariantChecker::check_identity(const TaskStatus& task) {
  for (const TaskStatus::View& view : task.views) {
    const ViewAccounting& a = view.accounting;
    const bool positive = std::min({a.read, a.aggregated, a.filtered, a.late, a.duplicate, a.rejected, a.conflicts,
                                    a.capped_ahead, a.faults, a.results}) >= 0;
    if (!positive || !a.balanced() || a.conflicts > a.rejected) {
      return conflict(
          fmt::format("task {} view {}: the accounting does not add up: {}", task.name, view.name, describe(a)));
    }
  }
  return {};
}

Result<std::vector<InvariantChecker::Line>> InvariantChecker::read_topic(const std::string& topic) const {
  ASSIGN_OR_RETURN(const auto description, log_.describe_topic(topic));
  std::vector<Line> lines;
  RecordSet records;
  for (int32_t partition = 0; partition < description.config.partitions; ++partition) {
    for (Offset next(0);; next = records.next) {
      RETURN_IF_ERROR(log_.read({topic, PartitionId(partition)}, next, size_t{1} << 20, records));
      if (records.records.empty()) break;
      for (const RecordView& record : records.records) {
        if (record.offset < next) return conflict(fmt::format("{}: offset {} came again", topic, record.offset));
        lines.push_back({std::string(record.key), std::string(record.value)});
      }
    }
  }
  return lines;
}

Status InvariantChecker::check_log(const KnownLog& known) const {
  const std::string& topic = views_.front().source->topic;
  RecordSet records;
  for (size_t partition = 0; partition < known.size(); ++partition) {
    size_t count = 0;
    for (Offset next(0);; next = records.next) {
      const PartitionId id(static_cast<int32_t>(partition));
      RETURN_IF_ERROR(log_.read({topic, id}, next, size_t{1} << 20, records));
      if (records.records.empty()) break;
      for (const RecordView& record : records.records) {
        if (count >= known[partition].size() || record.offset.value != static_cast<int64_t>(count)) {
          return conflict(fmt::format("{}/{}: record at offset {}, but {} were acknowledged", topic, partition,
                                      record.offset, known[partition].size()));
        }
        const KnownRecord& expected = known[partition][count++];
        if (!same(expected.key, record.has_key(), record.key) ||
            !same(expected.value, !record.is_tombstone(), record.value) || expected.ingest_time != record.ingest_time) {
          return conflict(fmt::format("{}/{}: the record at offset {} is not what was acknowledged", topic, partition,
                                      record.offset));
        }
      }
    }
    if (count != known[partition].size()) {
      return conflict(fmt::format("{}/{}: {} records of {} acknowledged ones are there", topic, partition, count,
                                  known[partition].size()));
    }
  }
  return {};
}

Status InvariantChecker::check_committed(const Accounting& accounting, const std::string& application) const {
  for (const ViewSpec& view : views_) {
    const auto found = accounting.find(view.name);
    if (found == accounting.end()) continue;
    const ViewAccounting& counted = found->second;
    ASSIGN_OR_RETURN(const auto source, log_.describe_topic(view.source->topic));
    int64_t read = 0;
    for (int32_t partition = 0; partition < source.config.partitions; ++partition) {
      ASSIGN_OR_RETURN(const auto position, log_.position(fmt::format("{}.{}", application, view.name),
                                                          {view.source->topic, PartitionId(partition)}));
      if (position) read += position->next.value;
    }
    ASSIGN_OR_RETURN(const auto results, read_topic(view.topic));
    ASSIGN_OR_RETURN(const auto late, read_topic(view.late_topic()));
    if (counted.read != read || counted.results != static_cast<int64_t>(results.size()) ||
        counted.late != static_cast<int64_t>(late.size())) {
      return conflict(
          fmt::format("view {}: committed as {}, but positions say read {}, and the topics hold results {} "
                      "late {}",
                      view.name, describe(counted), read, results.size(), late.size()));
    }
    RETURN_IF_ERROR(last_results(view));
  }
  return {};
}

Result<InvariantChecker::Windows> InvariantChecker::last_results(const ViewSpec& view) const {
  ASSIGN_OR_RETURN(const auto lines, read_topic(view.topic));
  Windows windows;
  for (const Line& line : lines) {
    ASSIGN_OR_RETURN(const Aggregate aggregate, parse_aggregate_json(line.value));
    const auto [entry, added] = windows.try_emplace({aggregate.window_start.value, line.key});
    if (!added && view.emit == EmitMode::kFinal) {
      return conflict(fmt::format("{} has a window twice: {} {}", view.topic, line.key, line.value));
    }
    if (aggregate.window_end.value != aggregate.window_start.value + view.window_size_ms ||
        aggregate.average != aggregate.sum.divided_by(aggregate.sample_count)) {
      return conflict(fmt::format("{} has a window that contradicts itself: {}", view.topic, line.value));
    }
    entry->second = {aggregate.sample_count, aggregate.min, aggregate.max, aggregate.sum};
  }
  return windows;
}

Status InvariantChecker::check_conserved(const KnownLog& known, const Accounting& accounting) const {
  int64_t records = 0;
  for (const auto& partition : known) records += static_cast<int64_t>(partition.size());
  for (const ViewSpec& view : views_) {
    const auto found = accounting.find(view.name);
    if (found == accounting.end()) return conflict(fmt::format("view {} has no accounting", view.name));
    const ViewAccounting& counted = found->second;
    ASSIGN_OR_RETURN(const Windows windows, last_results(view));
    int64_t samples = 0;
    for (const auto& [key, window] : windows) samples += window.count;
    // A reading is in each window of a hopping view that was open.
    const int64_t most = view.is_hopping() ? 1 + (view.window_size_ms - 1) / view.advance_ms : 1;
    const bool conserved = counted.aggregated <= samples && samples <= most * counted.aggregated;
    if (!counted.balanced() || counted.read != records || !conserved) {
      return conflict(fmt::format("view {}: {} for {} records, and {} readings are in its results", view.name,
                                  describe(counted), records, samples));
    }
  }
  return {};
}

Status InvariantChecker::check_answers(const KnownLog& known, const Accounting& accounting, bool one_pass) const {
  std::vector<Line> rejected;
  for (const ViewSpec& view : views_) {
    const auto found = accounting.find(view.name);
    if (found == accounting.end()) return conflict(fmt::format("view {} has no accounting", view.name));
    RETURN_IF_ERROR(check_view(view, known, found->second, rejected));
  }
  return one_pass ? check_rejected(std::move(rejected)) : Status();
}

Status InvariantChecker::check_view(const ViewSpec& view, const KnownLog& known, const ViewAccounting& actual,
                                    std::vector<Line>& rejected) const {
  Windows expected;
  ViewAccounting counted;
  std::vector<Line> late;
  rejected.clear();
  for (const std::vector<KnownRecord>& partition : known) {
    const PartitionAnswer part = answer_of(partition, view);
    expected.insert(part.answer.windows.begin(), part.answer.windows.end());
    counted += part.answer.accounting;
    for (const KnownRecord* record : part.late) late.push_back({record->key.value_or(""), record->value.value_or("")});
    for (const KnownRecord* record : part.rejected)
      rejected.push_back({record->key.value_or(""), record->value.value_or("")});
  }
  ASSIGN_OR_RETURN(const Windows windows, last_results(view));
  for (const auto& [key, window] : expected) {
    const auto found = windows.find(key);
    if (found == windows.end()) {
      return conflict(fmt::format("{} lost the window of {} from {}", view.topic, key.second, key.first));
    }
    if (found->second != window) {
      return conflict(fmt::format("{} has for {} from {} {} instead of {}", view.topic, key.second, key.first,
                                  describe(found->second), describe(window)));
    }
  }
  if (windows.size() != expected.size()) {
    return conflict(fmt::format("{} has {} windows instead of {}", view.topic, windows.size(), expected.size()));
  }
  // How many refinements there are depends on the commits.
  if (view.emit == EmitMode::kChanges) counted.results = actual.results;
  if (!(counted == actual)) {
    return conflict(fmt::format("view {}: {} instead of {}", view.name, describe(actual), describe(counted)));
  }
  ASSIGN_OR_RETURN(auto late_lines, read_topic(view.late_topic()));
  return compare_lines(view.late_topic(), std::move(late_lines), std::move(late));
}

Status InvariantChecker::check_rejected(std::vector<Line> expected) const {
  const std::string topic = views_.front().source->topic + "-rejected";
  ASSIGN_OR_RETURN(auto lines, read_topic(topic));
  return compare_lines(topic, std::move(lines), std::move(expected));
}

Status InvariantChecker::check_tables() const {
  for (const SinkSpec& sink : sinks_) RETURN_IF_ERROR(check_table(sink));
  return {};
}

Status InvariantChecker::check_table(const SinkSpec& sink) const {
  const auto view =
      std::find_if(views_.begin(), views_.end(), [&](const ViewSpec& one) { return one.topic == sink.topic; });
  if (view == views_.end()) return conflict(fmt::format("sink {} reads the topic of no view", sink.name));
  ASSIGN_OR_RETURN(const auto refused, read_topic(sink.topic + "-rejected"));
  if (!refused.empty()) return conflict(fmt::format("sink {} refused {} results", sink.name, refused.size()));
  ASSIGN_OR_RETURN(const Windows expected, last_results(*view));
  EmbeddedAggregateStore kept(store_);
  const auto opened = kept.open(sink.table);
  if (!opened && expected.empty()) return {};
  if (!opened) return opened.error();
  AggregateTable& table = **opened;
  ASSIGN_OR_RETURN(const auto series, table.series({}, SIZE_MAX, nullptr));
  Windows stored;
  for (const AggregateSeries& one : series) {
    ASSIGN_OR_RETURN(const auto page, table.rows(one, {}));
    const std::string key = SeriesKey{one.gateway, one.metric_type, one.metric_attribute}.text();
    for (const AggregateRow& row : page.rows) {
      const bool added = stored
                             .try_emplace({row.window_start_ms, key}, OracleWindow{row.sample_count, row.min, row.max,
                                                                                   Decimal::from_units(row.sum_units)})
                             .second;
      if (!added) return conflict(fmt::format("table {} has a row twice: {}", sink.table, key));
    }
  }
  if (stored == expected) return {};
  return conflict(fmt::format("table {} has {} rows that are not the {} results of {}", sink.table, stored.size(),
                              expected.size(), sink.topic));
}

}  // namespace meterstream
