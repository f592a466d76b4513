#include "apps/backbone.h"

#include "apps/data_directory.h"

namespace meterstream {
namespace {

class EmbeddedBackbone final : public Backbone {
 public:
  explicit EmbeddedBackbone(std::unique_ptr<DataDirectory> directory) : directory_(std::move(directory)) {}

  EventLog& log() override { return directory_->log(); }
  SchemaStore& schemas() override { return directory_->schemas(); }
  KeyValueStore& state() override { return directory_->store(); }
  DataDirectory* data_directory() override { return directory_.get(); }
  [[nodiscard]] std::string place() const override { return "data directory " + directory_->path(); }

 private:
  std::unique_ptr<DataDirectory> directory_;
};

}  // namespace

Result<std::unique_ptr<Backbone>> Backbone::open(const CommandContext& context, Access access,
                                                 std::string_view /*writer*/) {
  const auto mode = access == Access::kRead ? DataDirectory::Mode::kExisting : DataDirectory::Mode::kCreate;
  ASSIGN_OR_RETURN(std::unique_ptr<DataDirectory> directory,
                   DataDirectory::open(context.configuration.data_dir, mode, context.clock));
  return std::unique_ptr<Backbone>(std::make_unique<EmbeddedBackbone>(std::move(directory)));
}

}  // namespace meterstream
