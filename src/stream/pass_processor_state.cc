#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/pass_processor.h"

namespace meterstream {
namespace {

std::string duplicates_prefix(std::string_view prefix, size_t partition) {
  std::string key(prefix);
  key += 'd';
  append_big_endian32(key, static_cast<uint32_t>(partition));
  return key;
}

std::string join_prefix(std::string_view prefix) {
  return std::string(prefix) + 'j';
}

std::string windows_prefix(std::string_view prefix) {
  return std::string(prefix) + 'w';
}

}  // namespace

void PassProcessor::save_new_keys(std::string_view prefix, WriteBatch& batch) {
  for (size_t i = 0; i < chains_.size(); ++i) chains_[i]->save_new_keys(fmt::format("{}{:04}/", prefix, i), batch);
}

Status PassProcessor::load_keys(std::string_view prefix, const KeyValueStore& store) {
  for (size_t i = 0; i < chains_.size(); ++i) {
    RETURN_IF_ERROR(chains_[i]->load_keys(fmt::format("{}{:04}/", prefix, i), store));
  }
  return {};
}

void PassProcessor::save_lags(std::string_view prefix, WriteBatch& batch) {
  for (size_t i = 0; i < chains_.size(); ++i) chains_[i]->save_lags(fmt::format("{}{:04}/", prefix, i), batch);
}

Status PassProcessor::load_lags(std::string_view prefix, const KeyValueStore& store) {
  for (size_t i = 0; i < chains_.size(); ++i) {
    RETURN_IF_ERROR(chains_[i]->load_lags(fmt::format("{}{:04}/", prefix, i), store));
  }
  return {};
}

Status PassProcessor::save(SnapshotWriter& writer) const {
  // The state of a join is written with each commit.
  CHECK(join_ == nullptr && table_join_ == nullptr);
  for (const auto& filter : duplicates_) RETURN_IF_ERROR(filter->save(writer));
  for (const auto& chain : chains_) RETURN_IF_ERROR(chain->save(writer));
  return writer.finish();
}

Status PassProcessor::load(SnapshotReader& reader) {
  for (const auto& filter : duplicates_) RETURN_IF_ERROR(filter->load(reader));
  for (const auto& chain : chains_) RETURN_IF_ERROR(chain->load(reader));
  return {};
}

Status PassProcessor::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (size_t i = 0; i < duplicates_.size(); ++i) {
    if (duplicates_[i] != nullptr) duplicates_[i]->save_changes(duplicates_prefix(prefix, i), batch);
  }
  if (join_ != nullptr) join_->save_changes(join_prefix(prefix), batch);
  if (table_join_ != nullptr) table_join_->save_changes(join_prefix(prefix), batch);
  for (const auto& chain : chains_) RETURN_IF_ERROR(chain->save_changes(windows_prefix(prefix), batch));
  return {};
}

Status PassProcessor::load_changes(std::string_view prefix, const KeyValueStore& store) {
  for (size_t i = 0; i < duplicates_.size(); ++i) {
    if (duplicates_[i] != nullptr) RETURN_IF_ERROR(duplicates_[i]->load_changes(duplicates_prefix(prefix, i), store));
  }
  if (join_ != nullptr) RETURN_IF_ERROR(join_->load_changes(join_prefix(prefix), store));
  if (table_join_ != nullptr) RETURN_IF_ERROR(table_join_->load_changes(join_prefix(prefix), store));
  for (const auto& chain : chains_) RETURN_IF_ERROR(chain->load_changes(windows_prefix(prefix), store));
  return {};
}

}  // namespace meterstream
