#include "connectors/kafka/kafka_commit.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

namespace meterstream {
namespace {

constexpr auto kVisibilityPause = std::chrono::milliseconds(2);

// A committed transaction becomes readable a moment later, when its mark has reached each partition. The commit holds in
// any case.
void await_visibility(const std::vector<KafkaAppend>& appends, KafkaTopics& topics, int64_t within_ms) {
  std::map<TopicPartition, Offset> last;
  for (const KafkaAppend& append : appends) {
    Offset& offset = last.try_emplace(append.target, append.last).first->second;
    offset = std::max(offset, append.last);
  }
  std::vector<TopicPartition> targets;
  targets.reserve(last.size());
  for (const auto& [target, offset] : last) targets.push_back(target);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within_ms);
  while (std::chrono::steady_clock::now() < end) {
    const auto ends = topics.ends(targets, KafkaTopics::End::kStable);
    if (!ends) return;
    bool is_visible = true;
    for (size_t index = 0; index < targets.size(); ++index) is_visible &= (*ends)[index] > last[targets[index]];
    if (is_visible) return;
    std::this_thread::sleep_for(kVisibilityPause);
  }
}

}  // namespace

Result<KafkaRecordBatch> KafkaRecordBatch::parse(RecordBatchBuilder& builder, IngestTime now) {
  KafkaRecordBatch batch;
  batch.records.reserve(builder.count());
  batch.bytes = builder.finish(Offset(0), now);
  RETURN_IF_ERROR(parse_record_batch(batch.bytes, Offset(0), batch.records));
  return batch;
}

void KafkaCommit::add(KafkaCommitPart part) {
  if (!part.is_empty()) parts_.push_back(std::move(part));
}

// A group is named once.
std::vector<KafkaGroupCommit> KafkaCommit::groups() const {
  std::vector<KafkaGroupCommit> merged;
  for (const KafkaCommitPart& part : parts_) {
    for (const KafkaGroupCommit& group : part.groups) {
      const auto found = std::ranges::find(merged, group.group, &KafkaGroupCommit::group);
      if (found == merged.end()) {
        merged.push_back(group);
        continue;
      }
      found->offsets.insert(found->offsets.end(), group.offsets.begin(), group.offsets.end());
    }
  }
  return merged;
}

Status KafkaCommit::write(KafkaWriter& writer, KafkaTopics& topics, int64_t visible_within_ms) {
  std::vector<KafkaAppend> appends;
  for (const bool follows : {false, true}) {
    for (const KafkaCommitPart& part : parts_) {
      std::ranges::copy_if(part.appends, std::back_inserter(appends),
                           [follows](const KafkaAppend& append) { return append.follows_others == follows; });
    }
  }
  if (Status written = writer.commit(appends, groups()); !written) {
    if (written.error().code == ErrorCode::kNotFound)
      for (const KafkaAppend& append : appends) topics.forget(append.target.topic);
    return written;
  }
  // Only changelogs follow, at most one a part.
  auto next = std::ranges::find(appends, true, &KafkaAppend::follows_others);
  for (KafkaCommitPart& part : parts_) {
    if (!part.appends.empty() && part.appends.back().follows_others) part.appends.back().last = (next++)->last;
  }
  if (visible_within_ms > 0) await_visibility(appends, topics, visible_within_ms);
  return {};
}

Status KafkaCommit::apply() {
  Status applied;
  for (KafkaCommitPart& part : std::exchange(parts_, {})) {
    if (part.changelog == nullptr) continue;
    Status one = part.changelog->apply(std::move(part.transaction), part.appends.back().last);
    if (!one && applied) applied = std::move(one);
  }
  return applied;
}

}  // namespace meterstream
