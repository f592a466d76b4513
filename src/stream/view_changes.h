// Purpose: which views of a program go on with the state that they had under an application id, and which are new or another than before.
// Thread-safety: pure functions, but for the log that is read.
// Errors: kConflict naming every view whose definition changed, and what to do; those of the log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/event_log.h"
#include "stream/pass_catalog.h"

namespace meterstream {

/// Names, in the program's order.
struct ViewChanges {
  std::vector<std::string> unchanged;
  std::vector<std::string> added;
  std::vector<std::string> changed;
};

/// By what the views' groups committed. Topics that do not exist have nothing committed.
Result<ViewChanges> view_changes(const std::vector<ViewSpec>& views, EventLog& log, std::string_view application);
/// By the catalog of passes.
ViewChanges view_changes(const std::vector<ViewSpec>& views, const std::vector<RegisteredPass>& registered);

Status check_unchanged(const ViewChanges& changes);

/// For people; empty when all views are new or all go on.
std::string to_text(const ViewChanges& changes);

}  // namespace meterstream
