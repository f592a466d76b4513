// Purpose: the WINDOW of a CREATE TABLE, and whether its EMIT fits it.
// Errors: kInvalid with the place. Thread-safety: pure function.
#pragma once

#include "base/result.h"
#include "sql/ast.h"
#include "sql/logical_plan.h"
#include "sql/source_text.h"

namespace meterstream {

/// Fills in the lengths of `window`; a table without WINDOW has one of all times.
Status bind_window(const ast::CreateTable& table, const SourceText& source, WindowAggregate& window);

}  // namespace meterstream
