#include "stream/pass_catalog.h"

#include <algorithm>
#include <charconv>
#include <map>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include "base/check.h"
#include "stream/view_changes.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr std::string_view kHeading = "meterstream pass 1\n";
constexpr size_t kHashDigits = 16;

uint64_t hash_of(const ViewSpec& view) {
  const std::string definition = view.definition();
  return XXH3_64bits(definition.data(), definition.size());
}

const ViewSpec* find_view(const std::vector<ViewSpec>& views, std::string_view name) {
  const auto found = std::ranges::find(views, name, &ViewSpec::name);
  return found == views.end() ? nullptr : &*found;
}

bool has_view(const RegisteredPass& pass, std::string_view name) {
  return std::ranges::find(pass.views, name, &RegisteredPass::View::name) != pass.views.end();
}

/// The registered pass with the definitions of today, which must be those it was made with.
Result<PlannedPass> take_up(const RegisteredPass& pass, const std::vector<ViewSpec>& views) {
  PlannedPass planned;
  planned.entry = pass;
  planned.spec.views.reserve(pass.views.size());
  for (const RegisteredPass::View& registered : pass.views) {
    const ViewSpec* view = find_view(views, registered.name);
    if (view == nullptr) {
      return conflict(
          fmt::format("view {} is missing: it runs together with {} and shares its position; put it back into the "
                      "program, or run with another --application-id to compute all from the beginning",
                      registered.name,
                      pass.views.front().name == registered.name ? pass.views.back().name : pass.views.front().name));
    }
    CHECK(hash_of(*view) == registered.definition_hash);
    planned.spec.views.push_back(*view);
  }
  planned.spec.source = planned.spec.views.front().source;
  planned.task_per_partition = groups_stay_in_partitions(planned.spec.views.front());
  return planned;
}

}  // namespace

Result<std::vector<PlannedPass>> plan_passes(const std::vector<ViewSpec>& views,
                                             const std::vector<RegisteredPass>& registered) {
  RETURN_IF_ERROR(check_unchanged(view_changes(views, registered)));
  std::vector<PlannedPass> planned;
  for (const RegisteredPass& pass : registered) {
    const bool is_ours = std::ranges::any_of(views, [&](const ViewSpec& view) { return has_view(pass, view.name); });
    if (!is_ours) continue;
    ASSIGN_OR_RETURN(PlannedPass taken, take_up(pass, views));
    planned.push_back(std::move(taken));
  }
  std::map<std::pair<std::string, bool>, size_t> place_of;
  for (const ViewSpec& view : views) {
    if (std::ranges::any_of(registered, [&](const RegisteredPass& pass) { return has_view(pass, view.name); }))
      continue;
    if (view.name.find('\n') != std::string::npos) return invalid("a view's name must not hold a line break");
    const bool task_per_partition = groups_stay_in_partitions(view);
    // A join is alone in its pass.
    const std::string stream = !view.reads_two() ? view.source->name : view.source->name + '\n' + view.name;
    const auto [place, is_new] = place_of.try_emplace({stream, task_per_partition}, planned.size());
    if (is_new) {
      PlannedPass& pass = planned.emplace_back();
      pass.entry.name = topic_name_part(view.name);
      pass.spec.source = view.source;
      pass.task_per_partition = task_per_partition;
      pass.is_new = true;
      const auto same_name = [&](const RegisteredPass& other) { return other.name == pass.entry.name; };
      if (std::ranges::any_of(registered, same_name)) {
        return conflict(fmt::format("view {}: a pass of the name {} exists already; give the view another name",
                                    view.name, pass.entry.name));
      }
    }
    PlannedPass& pass = planned[place->second];
    pass.entry.views.push_back({view.name, hash_of(view)});
    pass.spec.views.push_back(view);
  }
  return planned;
}

std::string encode_registered_pass(const RegisteredPass& pass) {
  std::string text(kHeading);
  for (const RegisteredPass::View& view : pass.views) {
    text += fmt::format("{:016x} {}\n", view.definition_hash, view.name);
  }
  return text;
}

Result<RegisteredPass> decode_registered_pass(std::string_view name, std::string_view value) {
  RegisteredPass pass{std::string(name), {}};
  const auto unreadable = [&] {
    return corrupt(
        fmt::format("the catalog entry of pass {} cannot be read; was its topic written by something else?", name));
  };
  if (!value.starts_with(kHeading)) return unreadable();
  for (std::string_view rest = value.substr(kHeading.size()); !rest.empty();) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos || end < kHashDigits + 2 || rest[kHashDigits] != ' ') return unreadable();
    RegisteredPass::View view;
    const char* hash_end = rest.data() + kHashDigits;
    const auto [parsed_to, problem] = std::from_chars(rest.data(), hash_end, view.definition_hash, 16);
    if (problem != std::errc() || parsed_to != hash_end) return unreadable();
    view.name = rest.substr(kHashDigits + 1, end - kHashDigits - 1);
    pass.views.push_back(std::move(view));
    rest.remove_prefix(end + 1);
  }
  if (pass.views.empty()) return unreadable();
  return pass;
}

std::string topic_name_part(std::string_view name) {
  std::string part(name);
  for (char& character : part) {
    const bool is_allowed = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                            (character >= '0' && character <= '9') || character == '-' || character == '.';
    if (!is_allowed) character = '_';
  }
  return part;
}

}  // namespace meterstream
