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

bool needs_state_with_each_commit(const ViewSpec& view) {
  return !view.lags.empty() ||
         (!view.is_stream() && (view.is_unbounded() || view.is_session() || !view.lookups.empty()));
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

Status create_view_topics(std::vector<ViewSpec>& views, EventLog& log) {
  for (ViewSpec& view : views) {
    ASSIGN_OR_RETURN(const auto source, log.create_topic({view.source->topic, view.source->partitions}));
    RETURN_IF_ERROR(log.create_topic({view.source->topic + "-rejected", source.config.partitions}));
    for (const LookupSpec& lookup : view.lookups) RETURN_IF_ERROR(create_table_topic(*lookup.table, log));
    ASSIGN_OR_RETURN(const auto results, log.create_topic({view.topic, view.partitions}));
    view.partitions = results.config.partitions;
    if (view.is_stream()) continue;
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
