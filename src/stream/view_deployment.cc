#include "stream/view_deployment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <fmt/format.h>

namespace meterstream {
namespace {

// The columns that the key of a topic of readings is made of; results by these columns have the same key.
constexpr std::array<std::string_view, 3> kKeyColumns = {"gateway", "metrictype", "metricattribute"};

}  // namespace

bool groups_stay_in_partitions(const ViewSpec& view) {
  if (view.is_stream()) return true;
  return std::all_of(kKeyColumns.begin(), kKeyColumns.end(), [&](std::string_view key_column) {
    return std::any_of(view.group_by.begin(), view.group_by.end(), [&](size_t column) {
      if (column >= view.source->columns.size()) return false;
      std::string name = view.source->columns[column].name;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      return name == key_column;
    });
  });
}

namespace {

// Views may share a pass when stream, task shape and committed positions are the same.
Result<std::string> pass_key(const ViewSpec& view, EventLog& log, int32_t partitions, std::string_view application) {
  std::string key = fmt::format("{}|{}", view.source->name, groups_stay_in_partitions(view));
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
  if (!shapes.empty()) each.memory_limit_bytes = options.memory_limit_bytes / shapes.size();
  std::vector<std::unique_ptr<Task>> tasks;
  tasks.reserve(shapes.size());
  for (const auto& [pass, partitions] : shapes) {
    tasks.push_back(std::make_unique<PassTask>(*pass, partitions, runtime.log, runtime.state, runtime.schemas,
                                               runtime.clock, each));
  }
  return tasks;
}

}  // namespace meterstream
