#include "log/log_schema_store.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr std::string_view kIdPrefix = "schema/id/";

std::string id_key(SchemaId id) {
  std::string key(kIdPrefix);
  append_big_endian32(key, static_cast<uint32_t>(id.value));
  return key;
}

}  // namespace

Result<std::string> LogSchemaStore::schema(SchemaId id) {
  ASSIGN_OR_RETURN(const auto value, store_.get(Space::kMeta, id_key(id)));
  if (!value)
    return not_found(fmt::format("schema id {} is not known here; register it before its records are read", id));
  return std::string(value->bytes);
}

Result<SchemaId> LogSchemaStore::register_schema(std::string_view subject, std::string_view schema) {
  const std::scoped_lock lock(registering_);
  SchemaId found;
  SchemaId highest;
  const auto cursor = store_.cursor(Space::kMeta);
  for (cursor->seek(kIdPrefix); cursor->valid() && cursor->key().starts_with(kIdPrefix); cursor->next()) {
    highest = SchemaId(static_cast<int32_t>(load_big_endian32(cursor->key().data() + kIdPrefix.size())));
    if (cursor->value() == schema) found = highest;
  }
  RETURN_IF_ERROR(cursor->status());
  WriteBatch batch;
  if (found == SchemaId()) {
    found = SchemaId(highest.value + 1);
    batch.put(Space::kMeta, id_key(found), std::string(schema));
  }
  std::string id_bytes;
  append_big_endian32(id_bytes, static_cast<uint32_t>(found.value));
  batch.put(Space::kMeta, fmt::format("schema/subject/{}", subject), std::move(id_bytes));
  RETURN_IF_ERROR(store_.write(batch, Durability::kSync));
  return found;
}

}  // namespace meterstream
