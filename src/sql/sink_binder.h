// Purpose: CREATE SINK: which options each type of sink has, and what they mean. Part of the binder.
// Errors: kInvalid with the position. Thread-safety: pure function.
#pragma once

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"
#include "stream/view_spec.h"

namespace meterstream {

Result<SinkSpec> bind_sink(const ast::CreateSink& syntax, const SourceText& source);

}  // namespace meterstream
