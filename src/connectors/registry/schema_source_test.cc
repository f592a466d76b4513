#include "connectors/registry/schema_source.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/registry/file_schema_store.h"
#include "connectors/registry/waiting_schema_store.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"
#include "testing/loopback_server.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

using testing::HasSubstr;

std::string failure(const RegistrySettings& settings) {
  const auto source = open_schema_source(settings);
  return source ? "accepted" : source.error().message;
}

TEST(FileSchemaStore, AnIdWithoutAFileStandsForMetricAvro) {
  FileSchemaStore store = FileSchemaStore::open(SchemaId(12), "").value();
  EXPECT_EQ(store.schema(SchemaId(12)).value(), kMetricAvroSchema);
  EXPECT_EQ(store.schema(SchemaId(13)).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(store.schema(SchemaId(13)).error().message, HasSubstr("--schema-id names 12"));
  EXPECT_EQ(store.schema(SchemaId(-1)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store.register_schema("metrics-value", kMetricAvroSchema).value(), SchemaId(12));
  EXPECT_EQ(store.register_schema("metrics-value", "\"long\"").error().code, ErrorCode::kConflict);
}

TEST(FileSchemaStore, ReadsASchemaFileHoweverItIsLaidOut) {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "m.avsc").string();
  std::ofstream(file) << "{ \"type\" : \"record\",\n  \"name\" : \"M\", \"fields\" : [ ] }\n";
  FileSchemaStore store = FileSchemaStore::open(SchemaId(3), file).value();
  EXPECT_EQ(store.register_schema("s", R"({"type":"record","name":"M","fields":[]})").value(), SchemaId(3));
}

TEST(FileSchemaStore, BadFilesAndIdsAreNamed) {
  EXPECT_THAT(FileSchemaStore::open(SchemaId(1), "/nowhere/m.avsc").error().message, HasSubstr("/nowhere/m.avsc"));
  EXPECT_THAT(FileSchemaStore::open(SchemaId(0), "").error().message, HasSubstr("--schema-id"));
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "m.avsc").string();
  std::ofstream(file) << R"({"type":"record"})";
  EXPECT_THAT(FileSchemaStore::open(SchemaId(1), file).error().message, HasSubstr("schema file " + file));
}

TEST(WaitingSchemaStore, AnUnknownIdIsAReasonToComeBack) {
  WaitingSchemaStore store(std::make_unique<MemorySchemaStore>());
  const auto missing = store.schema(SchemaId(1));
  EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(missing.error().message, HasSubstr("unknown_schema = \"reject\""));
  ASSERT_TRUE(store.register_schema("s", "\"long\""));
  EXPECT_EQ(store.schema(SchemaId(1)).value(), "\"long\"");
}

TEST(SchemaSource, SettingsThatDoNotFitTogetherAreRefused) {
  RegistrySettings settings;
  EXPECT_THAT(failure(settings), HasSubstr("[registry] url, or schema_id"));
  settings.schema_file = "m.avsc";
  EXPECT_THAT(failure(settings), HasSubstr("needs schema_id"));
  settings.urls = {"http://localhost:8081"};
  EXPECT_THAT(failure(settings), HasSubstr("Leave out one"));
  settings.schema_file.clear();
  settings.user = "u";
  settings.password_file = "/nowhere/password";
  EXPECT_THAT(failure(settings), HasSubstr("/nowhere/password"));
  settings.password = "p";
  EXPECT_THAT(failure(settings), HasSubstr("a password and a password_file"));
}

TEST(SchemaSource, UnknownIdsWaitUnlessTheSettingsSayReject) {
  RegistrySettings settings;
  settings.schema_id = 1;
  EXPECT_EQ(open_schema_source(settings).value()->schema(SchemaId(2)).error().code, ErrorCode::kUnavailable);
  settings.wait_for_unknown = false;
  EXPECT_EQ(open_schema_source(settings).value()->schema(SchemaId(2)).error().code, ErrorCode::kNotFound);
}

TEST(SchemaSource, ThePasswordIsTheFirstLineOfItsFile) {
  std::string head;
  LoopbackServer server([&](const LoopbackServer::Request& request) {
    head = request.head;
    return LoopbackServer::Response{200, R"({"schema":"\"long\""})"};
  });
  const TemporaryDirectory directory;
  RegistrySettings settings;
  settings.urls = {server.url()};
  settings.user = "reader";
  settings.password_file = (directory.path() / "password").string();
  std::ofstream(settings.password_file) << "hunter2\r\nnot this\n";
  ASSERT_TRUE(open_schema_source(settings).value()->schema(SchemaId(1)));
  EXPECT_THAT(head, HasSubstr("Authorization: Basic cmVhZGVyOmh1bnRlcjI="));
}

}  // namespace
}  // namespace meterstream
