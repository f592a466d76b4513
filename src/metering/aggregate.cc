#include "metering/aggregate.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {

namespace {

using JsonValue = simdjson::ondemand::value;

void append_json_timestamp(std::string& out, EventTime time) {
  out.push_back('"');
  append_timestamp(out, time);
  out.push_back('"');
}

Error wrong(std::string_view field, std::string_view expected) {
  return invalid(fmt::format("aggregate: field '{}' is not {}", field, expected));
}

class AggregateParser {
 public:
  Result<Aggregate> parse(std::string_view json) {
    const simdjson::padded_string padded(json);
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (const auto fault = parser.iterate(padded).get(document)) return not_json(fault);
    if (const auto fault = document.get_object().get(object)) return not_json(fault);
    for (auto member : object) {
      std::string_view name;
      JsonValue value;
      if (const auto fault = member.unescaped_key().get(name)) return not_json(fault);
      const std::string field(name);
      if (const auto fault = member.value().get(value)) return not_json(fault);
      RETURN_IF_ERROR(set(field, value));
    }
    if (!document.current_location().error()) return invalid("aggregate: text after the JSON object");
    constexpr std::string_view kFields[] = {"windowStart", "windowEnd",  "sampleCount",     "min",    "max", "sum",
                                            "average",     "metricType", "metricAttribute", "gateway"};
    for (size_t i = 0; i < std::size(kFields); ++i) {
      if ((fields_ & (1u << i)) == 0) return invalid(fmt::format("aggregate: field '{}' is missing", kFields[i]));
    }
    return aggregate_;
  }

 private:
  static Error not_json(simdjson::error_code fault) {
    return invalid(fmt::format("aggregate: not a JSON object: {}", simdjson::error_message(fault)));
  }

  Status set(std::string_view field, JsonValue& value) {
    if (field == "windowStart") return set_time(0, field, value, aggregate_.window_start);
    if (field == "windowEnd") return set_time(1, field, value, aggregate_.window_end);
    if (field == "sampleCount") {
      fields_ |= 1u << 2;
      if (value.get_int64().get(aggregate_.sample_count)) return wrong(field, "an integer");
      return {};
    }
    if (field == "min") return set_number(3, field, value, aggregate_.min);
    if (field == "max") return set_number(4, field, value, aggregate_.max);
    if (field == "sum") return set_decimal(5, field, value, aggregate_.sum);
    if (field == "average") return set_decimal(6, field, value, aggregate_.average);
    if (field == "metricType") return set_text(7, field, value, aggregate_.metric_type);
    if (field == "metricAttribute") return set_text(8, field, value, aggregate_.metric_attribute);
    if (field == "gateway") return set_text(9, field, value, aggregate_.gateway);
    return {};
  }
  Status set_time(uint32_t bit, std::string_view field, JsonValue& value, EventTime& time) {
    fields_ |= 1u << bit;
    std::string_view text;
    if (value.get_string().get(text)) return wrong(field, "an ISO-8601 string");
    const auto parsed = parse_timestamp(text);
    if (!parsed) return wrong(field, "an ISO-8601 instant");
    time = *parsed;
    return {};
  }
  Status set_number(uint32_t bit, std::string_view field, JsonValue& value, double& number) {
    fields_ |= 1u << bit;
    if (value.get_double().get(number) || !std::isfinite(number)) return wrong(field, "a finite number");
    return {};
  }
  Status set_decimal(uint32_t bit, std::string_view field, JsonValue& value, Decimal& decimal) {
    fields_ |= 1u << bit;
    std::string_view token = value.raw_json_token();
    while (!token.empty() && token.back() <= ' ') token.remove_suffix(1);
    double ignored = 0;
    const auto parsed = Decimal::parse(token);
    // Reading it as a number, too, checks that the token is one in JSON's sense.
    if (!parsed || value.get_double().get(ignored)) return wrong(field, "a number of at most 9 decimals");
    decimal = *parsed;
    return {};
  }
  Status set_text(uint32_t bit, std::string_view field, JsonValue& value, std::string& out) {
    fields_ |= 1u << bit;
    std::string_view text;
    if (value.get_string().get(text)) return wrong(field, "a string");
    out = text;
    return {};
  }

  Aggregate aggregate_;
  uint32_t fields_ = 0;
};

}  // namespace

void append_aggregate_json(std::string& out, const Aggregate& aggregate) {
  out.append("{\"windowStart\":");
  append_json_timestamp(out, aggregate.window_start);
  out.append(",\"windowEnd\":");
  append_json_timestamp(out, aggregate.window_end);
  out.append(",\"sampleCount\":");
  append_json_number(out, aggregate.sample_count);
  out.append(",\"min\":");
  append_json_number(out, aggregate.min);
  out.append(",\"max\":");
  append_json_number(out, aggregate.max);
  out.append(",\"sum\":");
  aggregate.sum.append_text(out);
  out.append(",\"average\":");
  aggregate.average.append_text(out);
  out.append(",\"metricType\":");
  append_json_string(out, aggregate.metric_type);
  out.append(",\"metricAttribute\":");
  append_json_string(out, aggregate.metric_attribute);
  out.append(",\"gateway\":");
  append_json_string(out, aggregate.gateway);
  out.push_back('}');
}

Result<Aggregate> parse_aggregate_json(std::string_view json) {
  return AggregateParser().parse(json);
}

}  // namespace meterstream
