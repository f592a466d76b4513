#include "metering/avro_schema.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>
#include <simdjson.h>

namespace meterstream {

namespace {

using Json = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

constexpr int kMaxDepth = 64;

constexpr std::array<std::string_view, 14> kTypeNames = {"null",   "boolean", "int",    "long",   "float",
                                                         "double", "bytes",   "string", "record", "enum",
                                                         "array",  "map",     "union",  "fixed"};

bool is_primitive(AvroType type) {
  return type <= AvroType::kString;
}
bool is_named(AvroType type) {
  return type == AvroType::kRecord || type == AvroType::kEnum || type == AvroType::kFixed;
}

std::optional<AvroType> type_of_name(std::string_view name) {
  for (size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<AvroType>(i);
  }
  if (name == "error") return AvroType::kRecord;
  return std::nullopt;
}

bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_full_name(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!is_identifier(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string_view name_of(AvroType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

class AvroSchemaParser {
 public:
  Result<AvroSchema> parse(std::string_view json) {
    simdjson::dom::parser parser;
    Json element;
    if (const auto fault = parser.parse(json.data(), json.size(), true).get(element))
      return invalid(fmt::format("the Avro schema is not JSON: {}", simdjson::error_message(fault)));
    ASSIGN_OR_RETURN(schema_.root_, parse_type(element, "", 0));
    return std::move(schema_);
  }

 private:
  uint32_t add(AvroNode node) {
    schema_.nodes_.push_back(std::move(node));
    return static_cast<uint32_t>(schema_.nodes_.size() - 1);
  }

  Result<uint32_t> parse_type(Json element, const std::string& scope, int depth) {
    if (depth > kMaxDepth) return invalid(fmt::format("types are nested deeper than {} levels", kMaxDepth));
    std::string_view name;
    if (!element.get_string().get(name)) return parse_name(name, scope);
    JsonArray branches;
    if (!element.get_array().get(branches)) return parse_union(branches, scope, depth);
    JsonObject object;
    if (element.get_object().get(object))
      return invalid("a type must be a name, an object or a list of types (a union)");
    return parse_object(object, scope, depth);
  }

  Result<uint32_t> parse_name(std::string_view name, const std::string& scope) {
    if (const auto type = type_of_name(name); type && is_primitive(*type)) {
      auto& known = primitives_[static_cast<size_t>(*type)];
      if (!known) known = add({.type = *type});
      return *known;
    }
    const std::string full = name.find('.') == std::string_view::npos && !scope.empty()
                                 ? fmt::format("{}.{}", scope, name)
                                 : std::string(name);
    auto found = names_.find(full);
    if (found == names_.end()) found = names_.find(std::string(name));
    if (found == names_.end())
      return invalid(fmt::format("type '{}' is neither a primitive type nor defined before its use", name));
    return found->second;
  }

  Result<uint32_t> parse_union(JsonArray branches, const std::string& scope, int depth) {
    AvroNode node{.type = AvroType::kUnion};
    for (const Json branch : branches) {
      ASSIGN_OR_RETURN(const uint32_t child, parse_type(branch, scope, depth + 1));
      const AvroNode& added = schema_.nodes_[child];
      if (added.type == AvroType::kUnion) return invalid("a union must not hold a union directly");
      for (const uint32_t other : node.children) {
        const AvroNode& earlier = schema_.nodes_[other];
        if (earlier.type == added.type && (!is_named(added.type) || earlier.name == added.name))
          return invalid(fmt::format("a union has the type {} twice", name_of(added.type)));
      }
      node.children.push_back(child);
    }
    if (node.children.empty()) return invalid("a union has no types");
    return add(std::move(node));
  }

  Result<uint32_t> parse_object(JsonObject object, const std::string& scope, int depth) {
    Json type_element;
    if (object["type"].get(type_element)) return invalid("an object that declares a type has no \"type\"");
    std::string_view name;
    if (type_element.get_string().get(name)) return parse_type(type_element, scope, depth + 1);
    const auto type = type_of_name(name);
    if (!type || *type == AvroType::kUnion) return parse_name(name, scope);
    switch (*type) {
      case AvroType::kRecord:
        return parse_record(object, scope, depth);
      case AvroType::kEnum:
        return parse_enum(object, scope);
      case AvroType::kFixed:
        return parse_fixed(object, scope);
      case AvroType::kArray:
        return parse_container(object, *type, "items", scope, depth);
      case AvroType::kMap:
        return parse_container(object, *type, "values", scope, depth);
      default:
        return parse_primitive(object, *type);
    }
  }

  Result<uint32_t> parse_primitive(JsonObject object, AvroType type) {
    AvroNode node{.type = type};
    std::string_view logical;
    if (type == AvroType::kLong && !object["logicalType"].get_string().get(logical)) {
      if (logical == "timestamp-millis") node.logical_type = AvroLogicalType::kTimestampMillis;
      if (logical == "timestamp-micros") node.logical_type = AvroLogicalType::kTimestampMicros;
    }
    return add(std::move(node));
  }

  Result<uint32_t> parse_container(JsonObject object, AvroType type, const char* member, const std::string& scope,
                                   int depth) {
    Json items;
    if (object[member].get(items)) return invalid(fmt::format("the type {} has no \"{}\"", name_of(type), member));
    ASSIGN_OR_RETURN(const uint32_t child, parse_type(items, scope, depth + 1));
    AvroNode node{.type = type};
    node.children.push_back(child);
    return add(std::move(node));
  }

  struct NewName {
    std::string full;
    std::string scope;
  };
  static Result<NewName> name_in(JsonObject object, AvroType type, const std::string& scope) {
    std::string_view name;
    if (object["name"].get_string().get(name))
      return invalid(fmt::format("the type {} has no \"name\"", name_of(type)));
    if (!is_full_name(name)) return invalid(fmt::format("'{}' is not a valid name of a type", name));
    if (const size_t dot = name.rfind('.'); dot != std::string_view::npos)
      return NewName{std::string(name), std::string(name.substr(0, dot))};
    std::string_view space;
    if (object["namespace"].get_string().get(space)) space = scope;
    if (!space.empty() && !is_full_name(space)) return invalid(fmt::format("'{}' is not a valid namespace", space));
    return NewName{space.empty() ? std::string(name) : fmt::format("{}.{}", space, name), std::string(space)};
  }

  Result<uint32_t> define(JsonObject object, AvroType type, const NewName& name) {
    const uint32_t index = add({.type = type, .name = name.full});
    if (type_of_name(name.full) || !names_.emplace(name.full, index).second)
      return invalid(fmt::format("the type '{}' is defined twice", name.full));
    JsonArray aliases;
    if (object["aliases"].get_array().get(aliases)) return index;
    for (const Json element : aliases) {
      std::string_view alias;
      if (element.get_string().get(alias)) return invalid(fmt::format("an alias of '{}' is not a string", name.full));
      names_.emplace(alias.find('.') == std::string_view::npos && !name.scope.empty()
                         ? fmt::format("{}.{}", name.scope, alias)
                         : std::string(alias),
                     index);
    }
    return index;
  }

  Result<uint32_t> parse_record(JsonObject object, const std::string& scope, int depth) {
    ASSIGN_OR_RETURN(const NewName name, name_in(object, AvroType::kRecord, scope));
    ASSIGN_OR_RETURN(const uint32_t index, define(object, AvroType::kRecord, name));
    JsonArray fields;
    if (object["fields"].get_array().get(fields))
      return invalid(fmt::format("record '{}' has no list \"fields\"", name.full));
    std::vector<AvroField> parsed;
    for (const Json element : fields) {
      auto field = parse_field(element, name.scope, depth);
      if (!field) return field.error().within(fmt::format("record '{}'", name.full));
      const bool is_known =
          std::any_of(parsed.begin(), parsed.end(), [&](const AvroField& other) { return other.name == field->name; });
      if (is_known) return invalid(fmt::format("record '{}' has the field '{}' twice", name.full, field->name));
      parsed.push_back(*std::move(field));
    }
    schema_.nodes_[index].fields = std::move(parsed);
    return index;
  }

  Result<AvroField> parse_field(Json element, const std::string& scope, int depth) {
    AvroField field;
    JsonObject object;
    std::string_view name;
    if (element.get_object().get(object) || object["name"].get_string().get(name))
      return invalid("a field is not an object with a \"name\"");
    if (!is_identifier(name)) return invalid(fmt::format("'{}' is not a valid name of a field", name));
    field.name = name;
    Json type;
    if (object["type"].get(type)) return invalid(fmt::format("field '{}' has no \"type\"", name));
    auto index = parse_type(type, scope, depth + 1);
    if (!index) return index.error().within(fmt::format("field '{}'", name));
    field.type = *index;
    Json value;
    if (!object["default"].get(value)) field.default_json = simdjson::minify(value);
    JsonArray aliases;
    if (object["aliases"].get_array().get(aliases)) return field;
    for (const Json alias : aliases) {
      std::string_view text;
      if (alias.get_string().get(text)) return invalid(fmt::format("an alias of field '{}' is not a string", name));
      field.aliases.emplace_back(text);
    }
    return field;
  }

  Result<uint32_t> parse_enum(JsonObject object, const std::string& scope) {
    ASSIGN_OR_RETURN(const NewName name, name_in(object, AvroType::kEnum, scope));
    ASSIGN_OR_RETURN(const uint32_t index, define(object, AvroType::kEnum, name));
    JsonArray symbols;
    if (object["symbols"].get_array().get(symbols))
      return invalid(fmt::format("enum '{}' has no list \"symbols\"", name.full));
    for (const Json element : symbols) {
      std::string_view symbol;
      if (element.get_string().get(symbol) || !is_identifier(symbol))
        return invalid(fmt::format("enum '{}' has a symbol that is not a valid name", name.full));
      schema_.nodes_[index].symbols.emplace_back(symbol);
    }
    return index;
  }

  Result<uint32_t> parse_fixed(JsonObject object, const std::string& scope) {
    ASSIGN_OR_RETURN(const NewName name, name_in(object, AvroType::kFixed, scope));
    ASSIGN_OR_RETURN(const uint32_t index, define(object, AvroType::kFixed, name));
    uint64_t size = 0;
    if (object["size"].get_uint64().get(size))
      return invalid(fmt::format("fixed '{}' has no \"size\" in bytes", name.full));
    schema_.nodes_[index].size = size;
    return index;
  }

  AvroSchema schema_;
  std::array<std::optional<uint32_t>, 8> primitives_;
  std::unordered_map<std::string, uint32_t> names_;
};

Result<AvroSchema> AvroSchema::parse(std::string_view json) {
  auto schema = AvroSchemaParser().parse(json);
  if (!schema) return schema.error().within("Avro schema");
  return schema;
}

}  // namespace meterstream
