// Purpose: how the stream engine runs a view, for people: a line an operator, in the order in which a row goes through them.
// Thread-safety: pure function.
#pragma once

#include <string>

#include "stream/view_spec.h"

namespace meterstream {

std::string operators_text(const ViewSpec& view);

}  // namespace meterstream
