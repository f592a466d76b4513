#include "metering/avro_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/avro_encoder.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AvroSchema parsed(std::string_view json) {
  auto schema = AvroSchema::parse(json);
  EXPECT_TRUE(schema.has_value()) << schema.error().message;
  return schema ? *std::move(schema) : AvroSchema();
}

std::string fault(std::string_view json) {
  const auto schema = AvroSchema::parse(json);
  EXPECT_FALSE(schema.has_value()) << json;
  return schema ? "none" : schema.error().message;
}

TEST(AvroSchema, ReadsTheSchemaOfMetrics) {
  const AvroSchema schema = parsed(kMetricAvroSchema);
  EXPECT_EQ(schema.root().name, "auth.ece.common.model.avro.MetricAvro");
  std::vector<std::string> fields;
  for (const AvroField& field : schema.root().fields)
    fields.push_back(field.name + ":" + std::string(name_of(schema.node(field.type).type)));
  EXPECT_THAT(fields, ElementsAre("gateway:string", "metricType:string", "metricAttribute:string", "timestamp:string",
                                  "value:double"));
}

TEST(AvroSchema, ResolvesNamesNamespacesAndRecursion) {
  const AvroSchema schema = parsed(R"({"type":"record","name":"Node","namespace":"a.b","doc":"x","fields":[
      {"name":"next","type":["null","Node"],"default":null},
      {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]},"default":"A","aliases":["sort"]},
      {"name":"other","type":"a.b.Kind"},
      {"name":"hash","type":{"type":"fixed","name":"c.Hash","size":16}},
      {"name":"again","type":"c.Hash"},
      {"name":"time","type":{"type":"long","logicalType":"timestamp-micros"}},
      {"name":"odd","type":{"type":"int","logicalType":"no-such-type"}},
      {"name":"list","type":{"type":"array","items":{"type":"map","values":"bytes"}}}]})");
  const AvroNode& root = schema.root();
  EXPECT_EQ(root.name, "a.b.Node");
  EXPECT_EQ(&schema.node(schema.node(root.fields[0].type).children[1]), &root);
  EXPECT_EQ(root.fields[0].default_json, "null");
  EXPECT_EQ(root.fields[1].default_json, "\"A\"");
  EXPECT_THAT(root.fields[1].aliases, ElementsAre("sort"));
  EXPECT_EQ(root.fields[1].type, root.fields[2].type);
  EXPECT_THAT(schema.node(root.fields[2].type).symbols, ElementsAre("A", "B"));
  EXPECT_EQ(schema.node(root.fields[4].type).size, 16u);
  EXPECT_EQ(schema.node(root.fields[5].type).logical_type, AvroLogicalType::kTimestampMicros);
  EXPECT_EQ(schema.node(root.fields[6].type).logical_type, AvroLogicalType::kNone);
}

TEST(AvroSchema, AcceptsBarePrimitivesAndUnions) {
  EXPECT_EQ(parsed("\"string\"").root().type, AvroType::kString);
  EXPECT_EQ(parsed(R"(["null","long"])").root().children.size(), 2u);
  EXPECT_EQ(parsed(R"({"type":{"type":"double"}})").root().type, AvroType::kDouble);
}

TEST(AvroSchema, SaysWhereASchemaIsWrong) {
  EXPECT_THAT(fault("{"), HasSubstr("not JSON"));
  EXPECT_THAT(fault("7"), HasSubstr("must be a name, an object or a list"));
  EXPECT_THAT(fault("\"strin\""), HasSubstr("'strin' is neither a primitive type nor defined"));
  EXPECT_THAT(fault(R"({"name":"R"})"), HasSubstr("no \"type\""));
  EXPECT_THAT(fault(R"({"type":"record","name":"R"})"), HasSubstr("record 'R' has no list \"fields\""));
  EXPECT_THAT(fault(R"({"type":"record","fields":[]})"), HasSubstr("no \"name\""));
  EXPECT_THAT(fault(R"({"type":"record","name":"1R","fields":[]})"), HasSubstr("'1R' is not a valid name"));
  EXPECT_THAT(fault(R"({"type":"record","name":"R","fields":[{"name":"a","type":"x"}]})"),
              HasSubstr("record 'R': field 'a': type 'x'"));
  EXPECT_THAT(fault(R"({"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]})"),
              HasSubstr("field 'a' twice"));
  EXPECT_THAT(
      fault(R"({"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]})"),
      HasSubstr("'R' is defined twice"));
  EXPECT_THAT(fault(R"({"type":"record","name":"R","fields":[{"type":"int"}]})"), HasSubstr("\"name\""));
  EXPECT_THAT(fault(R"(["int","int"])"), HasSubstr("int twice"));
  EXPECT_THAT(fault(R"(["int",["long"]])"), HasSubstr("union directly"));
  EXPECT_THAT(fault("[]"), HasSubstr("no types"));
  EXPECT_THAT(fault(R"({"type":"array"})"), HasSubstr("\"items\""));
  EXPECT_THAT(fault(R"({"type":"map"})"), HasSubstr("\"values\""));
  EXPECT_THAT(fault(R"({"type":"enum","name":"E"})"), HasSubstr("\"symbols\""));
  EXPECT_THAT(fault(R"({"type":"enum","name":"E","symbols":["a b"]})"), HasSubstr("symbol"));
  EXPECT_THAT(fault(R"({"type":"fixed","name":"F","size":-1})"), HasSubstr("\"size\""));
  std::string deep = "\"int\"";
  for (int i = 0; i < 100; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_THAT(fault(deep), HasSubstr("deeper"));
}

}  // namespace
}  // namespace meterstream
