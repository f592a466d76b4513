// The registry client against a real registry. tests/integration/with_registry starts it and names it in the environment.
#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "connectors/registry/registry_schema_store.h"
#include "connectors/registry/schema_source.h"
#include "metering/avro_decoder.h"
#include "metering/avro_encoder.h"
#include "stream/pass_task.h"
#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// The next step of MetricAvro: another order, whole numbers as the value, two new fields.
constexpr std::string_view kNewerSchema =
    R"({"type":"record","name":"MetricAvro","namespace":"auth.ece.common.model.avro","fields":[)"
    R"({"name":"unit","type":["null","string"],"default":null},)"
    R"({"name":"value","type":"int"},{"name":"timestamp","type":"string"},)"
    R"({"name":"quality","type":"string","default":"measured"},)"
    R"({"name":"metricAttribute","type":"string"},{"name":"metricType","type":"string"},)"
    R"({"name":"gateway","type":"string"}]})";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set; run this by tests/integration/with_registry";
  return value == nullptr ? "" : value;
}

RegistrySettings settings() {
  RegistrySettings settings;
  settings.urls = {environment("METERSTREAM_REGISTRY_URL")};
  return settings;
}

void run_script(const std::string& command) {
  const std::string line =
      fmt::format("'{}' {} --directory '{}' > /dev/null", environment("METERSTREAM_REGISTRY_SCRIPT"), command,
                  environment("METERSTREAM_REGISTRY_DIRECTORY"));
  ASSERT_EQ(std::system(line.c_str()), 0) << line;
}

// The registry killed for as long as the object lives.
class Outage {
 public:
  Outage() { run_script("kill"); }
  ~Outage() { run_script("start"); }
  Outage(const Outage&) = delete;
  Outage& operator=(const Outage&) = delete;
};

void append_text(std::string& out, std::string_view text) {
  append_varint(out, zigzag(static_cast<int64_t>(text.size())));
  out += text;
}

std::string newer_record(SchemaId id, bool has_unit, int32_t value) {
  std::string record(1, '\0');
  append_big_endian32(record, static_cast<uint32_t>(id.value));
  append_varint(record, zigzag(has_unit ? 1 : 0));
  if (has_unit) append_text(record, "kW");
  append_varint(record, zigzag(value));
  append_text(record, "2024-05-06T07:08:09.010Z");
  append_text(record, "estimated");
  append_text(record, "ACTIVE_POWER");
  append_text(record, "ELECTRICITY");
  append_text(record, "gateway-1");
  return record;
}

RecordView view_of(const std::string& value, int64_t offset) {
  RecordView record;
  record.value = value;
  record.offset = Offset(offset);
  return record;
}

TEST(Registry, RegisteringIsIdempotentAndLookedUp) {
  RegistrySchemaStore store(settings());
  RegistrySchemaStore other(settings());
  const SchemaId id = store.register_schema("idempotent-value", kMetricAvroSchema).value();
  EXPECT_EQ(other.register_schema("idempotent-value", kMetricAvroSchema).value(), id);
  EXPECT_EQ(other.client().find_schema("idempotent-value", kMetricAvroSchema).value(), id);
  EXPECT_EQ(other.client().find_schema("nobody-value", kMetricAvroSchema).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(other.client().find_schema("idempotent-value", "\"long\"").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(other.client().subjects().value(), Contains("idempotent-value"));
  EXPECT_TRUE(AvroSchema::parse(other.schema(id).value()));
}

TEST(Registry, AnUnknownIdIsNotFoundAndWaitsWhereTheSettingsSaySo) {
  EXPECT_EQ(RegistrySchemaStore(settings()).schema(SchemaId(1'000'000)).error().code, ErrorCode::kNotFound);
  const Error waiting = open_schema_source(settings()).value()->schema(SchemaId(1'000'000)).error();
  EXPECT_EQ(waiting.code, ErrorCode::kUnavailable);
  EXPECT_THAT(waiting.message, HasSubstr("/schemas/ids/1000000"));
}

TEST(Registry, IncompatibleSchemasAreRefused) {
  RegistryClient client(settings());
  const std::string subject = "strict-value";
  EXPECT_TRUE(client.check_compatibility(subject, kMetricAvroSchema)->is_compatible);
  ASSERT_TRUE(client.register_schema(subject, kMetricAvroSchema));
  ASSERT_TRUE(client.set_compatibility_level(subject, "BACKWARD"));
  EXPECT_EQ(client.compatibility_level(subject).value(), "BACKWARD");
  const std::string_view incompatible =
      R"({"type":"record","name":"MetricAvro","namespace":"auth.ece.common.model.avro","fields":[)"
      R"({"name":"gateway","type":"string"},{"name":"owner","type":"string"}]})";
  EXPECT_FALSE(client.check_compatibility(subject, incompatible)->is_compatible);
  const auto refused = client.register_schema(subject, incompatible);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().message;
  EXPECT_EQ(client.register_schema(subject, "{\"type\":\"nonsense\"}").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client.set_compatibility_level(subject, "SOMEWHAT").error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(client.compatibility_level("")->empty());
}

TEST(Registry, ANewerWritersSchemaIsReadByTheRulesOfAvro) {
  RegistrySchemaStore store(settings());
  const SchemaId older = store.register_schema("evolving-value", kMetricAvroSchema).value();
  // Readers of the old schema go on.
  ASSERT_TRUE(store.client().set_compatibility_level("evolving-value", "FORWARD"));
  const auto newer = store.register_schema("evolving-value", kNewerSchema);
  ASSERT_TRUE(newer) << newer.error().message;
  ASSERT_NE(*newer, older);

  DecodeRequest request;
  request.columns = {{"gateway", ColumnType::kVarchar},
                     {"metricType", ColumnType::kVarchar},
                     {"metricAttribute", ColumnType::kVarchar},
                     {"timestamp", ColumnType::kTimestamp},
                     {"value", ColumnType::kDouble},
                     {"unit", ColumnType::kVarchar},
                     {"quality", ColumnType::kVarchar}};
  request.needed.assign(request.columns.size(), true);
  RegistrySchemaStore fresh(settings());
  AvroRecordDecoder decoder(fresh, request);
  const Reading old_reading{{"gateway-0", "WATER", "WATER_IDD"}, EventTime(1'700'000'000'000), 0.25};
  const std::vector<std::string> values = {encode_metric_avro(older, old_reading), newer_record(*newer, true, -7),
                                           newer_record(*newer, false, 1'000'000),
                                           newer_record(*newer, true, 5).substr(0, 20)};
  std::vector<RecordView> records;
  records.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) records.push_back(view_of(values[i], static_cast<int64_t>(i)));
  ColumnBatch batch;
  const Status decoded = decoder.decode(records, batch);
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(batch.rows, 3U);
  ASSERT_EQ(batch.rejected.size(), 1U);
  EXPECT_EQ(batch.rejected[0].record_index, 3U);
  EXPECT_EQ(batch.columns[0].strings[0], "gateway-0");
  EXPECT_EQ(batch.columns[0].strings[1], "gateway-1");
  EXPECT_EQ(batch.columns[2].strings[1], "ACTIVE_POWER");
  EXPECT_EQ(batch.columns[3].integers[1], 1'714'979'289'010);
  EXPECT_EQ(batch.columns[4].doubles[0], 0.25);
  EXPECT_EQ(batch.columns[4].doubles[1], -7.0);
  EXPECT_EQ(batch.columns[4].doubles[2], 1'000'000.0);
  EXPECT_TRUE(batch.columns[5].is_null(0));
  EXPECT_EQ(batch.columns[5].strings[1], "kW");
  EXPECT_TRUE(batch.columns[5].is_null(2));
  EXPECT_TRUE(batch.columns[6].is_null(0));
  EXPECT_EQ(batch.columns[6].strings[1], "estimated");
}

TEST(Registry, TlsAsksBothSidesForACertificate) {
  const std::string files = environment("METERSTREAM_REGISTRY_TLS_FILES") + "/";
  RegistrySettings secure;
  secure.urls = {environment("METERSTREAM_REGISTRY_TLS_URL")};
  secure.retry_for_ms = 0;
  secure.ca_file = files + "ca.pem";
  secure.certificate_file = files + "client.pem";
  secure.key_file = files + "client.key";
  const auto subjects = RegistryClient(secure).subjects();
  EXPECT_TRUE(subjects) << subjects.error().message;

  RegistrySettings stranger = secure;
  stranger.certificate_file = files + "stranger.pem";
  stranger.key_file = files + "stranger.key";
  EXPECT_EQ(RegistryClient(stranger).subjects().error().code, ErrorCode::kUnavailable);

  RegistrySettings distrustful = secure;
  distrustful.ca_file = files + "other.pem";
  const auto distrusted = RegistryClient(distrustful).subjects();
  ASSERT_FALSE(distrusted);
  EXPECT_EQ(distrusted.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(distrusted.error().message, HasSubstr("certificate"));
  distrustful.verify = false;
  EXPECT_TRUE(RegistryClient(distrustful).subjects());
}

TEST(Registry, WhileItIsDownKnownIdsAreReadAndNewOnesWait) {
  RegistrySettings hasty = settings();
  hasty.retry_for_ms = 100;
  RegistrySchemaStore writer(hasty);
  const SchemaId known = writer.register_schema("down-value", kMetricAvroSchema).value();
  const SchemaId wanted = writer.register_schema("down-other-value", R"({"type":"map","values":"long"})").value();
  RegistrySchemaStore reader(hasty);
  ASSERT_TRUE(reader.schema(known));
  {
    const Outage outage;
    EXPECT_TRUE(reader.schema(known));
    EXPECT_EQ(writer.register_schema("down-value", kMetricAvroSchema).value(), known);
    const auto missing = reader.schema(wanted);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(missing.error().message, HasSubstr(hasty.urls[0]));
  }
  EXPECT_TRUE(reader.schema(wanted));
}

TEST(Registry, APassThatStartsWhileItIsDownCountsEveryReadingOnce) {
  RegistrySettings hasty = settings();
  hasty.retry_for_ms = 100;
  const SchemaId older = RegistrySchemaStore(hasty).register_schema("pass-value", kMetricAvroSchema).value();
  RegistryClient(hasty).set_compatibility_level("pass-value", "NONE").value();
  const SchemaId newer = RegistrySchemaStore(hasty).register_schema("pass-value", kNewerSchema).value();

  const EventTime time(1'714'979'289'010);  // that of newer_record()
  FaultyKeyValueStore state;
  ManualClock clock{IngestTime(time.value)};
  const auto pipeline = ViewPipeline::open(state, clock).value();
  EventLog& log = pipeline->log();
  ViewSpec view = standard_view(standard_stream(), 60'000, 0);
  for (const std::string& topic :
       {std::string("metrics"), std::string("metrics-rejected"), view.topic, view.late_topic()})
    ASSERT_TRUE(log.create_topic({topic, topic == "metrics" ? 1 : 4}));
  RecordBatchBuilder batch;
  constexpr int kEach = 50;
  for (int i = 0; i < kEach; ++i) {
    batch.add("k", encode_metric_avro(older, {{"gateway-1", "ELECTRICITY", "ACTIVE_POWER"}, time, 2.0}), {},
              IngestTime(time.value));
  }
  for (int i = 0; i < kEach; ++i) batch.add("k", newer_record(newer, i % 2 == 0, 2), {}, IngestTime(time.value));
  Transaction transaction;
  transaction.appends.push_back({{"metrics", PartitionId(0)}, std::move(batch)});
  ASSERT_TRUE(log.commit(std::move(transaction), Durability::kSync));

  const auto schemas = open_schema_source(hasty).value();
  PassTaskOptions options;
  options.bounded = true;
  options.batch_records = 16;
  PassTask task({view.source, {view}}, {PartitionId(0)}, log, state, *schemas, clock, options);
  ASSERT_TRUE(task.open());
  {
    const Outage outage;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(task.step().error().code, ErrorCode::kUnavailable);
  }
  while (true) {
    const auto step = task.step();
    ASSERT_TRUE(step) << step.error().message;
    if (*step == Task::Step::kExhausted) break;
  }
  ASSERT_TRUE(task.finish(true));
  const auto windows = pipeline->read_windows(view.topic).value();
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows.begin()->second.count, 2 * kEach);
  EXPECT_EQ(task.status().views[0].accounting.rejected, 0);
}

}  // namespace
}  // namespace meterstream
