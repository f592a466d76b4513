#include "connectors/lake/lake_inventory.h"

#include <algorithm>

#include <fmt/format.h>

namespace meterstream {
namespace {

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

/// A small object of the lake's own; its faults are the lake's, those of the store are errors.
template <class Parsed>
Status read_record(LakeStore& store, const std::string& path, std::vector<std::string>& faults,
                   const std::function<void(Parsed)>& use) {
  const auto json = store.read(path);
  if (!json && json.error().code == ErrorCode::kNotFound) return {};
  if (!json) return json.error();
  auto parsed = Parsed::parse(path, *json);
  if (parsed) {
    use(*std::move(parsed));
  } else {
    faults.push_back(std::move(parsed).error().message);
  }
  return {};
}

}  // namespace

Result<LakeInventory> LakeInventory::load(LakeStore& store) {
  // Objects are listed after the records: whoever writes meanwhile records first.
  LakeInventory inventory;
  std::vector<LakeStore::Entry> entries;
  ASSIGN_OR_RETURN(const auto ranges, store.list(kRangesDirectory));
  for (const LakeStore::Entry& entry : ranges) {
    RETURN_IF_ERROR(read_record<LakeRange>(store, entry.path, inventory.faults, [&](LakeRange range) {
      inventory.ranges[range.source].push_back(std::move(range));
    }));
  }
  ASSIGN_OR_RETURN(entries, store.list(""));
  for (LakeStore::Entry& entry : entries) {
    if (auto name = LakeObjectName::parse(entry.path)) {
      const PartitionDay key{name->source, name->day};
      inventory.objects[key].push_back({*std::move(name), entry.bytes, entry.modified_ms});
    } else if (is_below(entry.path, kMergedDirectory)) {
      RETURN_IF_ERROR(read_record<LakeMerge>(store, entry.path, inventory.faults,
                                             [&](LakeMerge merge) { inventory.merges.emplace(merge.object, merge); }));
    } else if (is_below(entry.path, kUploadsDirectory)) {
      inventory.uploads.push_back(std::move(entry));
    }
  }
  for (auto& [source, of_source] : inventory.ranges) std::ranges::sort(of_source, {}, &LakeRange::first);
  for (auto& [key, of_day] : inventory.objects) std::ranges::sort(of_day, {}, &Object::name);
  return inventory;
}

bool LakeInventory::has(const LakeObjectName& name) const {
  const auto of_day = objects.find({name.source, name.day});
  return of_day != objects.end() && std::ranges::binary_search(of_day->second, name, {}, &Object::name);
}

const LakeMerge* LakeInventory::merge_of(const LakeObjectName& part) const {
  const LakeObjectName first_of_day{part.day, part.source, Offset(0), Offset(0)};
  for (auto found = merges.lower_bound(first_of_day); found != merges.end(); ++found) {
    const auto& [object, merge] = *found;
    if (object.day != part.day || object.source != part.source || object.first > part.first) break;
    if (has(object) && std::ranges::find(merge.parts, part) != merge.parts.end()) return &merge;
  }
  return nullptr;
}

}  // namespace meterstream
