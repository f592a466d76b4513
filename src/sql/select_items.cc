#include "sql/select_items.h"

#include <fmt/format.h>

#include "sql/format_option.h"
#include "sql/option_reader.h"

namespace meterstream {
namespace {

constexpr int64_t kMostPartitions = 1024;

}  // namespace

Result<Sink> bind_result_topic(const ast::CreateTable& table, const SourceText& source) {
  Sink sink;
  OptionReader options(table.options, source);
  ASSIGN_OR_RETURN(const auto topic, options.topic());
  sink.topic = topic.value_or(table.name.text);
  const std::string fault = topic_name_fault(sink.topic);
  if (!fault.empty())
    return source.error_at(table.name.position.offset, fault + "; give the topic: WITH (topic = '...')");
  ASSIGN_OR_RETURN(const auto partitions, options.integer({"partitions"}, 1, kMostPartitions));
  sink.partitions = static_cast<int32_t>(partitions.value_or(sink.partitions));
  std::vector<ValueFormat> formats = {ValueFormat::kJson};
  if (table.is_stream) formats.push_back(ValueFormat::kDelimited);
  ASSIGN_OR_RETURN(const FormatOption format, bind_format(options, formats));
  sink.format = format.format;
  sink.delimiter = format.delimiter;
  RETURN_IF_ERROR(options.finish());
  sink.emit = table.emit == ast::Emit::kFinal    ? EmitMode::kFinal
              : table.emit == ast::Emit::kBounds ? EmitMode::kBounds
                                                 : EmitMode::kChanges;
  return sink;
}

ast::Identifier name_of_item(const ast::SelectItem& item, const Expression& bound,
                             const std::vector<ColumnSchema>& columns, size_t number) {
  if (item.alias) return *item.alias;
  ast::Identifier name{fmt::format("KSQL_COL_{}", number), false, item.position};
  if (item.expression.kind == ast::Expression::Kind::kColumn)
    name.text = bound.kind == Expression::Kind::kColumn ? columns[bound.column].name : item.expression.name.text;
  return name;
}

Status add_item_name(const ast::Identifier& name, const SourceText& source, std::vector<ast::Identifier>& names) {
  for (const ast::Identifier& earlier : names) {
    const bool both_quoted = earlier.quoted && name.quoted;
    if (both_quoted ? earlier.text != name.text : !equals_ignoring_case(earlier.text, name.text)) continue;
    return source.error_at(name.position.offset,
                           fmt::format("the result has two columns {}; give one another name with AS", name.text));
  }
  names.push_back(name);
  return {};
}

}  // namespace meterstream
