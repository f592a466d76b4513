#include "connectors/registry/file_schema_store.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/avro_encoder.h"
#include "metering/avro_schema.h"

namespace meterstream {
namespace {

// The same JSON without blanks between its parts; the text itself when it is no JSON.
std::string without_blanks(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size(), true).get(element)) return std::string(json);
  return simdjson::minify(element);
}

}  // namespace

Result<FileSchemaStore> FileSchemaStore::open(SchemaId id, const std::string& schema_file) {
  if (id.value < 1) return invalid(fmt::format("{} is no schema id; they count from 1. Correct --schema-id", id));
  std::string schema(kMetricAvroSchema);
  if (!schema_file.empty()) {
    std::ifstream file(schema_file, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file || file.bad()) {
      return invalid(fmt::format("cannot read the schema file {}. Check [registry] schema_file", schema_file));
    }
    schema = text.str();
    if (const auto parsed = AvroSchema::parse(schema); !parsed) {
      return parsed.error().within(fmt::format("schema file {}", schema_file));
    }
  }
  return FileSchemaStore(std::map<SchemaId, std::string>{{id, std::move(schema)}});
}

Result<std::string> FileSchemaStore::schema(SchemaId id) {
  if (id.value < 1) return invalid(fmt::format("{} is no schema id; they count from 1", id));
  if (const auto found = schemas_.find(id); found != schemas_.end()) return found->second;
  return not_found(
      fmt::format("schema {} is not known here, where --schema-id names {} and there is no registry. Set "
                  "[registry] url, or the id that the records carry",
                  id, schemas_.empty() ? SchemaId(0) : schemas_.begin()->first));
}

Result<SchemaId> FileSchemaStore::register_schema(std::string_view subject, std::string_view schema) {
  const std::string wanted = without_blanks(schema);
  for (const auto& [id, text] : schemas_) {
    if (without_blanks(text) == wanted) return id;
  }
  return conflict(
      fmt::format("the schema for {} is not the one that --schema-id stands for, and without a registry none "
                  "can be added. Set [registry] url, or schema_file to this schema",
                  subject));
}

}  // namespace meterstream
