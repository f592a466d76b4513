#include "stream/view_changes.h"

#include <algorithm>
#include <optional>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "state/view_checkpoint.h"

namespace meterstream {
namespace {

/// What the view was when it committed last; nullopt when it never did.
Result<std::optional<std::string>> committed_definition(const ViewSpec& view, EventLog& log,
                                                        std::string_view application) {
  const auto topic = log.describe_topic(view.source->topic);
  if (!topic) {
    if (topic.error().code == ErrorCode::kNotFound) return std::nullopt;
    return topic.error();
  }
  const std::string group = fmt::format("{}.{}", application, view.name);
  for (int32_t partition = 0; partition < topic->config.partitions; ++partition) {
    ASSIGN_OR_RETURN(const auto position, log.position(group, {view.source->topic, PartitionId(partition)}));
    if (!position) continue;
    ASSIGN_OR_RETURN(ViewCheckpoint checkpoint, decode_view_checkpoint(position->metadata));
    return std::move(checkpoint.definition);
  }
  return std::nullopt;
}

}  // namespace

Result<ViewChanges> view_changes(const std::vector<ViewSpec>& views, EventLog& log, std::string_view application) {
  ViewChanges changes;
  for (const ViewSpec& view : views) {
    ASSIGN_OR_RETURN(const auto known, committed_definition(view, log, application));
    auto& kind = !known ? changes.added : *known == view.definition() ? changes.unchanged : changes.changed;
    kind.push_back(view.name);
  }
  return changes;
}

ViewChanges view_changes(const std::vector<ViewSpec>& views, const std::vector<RegisteredPass>& registered) {
  ViewChanges changes;
  for (const ViewSpec& view : views) {
    const std::string definition = view.definition();
    const uint64_t hash = XXH3_64bits(definition.data(), definition.size());
    std::vector<std::string>* kind = &changes.added;
    for (const RegisteredPass& pass : registered) {
      const auto known = std::ranges::find(pass.views, view.name, &RegisteredPass::View::name);
      if (known != pass.views.end()) kind = known->definition_hash == hash ? &changes.unchanged : &changes.changed;
    }
    kind->push_back(view.name);
  }
  return changes;
}

Status check_unchanged(const ViewChanges& changes) {
  if (changes.changed.empty()) return {};
  const bool is_one = changes.changed.size() == 1;
  std::string message = fmt::format(
      "{} with another definition; give the new {} another name, or run with another "
      "--application-id to compute {} from the beginning",
      is_one ? "view " + changes.changed.front() + " exists"
             : fmt::format("views {} exist", fmt::join(changes.changed, ", ")),
      is_one ? "one" : "ones", is_one ? "it" : "them");
  if (!changes.unchanged.empty())
    message += fmt::format(". What did not change keeps its state: {}", fmt::join(changes.unchanged, ", "));
  return conflict(message);
}

std::string to_text(const ViewChanges& changes) {
  if (changes.unchanged.empty() || changes.added.empty()) return {};
  return fmt::format("views that did not change go on: {}; new: {}", fmt::join(changes.unchanged, ", "),
                     fmt::join(changes.added, ", "));
}

}  // namespace meterstream
