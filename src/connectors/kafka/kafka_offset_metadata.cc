#include <charconv>

#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include "connectors/kafka/kafka_topics.h"

namespace meterstream {
namespace {

constexpr std::string_view kMetadataMark = "ms1 ";

}  // namespace

std::string encode_offset_metadata(const GroupPosition& position) {
  return fmt::format("{}{} {}", kMetadataMark, position.recovery, absl::Base64Escape(position.metadata));
}

GroupPosition decode_offset_metadata(Offset next, std::string_view metadata) {
  GroupPosition position{next, next, {}};
  if (!metadata.starts_with(kMetadataMark)) return position;
  metadata.remove_prefix(kMetadataMark.size());
  int64_t recovery = 0;
  const auto [end, error] = std::from_chars(metadata.data(), metadata.data() + metadata.size(), recovery);
  if (error != std::errc() || end == metadata.data() + metadata.size() || *end != ' ') return position;
  std::string bytes;
  metadata.remove_prefix(static_cast<size_t>(end - metadata.data()) + 1);
  if (!absl::Base64Unescape(absl::string_view(metadata.data(), metadata.size()), &bytes)) return position;
  return {next, Offset(recovery), std::move(bytes)};
}

}  // namespace meterstream
