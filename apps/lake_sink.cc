#include <algorithm>
#include <filesystem>
#include <optional>

#include "apps/store_sinks.h"
#include "connectors/lake/lake_sink_writer.h"

namespace meterstream {
namespace {

/// Opens the lake with the first record: it may be away before.
class LakeSink final : public SinkWriter {
 public:
  LakeSink(LakeSettings settings, TopicPartition source, ValueFormat format, const SinkSurroundings& around)
      : settings_(std::move(settings)),
        source_(std::move(source)),
        format_(format),
        schemas_(around.schemas),
        clock_(around.clock) {}

  Status open(Offset next) override {
    if (!writer_) {
      ASSIGN_OR_RETURN(store_, open_lake_store(settings_, clock_));
      writer_.emplace(*store_, source_, format_, schemas_, settings_, clock_);
    }
    return writer_->open(next);
  }
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override {
    return writer_->add(records, rejected);
  }
  Result<Offset> settle(Offset next, Settle how) override { return writer_->settle(next, how); }
  [[nodiscard]] std::string definition() const override {
    if (is_s3_uri(settings_))
      return "lake " + settings_.uri + (settings_.endpoint.empty() ? "" : " at " + settings_.endpoint);
    std::error_code ignored;
    return "lake " + std::filesystem::absolute(settings_.uri, ignored).lexically_normal().string();
  }

 private:
  LakeSettings settings_;
  TopicPartition source_;
  ValueFormat format_;
  SchemaStore& schemas_;
  const Clock& clock_;
  std::unique_ptr<LakeStore> store_;
  std::optional<LakeSinkWriter> writer_;
};

}  // namespace

Result<std::unique_ptr<SinkWriter>> lake_sink_writer(const SinkSpec& sink, PartitionId partition,
                                                     const SinkSurroundings& around) {
  LakeSettings settings = around.configuration.lake;
  if (const auto uri = sink.options.find("uri"); uri != sink.options.end()) settings.uri = uri->second;
  settings.retry_for_ms = std::min(settings.retry_for_ms, kSinkRetryForMs);
  if (Status checked = check_lake_settings(settings); !checked) return checked.error().within("sink " + sink.name);
  return std::make_unique<LakeSink>(std::move(settings), TopicPartition{sink.topic, partition}, value_format(sink),
                                    around);
}

}  // namespace meterstream
