#include <algorithm>
#include <numeric>

#include "stream/view_chain.h"

namespace meterstream {
namespace {

std::string sharing_key(const ViewSpec& view) {
  std::string key = view.filter == nullptr ? "" : identity_of(*view.filter);
  for (const LookupSpec& lookup : view.lookups) {
    key +=
        '/' + definition_of(*lookup.table) + (lookup.keeps_unmatched ? "/left/" : "/inner/") + identity_of(*lookup.key);
  }
  for (const size_t column : view.group_by) key += '/' + std::to_string(column);
  for (const auto& expression : view.group_expressions) key += '/' + identity_of(*expression);
  return key + '/' + std::to_string(view.grace_ms);
}

}  // namespace

std::vector<std::vector<size_t>> chains_of(const std::vector<ViewSpec>& views) {
  std::vector<size_t> order(views.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return views[a].window_size_ms < views[b].window_size_ms; });
  std::vector<std::vector<size_t>> chains;
  for (const size_t index : order) {
    const ViewSpec& view = views[index];
    auto fits = [&](const std::vector<size_t>& chain) {
      const ViewSpec& last = views[chain.back()];
      return !last.is_stream() && !view.is_stream() && last.lags.empty() && view.lags.empty() && !last.is_hopping() &&
             !view.is_hopping() && !last.is_session() && !view.is_session() && !last.has_local_days() &&
             !view.has_local_days() && last.emit == EmitMode::kFinal && view.emit == EmitMode::kFinal &&
             last.source == view.source && view.window_size_ms % last.window_size_ms == 0 &&
             sharing_key(last) == sharing_key(view);
    };
    const auto found = std::find_if(chains.begin(), chains.end(), fits);
    if (found == chains.end()) {
      chains.push_back({index});
    } else {
      found->push_back(index);
    }
  }
  return chains;
}

}  // namespace meterstream
