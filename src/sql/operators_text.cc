#include "sql/operators_text.h"

#include <fmt/format.h>

#include "metering/duration.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

std::string tasks_text(const ViewSpec& view) {
  if (view.join != nullptr) {
    return joins_by_record_keys(*view.join)
               ? "a task for each partition, or one for all if the topics have not equally many"
               : "one task for all partitions, so that each key is in one place";
  }
  return groups_stay_in_partitions(view) ? "a task for each partition"
                                         : "one task for all partitions, so that each group is in one place";
}

std::string read_text(const StreamSpec& source, std::string_view tasks) {
  std::string text =
      fmt::format("read topic {} ({}): {}\n", source.topic, to_text(source.format, source.delimiter), tasks);
  if (source.deduplicate)
    text += fmt::format("drop repeats of the last {}\n", format_duration(source.deduplicate_horizon_ms));
  return text;
}

std::string lookups_text(const ViewSpec& view, const std::vector<ColumnSchema>& columns) {
  std::string text;
  for (const LookupSpec& lookup : view.lookups) {
    text +=
        fmt::format("look up {} in {} (in memory, from topic {}{}); {}\n", to_text(*lookup.key, columns),
                    lookup.table->name, lookup.table->topic,
                    lookup.table->valid_from_column ? ", the row valid at the event time" : ", the row that came last",
                    lookup.keeps_unmatched ? "without a row: NULLs" : "without a row: left out");
  }
  for (const LagSpec& lag : view.lags)
    text += fmt::format("remember {} of each key{}\n", to_text(*lag.value, columns),
                        lag.rows == 1 ? "" : fmt::format(", of {} rows", lag.rows));
  return text;
}

std::string join_text(const StreamJoinSpec& join) {
  const StreamSpec& right = *join.right.stream;
  std::string text = fmt::format(
      "join by {} = {}, right rows from {} before to {} after the left one's time; rows are kept so long and {} more, "
      "their state is written with each commit\n",
      to_text(*join.left.key, join.left.stream->columns), to_text(*join.right.key, right.columns),
      format_duration(join.before_ms), format_duration(join.after_ms), format_duration(join.grace_ms));
  if (join.left.keeps_unmatched) text += "left rows without a partner: NULLs, when none can come any more\n";
  if (join.right.keeps_unmatched) text += "right rows without a partner: NULLs, when none can come any more\n";
  return text;
}

std::string table_join_text(const TableJoinSpec& join) {
  const TableSpec& left = *join.left.table;
  const TableSpec& right = *join.right.table;
  const bool is_foreign = join.foreign_key != nullptr;
  std::string text = fmt::format(
      "read topics {} ({}) and {} ({}): {}\njoin by {} = {}; the rows of both are kept, their state is written with "
      "each "
      "commit\n",
      left.topic, to_text(left.format, left.delimiter), right.topic, to_text(right.format, right.delimiter),
      is_foreign ? "one task for all partitions"
                 : "a task for each partition, or one for all if the topics have not equally many",
      is_foreign ? to_text(*join.foreign_key, left.columns) : left.columns[left.key_column].name,
      right.columns[right.key_column].name);
  if (join.left.keeps_unmatched) text += "left rows without a partner: NULLs\n";
  if (join.right.keeps_unmatched) text += "right rows without a partner: NULLs\n";
  return text;
}

std::string window_text(const ViewSpec& view) {
  std::string groups;
  for (size_t group = 0; group < view.group_by.size(); ++group)
    groups += fmt::format("{}{}", group == 0 ? "" : ", ", view.group_column(group).name);
  std::string aggregates;
  for (const AggregateSpec& aggregate : view.aggregates)
    aggregates += fmt::format("{}{}", aggregates.empty() ? "" : ", ", to_text(aggregate, view.row_columns()));
  std::string text = fmt::format("group by {}: {}\n", groups, aggregates);
  if (view.is_unbounded()) return text + "one window of all times; its state is written with each commit\n";
  if (view.is_hopping()) {
    text += fmt::format("panes of windows of {} that start each {}", format_duration(view.window_size_ms),
                        format_duration(view.advance_ms));
  } else if (view.is_session()) {
    text += fmt::format("sessions with gaps up to {}", format_duration(view.session_gap_ms));
  } else {
    text += fmt::format("windows of {}{}", format_duration(view.window_size_ms),
                        view.has_local_days() ? " from midnight to midnight in " + view.time_zone : "");
  }
  const int64_t waits_ms = view.session_gap_ms + view.grace_ms;
  return text + fmt::format(", closed {} after their end; later readings go to {}\n{}", format_duration(waits_ms),
                            view.late_topic(), view.is_session() ? "their state is written with each commit\n" : "");
}

}  // namespace

std::string operators_text(const ViewSpec& view) {
  const std::vector<ColumnSchema> columns = view.row_columns();
  const StreamSpec& source = *view.source;
  std::string text = view.table_join != nullptr ? table_join_text(*view.table_join)
                     : view.join == nullptr
                         ? read_text(source, tasks_text(view))
                         : read_text(*view.join->left.stream, tasks_text(view)) +
                               read_text(*view.join->right.stream, "in the same tasks") + join_text(*view.join);
  text += lookups_text(view, columns);
  if (view.filter != nullptr) text += fmt::format("keep rows with {}\n", to_text(*view.filter, columns));
  if (!view.is_stream()) text += window_text(view);
  if (view.having != nullptr)
    text += fmt::format("keep results with {}\n", to_text(*view.having, view.result_columns()));
  const std::string_view when = view.table_join != nullptr ? "each change of a row; without a value when it is gone"
                                : view.join != nullptr     ? "each pair"
                                : view.is_stream()         ? "each row"
                                : view.emit == EmitMode::kFinal ? "the final result of each window"
                                : view.emit == EmitMode::kBounds
                                    ? "the beginning of each session, without WINDOWEND, and its final result"
                                    : "refinements with each commit";
  const std::string key =
      view.partition_by == nullptr ? "" : fmt::format(", by {}", to_text(*view.partition_by, columns));
  return text + fmt::format("write topic {} ({}){}: {}\n", view.topic,
                            to_text(view.result_format, view.result_delimiter), key, when);
}

}  // namespace meterstream
