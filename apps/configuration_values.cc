#include "apps/configuration_values.h"

#include <fmt/format.h>

#include "apps/number_text.h"
#include "metering/duration.h"

namespace meterstream {

Result<int64_t> whole_number(const toml::node& node) {
  if (const auto number = node.value_exact<int64_t>()) return *number;
  if (const auto text = node.value_exact<std::string>()) return parse_count(*text);
  return invalid("a whole number is wanted, such as 4");
}

Result<int64_t> milliseconds(const toml::node& node) {
  if (const auto number = node.value_exact<int64_t>()) return parse_duration(std::to_string(*number));
  if (const auto text = node.value_exact<std::string>()) return parse_duration(*text);
  return invalid("a duration is wanted, such as \"30s\" or a number of seconds");
}

Result<int64_t> size_in_bytes(const toml::node& node) {
  if (const auto number = node.value_exact<int64_t>()) return *number;
  if (const auto text = node.value_exact<std::string>()) return parse_bytes(*text);
  return invalid("a size is wanted, such as \"2GB\"");
}

Status assign(int64_t& target, Result<int64_t> value, int64_t lowest) {
  if (!value) return value.error();
  if (*value < lowest) return invalid(fmt::format("{} is too small; at least {} is wanted", *value, lowest));
  target = *value;
  return {};
}

Status assign_text(std::string& target, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || text->empty()) return invalid("a text in quotes is wanted");
  target = *text;
  return {};
}

Status assign_boolean(bool& target, const toml::node& node) {
  const auto value = node.value_exact<bool>();
  if (!value) return invalid("true or false is wanted");
  target = *value;
  return {};
}

Status assign_texts(std::vector<std::string>& target, const toml::node& node) {
  std::vector<std::string> texts;
  if (const toml::array* array = node.as_array()) {
    texts.resize(array->size());
    for (size_t i = 0; i < texts.size(); ++i) RETURN_IF_ERROR(assign_text(texts[i], *array->get(i)));
  } else {
    RETURN_IF_ERROR(assign_text(texts.emplace_back(), node));
  }
  if (texts.empty()) return invalid("at least one text in quotes is wanted");
  target = std::move(texts);
  return {};
}

}  // namespace meterstream
