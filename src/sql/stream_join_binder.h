// Purpose: JOIN of two streams. Part of the binder.
// Errors: kInvalid with the position, for sources, conditions and lengths of time that cannot be.
#pragma once

#include <memory>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/binder.h"
#include "sql/logical_plan.h"
#include "sql/row_scope.h"

namespace meterstream {

/// `join` is one of `statement`. `scope` has the columns of `left`; those of the right stream are added.
Result<StreamJoinNode> bind_stream_join(const ast::CreateTable& statement, const ast::Join& join,
                                        const std::shared_ptr<const StreamSpec>& left, RowScope& scope,
                                        const SourceText& source, const Catalog& catalog);

}  // namespace meterstream
