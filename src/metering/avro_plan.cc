#include "metering/avro_plan.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/row_writer.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

const AvroField* field_named(const std::vector<AvroField>& fields, std::string_view name) {
  for (const AvroField& field : fields) {
    if (field.name == name) return &field;
  }
  for (const AvroField& field : fields) {
    if (equals_ignoring_case(field.name, name)) return &field;
  }
  for (const AvroField& field : fields) {
    for (const std::string& alias : field.aliases) {
      if (equals_ignoring_case(alias, name)) return &field;
    }
  }
  return nullptr;
}

bool is_convertible(const AvroNode& from, ColumnType to) {
  switch (from.type) {
    case AvroType::kNull:
      return true;
    case AvroType::kBoolean:
      return to == ColumnType::kBoolean;
    case AvroType::kInt:
    case AvroType::kLong:
      return to == ColumnType::kBigint || to == ColumnType::kTimestamp || to == ColumnType::kDouble;
    case AvroType::kFloat:
    case AvroType::kDouble:
      return to == ColumnType::kDouble;
    case AvroType::kString:
      return to == ColumnType::kVarchar || to == ColumnType::kTimestamp;
    case AvroType::kBytes:
    case AvroType::kEnum:
    case AvroType::kFixed:
      return to == ColumnType::kVarchar;
    default:
      return false;
  }
}

class PlanCompiler {
 public:
  PlanCompiler(AvroSchema writer, const DecodeRequest& request, const AvroSchema* reader)
      : request_(request), reader_(reader) {
    plan_.schema = std::move(writer);
  }

  Result<AvroPlan> compile() {
    const AvroNode& root = plan_.schema.root();
    if (root.type != AvroType::kRecord)
      return invalid(fmt::format("the writer's schema is a {} and not a record", name_of(root.type)));
    std::vector<std::vector<uint32_t>> columns_of(root.fields.size());
    for (uint32_t column = 0; column < request_.columns.size(); ++column) {
      if (!is_wanted(request_, column)) continue;
      const AvroField* field = find_field(request_.columns[column].name);
      if (field == nullptr) {
        RETURN_IF_ERROR(add_constant(column));
        continue;
      }
      RETURN_IF_ERROR(check(*field, column));
      columns_of[static_cast<size_t>(field - root.fields.data())].push_back(column);
    }
    for (uint32_t field = 0; field < root.fields.size(); ++field) {
      if (columns_of[field].empty()) columns_of[field].push_back(AvroStep::kNoColumn);
      for (const uint32_t column : columns_of[field])
        plan_.steps.push_back({field, root.fields[field].type, column, column != columns_of[field].front()});
    }
    plan_.key_is_contiguous = find_contiguous_key();
    find_metric_shape();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] const AvroNode& type_of(const AvroStep& step) const { return plan_.schema.node(step.type); }

  const AvroField* find_field(std::string_view column) const {
    const auto& fields = plan_.schema.root().fields;
    if (const AvroField* field = field_named(fields, column)) return field;
    if (reader_ == nullptr) return nullptr;
    const AvroField* reader_field = field_named(reader_->root().fields, column);
    if (reader_field == nullptr) return nullptr;
    if (const AvroField* field = field_named(fields, reader_field->name)) return field;
    for (const std::string& alias : reader_field->aliases) {
      if (const AvroField* field = field_named(fields, alias)) return field;
    }
    return nullptr;
  }

  Status check(const AvroField& field, uint32_t column) const {
    const AvroNode& node = plan_.schema.node(field.type);
    const ColumnSchema& target = request_.columns[column];
    const auto check_one = [&](const AvroNode& one) -> Status {
      if (is_convertible(one, target.type)) return {};
      return invalid(fmt::format("column {} is {}, but the writer's field '{}' is {}", target.name,
                                 name_of(target.type), field.name, name_of(one.type)));
    };
    if (node.type != AvroType::kUnion) return check_one(node);
    // A branch that does not fit rejects only the records that use it; one branch must fit.
    Status first;
    for (const uint32_t branch : node.children) {
      const AvroNode& one = plan_.schema.node(branch);
      if (one.type == AvroType::kNull) continue;
      Status status = check_one(one);
      if (status) return {};
      if (first) first = std::move(status);
    }
    return first;
  }

  Status add_constant(uint32_t column) {
    AvroConstant constant{.column = column};
    const AvroField* field = nullptr;
    if (reader_ != nullptr) field = field_named(reader_->root().fields, request_.columns[column].name);
    if (field != nullptr && field->default_json) RETURN_IF_ERROR(set_default(*field, constant));
    plan_.constants.push_back(std::move(constant));
    return {};
  }

  Status set_default(const AvroField& field, AvroConstant& constant) const {
    simdjson::dom::parser parser;
    simdjson::dom::element json;
    const bool is_json = !parser.parse(*field.default_json).get(json);
    if (is_json && json.is_null()) return {};
    std::string_view text;
    bool flag = false;
    const ColumnSchema& target = request_.columns[constant.column];
    bool is_good = false;
    switch (target.type) {
      case ColumnType::kBoolean:
        is_good = is_json && !json.get_bool().get(flag);
        constant.integer = flag ? 1 : 0;
        break;
      case ColumnType::kBigint:
        is_good = is_json && !json.get_int64().get(constant.integer);
        break;
      case ColumnType::kTimestamp:
        is_good = is_json && !json.get_int64().get(constant.integer);
        if (is_json && !json.get_string().get(text)) {
          const auto time = parse_timestamp(text);
          is_good = time.has_value();
          if (time) constant.integer = time->value;
        }
        break;
      case ColumnType::kDouble:
        is_good = is_json && !json.get_double().get(constant.number) && std::isfinite(constant.number);
        break;
      case ColumnType::kVarchar:
        is_good = is_json && !json.get_string().get(text);
        constant.text = text;
        break;
    }
    constant.is_null = false;
    if (is_good) return {};
    return invalid(fmt::format("the default {} of the reader's field '{}' is no {}", *field.default_json, field.name,
                               name_of(target.type)));
  }

  bool find_contiguous_key() const {
    const auto& key = request_.group_key;
    for (size_t first = 0; !key.empty() && first + key.size() <= plan_.steps.size(); ++first) {
      bool matches = true;
      for (size_t i = 0; i < key.size() && matches; ++i) {
        const AvroStep& step = plan_.steps[first + i];
        matches = step.column == key[i] && !step.again && type_of(step).type == AvroType::kString;
      }
      if (matches) return true;
    }
    return false;
  }

  void find_metric_shape() {
    if (!plan_.constants.empty()) return;
    if (!request_.group_key.empty() && !plan_.key_is_contiguous) return;
    const auto& steps = plan_.steps;
    AvroMetricShape shape;
    size_t next = 0;
    const auto is_timestamp = [&](const AvroStep& step) {
      return step.column != AvroStep::kNoColumn && request_.columns[step.column].type == ColumnType::kTimestamp;
    };
    for (; next < steps.size() && type_of(steps[next]).type == AvroType::kString && !is_timestamp(steps[next]); ++next)
      shape.string_columns.push_back(steps[next].column);
    if (next == steps.size() || !is_timestamp(steps[next]) || type_of(steps[next]).type != AvroType::kString) return;
    shape.timestamp_column = steps[next++].column;
    for (; next < steps.size() && type_of(steps[next]).type == AvroType::kDouble; ++next)
      shape.double_columns.push_back(steps[next].column);
    const bool has_again = std::any_of(steps.begin(), steps.end(), [](const AvroStep& step) { return step.again; });
    if (next != steps.size() || has_again || shape.double_columns.empty()) return;
    shape.strings = static_cast<uint32_t>(shape.string_columns.size());
    shape.doubles = static_cast<uint32_t>(shape.double_columns.size());
    if (!request_.group_key.empty()) {
      const auto first = std::find(shape.string_columns.begin(), shape.string_columns.end(),
                                   static_cast<uint32_t>(request_.group_key.front()));
      shape.key_begin = static_cast<uint32_t>(first - shape.string_columns.begin());
      shape.key_end = shape.key_begin + static_cast<uint32_t>(request_.group_key.size());
    }
    plan_.metric_shape = std::move(shape);
  }

  const DecodeRequest& request_;
  const AvroSchema* reader_;
  AvroPlan plan_;
};

}  // namespace

Result<AvroPlan> AvroPlan::compile(std::string_view writer_schema, const DecodeRequest& request,
                                   const AvroSchema* reader) {
  ASSIGN_OR_RETURN(AvroSchema writer, AvroSchema::parse(writer_schema));
  return PlanCompiler(std::move(writer), request, reader).compile();
}

}  // namespace meterstream
