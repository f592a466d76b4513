#include "stream/view_deployment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "stream/table_feed.h"

namespace meterstream {
namespace {

// The columns that the key of a topic of readings is made of; results by these columns have the same key.
constexpr std::array<std::string_view, 3> kKeyColumns = {"gateway", "metrictype", "metricattribute"};

}  // namespace

bool groups_stay_in_partitions(const ViewSpec& view) {
  if (view.reads_two()) return view.is_joined_by_partition;
  if (view.is_stream()) return true;
  const auto is_key = [&](size_t column) { return column == view.source->key_column; };
  if (std::ranges::any_of(view.group_by, is_key)) return true;
  if (!view.source->key_is_series) return false;
  return std::all_of(kKeyColumns.begin(), kKeyColumns.end(), [&](std::string_view key_column) {
    return std::any_of(view.group_by.begin(), view.group_by.end(), [&](size_t column) {
      if (column >= view.source->columns.size()) return false;
      std::string name = view.source->columns[column].name;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      return name == key_column;
    });
  });
}

bool joins_by_record_keys(const StreamJoinSpec& join) {
  const auto is_record_key = [](const StreamJoinSpec::Side& side) {
    return side.key->kind == Expression::Kind::kColumn && side.stream->key_column == side.key->column;
  };
  return is_record_key(join.left) && is_record_key(join.right);
}

bool needs_state_with_each_commit(const ViewSpec& view) {
  return view.reads_two() || !view.lags.empty() ||
         (!view.is_stream() && (view.is_unbounded() || view.is_session() || !view.lookups.empty()));
}

std::vector<std::string> streams_read(const ViewSpec& view) {
  if (view.table_join != nullptr) return {};
  std::vector<std::string> topics = {view.source->topic};
  if (view.join != nullptr) topics.push_back(view.join->right.stream->topic);
  return topics;
}

std::vector<std::string> topics_read(const ViewSpec& view) {
  std::vector<std::string> topics = streams_read(view);
  if (view.table_join != nullptr) topics = {view.table_join->left.table->topic, view.table_join->right.table->topic};
  for (const LookupSpec& lookup : view.lookups) topics.push_back(lookup.table->topic);
  return topics;
}

const std::string& second_topic(const ViewSpec& view) {
  return view.join != nullptr ? view.join->right.stream->topic : view.table_join->right.table->topic;
}

namespace {

// Views may share a pass when stream, task shape and committed positions are the same.
Result<std::string> pass_key(const ViewSpec& view, EventLog& log, int32_t partitions, std::string_view application) {
  std::string key = fmt::format("{}|{}", view.source->name, groups_stay_in_partitions(view));
  // Its state is that of its pass, which must stay the same when views come and go.
  if (needs_state_with_each_commit(view)) key += "|" + view.name;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    ASSIGN_OR_RETURN(const auto position, log.position(fmt::format("{}.{}", application, view.name),
                                                       {view.source->topic, PartitionId(partition)}));
    key += position ? fmt::format("|{}", position->next) : "|-";
  }
  return key;
}

}  // namespace

namespace {

Result<int32_t> create_source(const StreamSpec& stream, EventLog& log) {
  ASSIGN_OR_RETURN(const auto topic, log.create_topic({stream.topic, stream.partitions}));
  RETURN_IF_ERROR(log.create_topic({stream.topic + "-rejected", topic.config.partitions}));
  return topic.config.partitions;
}

Result<int32_t> create_source(const TableSpec& table, EventLog& log) {
  ASSIGN_OR_RETURN(const auto topic, create_table_topic(table, log));
  RETURN_IF_ERROR(log.create_topic({table.topic + "-rejected", topic.config.partitions}));
  return topic.config.partitions;
}

Status create_sources(ViewSpec& view, EventLog& log) {
  if (view.table_join != nullptr) {
    ASSIGN_OR_RETURN(const int32_t left, create_source(*view.table_join->left.table, log));
    ASSIGN_OR_RETURN(const int32_t right, create_source(*view.table_join->right.table, log));
    view.is_joined_by_partition = left == right && view.table_join->foreign_key == nullptr;
    return {};
  }
  ASSIGN_OR_RETURN(const int32_t left, create_source(*view.source, log));
  if (view.join == nullptr) return {};
  ASSIGN_OR_RETURN(const int32_t right, create_source(*view.join->right.stream, log));
  view.is_joined_by_partition = joins_by_record_keys(*view.join) && left == right;
  return {};
}

}  // namespace

Status create_view_topics(std::vector<ViewSpec>& views, EventLog& log) {
  for (ViewSpec& view : views) {
    RETURN_IF_ERROR(create_sources(view, log));
    for (const LookupSpec& lookup : view.lookups) RETURN_IF_ERROR(create_table_topic(*lookup.table, log));
    ASSIGN_OR_RETURN(const auto results, log.create_topic({view.topic, view.partitions}));
    view.partitions = results.config.partitions;
    // Nothing of a stream is late, but for rows that would have partners.
    if (view.is_stream() && view.join == nullptr) continue;
    ASSIGN_OR_RETURN(const auto late, log.create_topic({view.late_topic(), view.partitions}));
    view.late_partitions = late.config.partitions;
  }
  return {};
}

Result<std::vector<std::unique_ptr<Task>>> deploy_views(const std::vector<ViewSpec>& views, Runtime runtime,
                                                        const PassTaskOptions& options) {
  std::vector<ViewSpec> specs = views;
  RETURN_IF_ERROR(create_view_topics(specs, runtime.log));
  std::map<std::string, PassSpec> passes;
  for (ViewSpec& view : specs) {
    ASSIGN_OR_RETURN(const auto topic, runtime.log.describe_topic(view.source->topic));
    ASSIGN_OR_RETURN(const std::string key, pass_key(view, runtime.log, topic.config.partitions, options.application));
    PassSpec& pass = passes[key];
    pass.source = view.source;
    pass.views.push_back(std::move(view));
  }
  std::vector<std::pair<const PassSpec*, std::vector<PartitionId>>> shapes;
  for (const auto& [key, pass] : passes) {
    ASSIGN_OR_RETURN(const auto topic, runtime.log.describe_topic(pass.source->topic));
    std::vector<PartitionId> all;
    all.reserve(static_cast<size_t>(topic.config.partitions));
    for (int32_t partition = 0; partition < topic.config.partitions; ++partition) all.emplace_back(partition);
    if (groups_stay_in_partitions(pass.views.front())) {
      for (const PartitionId partition : all) shapes.push_back({&pass, {partition}});
    } else {
      shapes.push_back({&pass, all});
    }
  }
  PassTaskOptions each = options;
  each.tables = runtime.tables;
  if (!shapes.empty()) each.memory_limit_bytes = options.memory_limit_bytes / shapes.size();
  std::vector<std::unique_ptr<Task>> tasks;
  tasks.reserve(shapes.size());
  for (const auto& [pass, partitions] : shapes) {
    PassTaskOptions own = each;
    if (needs_state_with_each_commit(pass->views.front())) own.state_keeping = StateKeeping::kChangelog;
    tasks.push_back(std::make_unique<PassTask>(*pass, partitions, runtime.log, runtime.state, runtime.schemas,
                                               runtime.clock, std::move(own)));
  }
  return tasks;
}

}  // namespace meterstream
