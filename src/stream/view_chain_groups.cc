// Which group each row is of, and which states the slots of a chain have.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "stream/group_key.h"
#include "stream/view_chain.h"

namespace meterstream {

void ViewChain::name_arguments() {
  std::vector<std::string> identities;
  for (const ViewSpec* view : views_) {
    std::vector<SlotPlace>& own = argument_of_.emplace_back();
    for (const AggregateSpec& aggregate : view->aggregates) {
      SlotPlace& place = own.emplace_back();
      if (aggregate.argument == nullptr || is_sampled(aggregate)) continue;
      std::string identity = identity_of(*aggregate.argument);
      const auto found = std::find(identities.begin(), identities.end(), identity);
      place.value = static_cast<size_t>(found - identities.begin());
      if (found != identities.end()) continue;
      identities.push_back(std::move(identity));
      arguments_.push_back({aggregate.argument, aggregate.argument->type, {}});
    }
  }
  plain_arguments_ = arguments_.size();
  for (size_t view = 0; view < views_.size(); ++view) {
    for (size_t aggregate = 0; aggregate < argument_of_[view].size(); ++aggregate) {
      if (!is_spread(views_[view]->aggregates[aggregate].function)) continue;
      SlotPlace& place = argument_of_[view][aggregate];
      const auto found = std::ranges::find(arguments_, std::optional(place.value), &Argument::squares_of);
      place.squares = static_cast<size_t>(found - arguments_.begin());
      if (found != arguments_.end()) continue;
      const Argument& squared = arguments_[place.value];
      arguments_.push_back({squared.expression, squared.type, place.value});
    }
  }
}

void ViewChain::find_groups(DecodedBatch& batch) {
  ids_.resize(rows_.size());
  if (keys_decoded_) {
    if (rows_.size() == batch.columns.rows) {
      keys_.intern(batch.columns.group_keys, ids_.data());
      return;
    }
    row_keys_.clear();
    for (const uint32_t row : rows_) row_keys_.push_back(batch.columns.group_keys[row]);
    keys_.intern(row_keys_, ids_.data());
    return;
  }
  make_group_keys(batch);
  keys_.intern(row_keys_, ids_.data());
}

// The keys of rows_ in row_keys_.
void ViewChain::make_group_keys(DecodedBatch& batch) {
  const ViewSpec& view = *views_.front();
  int64_t faults = 0;
  std::vector<Column> computed;
  computed.reserve(view.group_expressions.size());
  for (const auto& expression : view.group_expressions)
    computed.push_back(evaluate(*expression, batch.columns, faults));
  count_faults(faults);
  std::vector<const Column*> groups;
  groups.reserve(view.group_by.size());
  const size_t columns = view.row_columns().size();
  for (const size_t index : view.group_by)
    groups.push_back(index < columns ? &batch.columns.columns[index] : &computed[index - columns]);
  key_bytes_.clear();
  key_ends_.clear();
  for (const uint32_t row : rows_) {
    for (const Column* group : groups) append_group_value(key_bytes_, *group, row);
    key_ends_.push_back(key_bytes_.size());
  }
  row_keys_.clear();
  size_t begin = 0;
  for (const size_t end : key_ends_) {
    row_keys_.push_back(std::string_view(key_bytes_).substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace meterstream
