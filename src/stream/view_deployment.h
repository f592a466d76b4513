// Purpose: turns views into tasks: which views share a pass, which partitions a task owns, which topics must exist.
// Rules: views of one stream that stand at the same positions share one pass. When the views' groups contain gateway,
//        metricType and metricAttribute, which the key of a topic of readings is made of, or the stream's KEY column, each
//        partition is a task of its own; otherwise one task reads all partitions, so that every group is in one place.
//        A join of two streams has a pass of its own; a task for each partition where both sides are joined by their records'
//        keys and have equally many partitions.
// Thread-safety: none. Errors: those of the log.
#pragma once

#include <memory>
#include <vector>

#include "stream/pass_task.h"

namespace meterstream {

/// Where deployed views run. All must outlive the tasks.
struct Runtime {
  EventLog& log;
  KeyValueStore& state;
  SchemaStore& schemas;
  const Clock& clock;
  /// Of the tables that views look up; may be null when none does.
  TableFeeds* tables = nullptr;
};

/// Creates the missing topics and builds the tasks.
Result<std::vector<std::unique_ptr<Task>>> deploy_views(const std::vector<ViewSpec>& views, Runtime runtime,
                                                        const PassTaskOptions& options);

/// Records of one group surely lie in one partition: the group contains everything that the key is made of.
bool groups_stay_in_partitions(const ViewSpec& view);

/// Both sides by their records' keys: then rows of one key are in partitions of one number, where the topics have as many.
bool joins_by_record_keys(const StreamJoinSpec& join);

/// State that cannot be made anew from the log alone: what was looked up when a reading came may have changed since; a window
/// without end, a session, which may be as long, and what LAG remembers, would need all of the log; in what order two topics were
/// read is not told by them.
bool needs_state_with_each_commit(const ViewSpec& view);

/// Topics of the streams that the view reads: one, or two of a join.
std::vector<std::string> streams_read(const ViewSpec& view);
/// And of the tables that it looks up or joins.
std::vector<std::string> topics_read(const ViewSpec& view);

/// Of the right stream or table of a view that reads two.
const std::string& second_topic(const ViewSpec& view);

/// Sets each view's partition counts to those of its topics, creating the topics that are missing.
Status create_view_topics(std::vector<ViewSpec>& views, EventLog& log);

}  // namespace meterstream
