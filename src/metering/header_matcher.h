// Purpose: matches a file's header with the columns a format knows, by name whatever the letter case, and makes its
//          reader.
// Rule: the separator is ';' when the header has one, else ','. Unknown columns are ignored; time columns must be
//       there, and at least one value.
// Errors: kInvalid names the file, what is missing, and the header that was found.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metering/delimited_reader.h"

namespace meterstream {

struct KnownColumn {
  std::string name;
  DelimitedColumn::Role role = DelimitedColumn::Role::kIgnored;
  /// Of a kValue.
  MetricRegister value;
};

/// `format` names the format for messages. Registers keep the order of `known`.
Result<std::unique_ptr<ReadingReader>> make_delimited_reader(std::unique_ptr<ByteSource> source,
                                                             std::string_view format,
                                                             const std::vector<KnownColumn>& known);

}  // namespace meterstream
