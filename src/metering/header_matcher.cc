#include "metering/header_matcher.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace meterstream {

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// Bytes of a foreign file that would do something to a terminal as \xNN.
std::string printable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return text;
}

Error unlike(const ByteSource& source, std::string_view format, std::string_view fault, std::string_view header) {
  return invalid(fmt::format("'{}' is not a file of {}: {}. Its header is '{}'. Check --type and the file",
                             source.name(), format, fault, printable(header.substr(0, 200))));
}

}  // namespace

Result<std::unique_ptr<ReadingReader>> make_delimited_reader(std::unique_ptr<ByteSource> source,
                                                             std::string_view format,
                                                             const std::vector<KnownColumn>& known) {
  auto lines = std::make_unique<LineSplitter>(*source);
  ASSIGN_OR_RETURN(const std::string header, DelimitedReader::read_header(*source, *lines));
  DelimitedFormat parsed;
  parsed.separator = header.find(';') != std::string::npos ? ';' : ',';
  std::vector<std::string> names = split_header(header, parsed.separator);
  for (std::string& name : names) name = lower_case(name);
  parsed.columns.resize(names.size());
  for (const KnownColumn& column : known) {
    const std::string name = lower_case(column.name);
    const auto found = std::find(names.begin(), names.end(), name);
    const bool is_value = column.role == DelimitedColumn::Role::kValue;
    if (found == names.end()) {
      if (is_value) continue;
      return unlike(*source, format, fmt::format("it has no column '{}'", column.name), header);
    }
    if (std::find(found + 1, names.end(), name) != names.end())
      return unlike(*source, format, fmt::format("it has the column '{}' twice", column.name), header);
    parsed.columns[static_cast<size_t>(found - names.begin())] = {column.role, parsed.registers.size()};
    if (is_value) parsed.registers.push_back(column.value);
  }
  if (parsed.registers.empty()) return unlike(*source, format, "it has none of the value columns", header);
  return std::make_unique<DelimitedReader>(std::move(source), std::move(lines), std::move(parsed));
}

}  // namespace meterstream
