// Purpose: which views of an application run together where passes are shared out among processes. A pass is named once,
//          for good: its name is in the consumer group and in the changelog that hold its position and state.
// Rules: views of one stream that come new together share a pass, when their tasks have the same shape (see
//        view_deployment.h). A pass that exists is run whole: every view of it, with the definition it was made with.
// Thread-safety: values and pure functions.
// Errors: kConflict, saying which view and what to do; kInvalid for view names that cannot be written down.
// Format of a record: docs/formats/kafka-topics.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/pass_processor.h"

namespace meterstream {

/// A pass as it was written down when its views came first.
struct RegisteredPass {
  struct View {
    std::string name;
    /// Of ViewSpec::definition().
    uint64_t definition_hash = 0;
    bool operator==(const View&) const = default;
  };
  std::string name;
  std::vector<View> views;
  bool operator==(const RegisteredPass&) const = default;
};

struct PlannedPass {
  RegisteredPass entry;
  PassSpec spec;
  /// True: every partition is a task of its own. False: one task reads all.
  bool task_per_partition = true;
  /// Not written down yet.
  bool is_new = false;
};

/// `views` of the program to run; `registered` in the order they were written.
Result<std::vector<PlannedPass>> plan_passes(const std::vector<ViewSpec>& views,
                                             const std::vector<RegisteredPass>& registered);

/// The value of a record of the catalog; its key is the name of the pass.
std::string encode_registered_pass(const RegisteredPass& pass);
Result<RegisteredPass> decode_registered_pass(std::string_view name, std::string_view value);

/// `name` with every character that a topic or group name may not have replaced by '_'.
std::string topic_name_part(std::string_view name);

}  // namespace meterstream
