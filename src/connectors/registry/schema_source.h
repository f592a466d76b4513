// Purpose: the schema store that the settings ask for.
// Errors: kInvalid when the settings name neither a registry nor a schema id, or both, or cannot work; the message says
//         which key to change. A registry that does not answer is no error here: it is asked when a schema is wanted.
#pragma once

#include <memory>

#include "connectors/registry/registry_client.h"
#include "metering/schema_store.h"

namespace meterstream {

/// Reads the password and schema files of `settings`. The store is safe for concurrent use.
Result<std::unique_ptr<SchemaStore>> open_schema_source(RegistrySettings settings,
                                                        RegistryTiming timing = RegistryTiming::real());

}  // namespace meterstream
