#include "connectors/lake/lake_store.h"

#include "connectors/lake/local_lake_store.h"
#include "connectors/lake/retrying_lake_store.h"
#include "connectors/lake/s3_lake_store.h"

namespace meterstream {

Result<std::unique_ptr<LakeStore>> open_lake_store(const LakeSettings& settings, const Clock& clock) {
  RETURN_IF_ERROR(check_lake_settings(settings));
  std::unique_ptr<LakeStore> store;
  if (is_s3_uri(settings)) {
    ASSIGN_OR_RETURN(store, S3LakeStore::open(settings));
  } else {
    ASSIGN_OR_RETURN(store, LocalLakeStore::open(settings.uri));
  }
  return std::unique_ptr<LakeStore>(
      std::make_unique<RetryingLakeStore>(std::move(store), settings, LakeTiming::real(clock)));
}

}  // namespace meterstream
