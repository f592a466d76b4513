#include "log/log_schema_store.h"

#include <gtest/gtest.h>

#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

TEST(LogSchemaStore, GivesIdsFromOneAndTheSameIdForTheSameText) {
  FaultyKeyValueStore store;
  LogSchemaStore schemas(store);
  EXPECT_EQ(*schemas.register_schema("metrics-value", "{\"a\":1}"), SchemaId(1));
  EXPECT_EQ(*schemas.register_schema("metrics-value", "{\"b\":1}"), SchemaId(2));
  EXPECT_EQ(*schemas.register_schema("other-value", "{\"a\":1}"), SchemaId(1));
  EXPECT_EQ(*schemas.schema(SchemaId(2)), "{\"b\":1}");
  EXPECT_EQ(schemas.schema(SchemaId(3)).error().code, ErrorCode::kNotFound);
}

TEST(LogSchemaStore, KnowsItsSchemasAfterReopening) {
  auto store = std::make_unique<FaultyKeyValueStore>();
  {
    LogSchemaStore schemas(*store);
    ASSERT_TRUE(schemas.register_schema("s", "first"));
    ASSERT_TRUE(schemas.register_schema("s", "second"));
  }
  store = store->crash(StoreCrash::kPowerLoss);
  LogSchemaStore schemas(*store);
  EXPECT_EQ(*schemas.schema(SchemaId(1)), "first");
  EXPECT_EQ(*schemas.register_schema("s", "second"), SchemaId(2));
  EXPECT_EQ(*schemas.register_schema("s", "third"), SchemaId(3));
}

TEST(LogSchemaStore, FailedRegistrationGivesNoId) {
  FaultyKeyValueStore store(StoreFaultPlan::fail_at(0, StoreFault::kNoSpace));
  LogSchemaStore schemas(store);
  EXPECT_EQ(schemas.register_schema("s", "text").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(schemas.schema(SchemaId(1)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*schemas.register_schema("s", "text"), SchemaId(1));
}

}  // namespace
}  // namespace meterstream
