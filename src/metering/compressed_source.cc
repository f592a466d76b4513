#include "metering/compressed_source.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

namespace meterstream {

namespace {

constexpr size_t kOutputBytes = 256 << 10;

/// What both filters share: compressed bytes from below, a buffer of plain bytes, and the counts for messages.
class CompressedSource : public ByteSource {
 public:
  explicit CompressedSource(std::unique_ptr<ByteSource> compressed)
      : compressed_(std::move(compressed)), output_(kOutputBytes) {}

  Result<std::string_view> next() override {
    while (!at_end_) {
      if (input_.empty() && !input_ended_) {
        ASSIGN_OR_RETURN(input_, compressed_->next());
        input_ended_ = input_.empty();
      }
      RETURN_IF_ERROR(fault_);
      const size_t produced = decompress();
      if (produced > 0) return std::string_view(output_.data(), produced);
    }
    return std::string_view();
  }
  [[nodiscard]] const std::string& name() const override { return compressed_->name(); }
  [[nodiscard]] int64_t bytes_consumed() const override {
    return compressed_->bytes_consumed() - static_cast<int64_t>(input_.size());
  }
  [[nodiscard]] int64_t bytes_total() const override { return compressed_->bytes_total(); }

 protected:
  /// Consumes some of input_ and fills output_; sets at_end_ at the very end, and fault_ when there is nothing good
  /// behind the bytes that it gives.
  virtual size_t decompress() = 0;

  size_t count(size_t produced) {
    produced_ += static_cast<int64_t>(produced);
    return produced;
  }

  [[nodiscard]] Error damaged(std::string_view format, std::string_view what) const {
    return corrupt(
        fmt::format("'{}' is damaged {} data: {} at compressed byte {}, after {} good bytes of text. Get the "
                    "file again",
                    name(), format, what, bytes_consumed(), produced_));
  }
  [[nodiscard]] Error truncated(std::string_view format) const {
    return corrupt(
        fmt::format("'{}' ends in the middle of its {} data, after {} compressed bytes ({} of text). Get the "
                    "file again",
                    name(), format, bytes_consumed(), produced_));
  }

  std::unique_ptr<ByteSource> compressed_;
  std::vector<char> output_;
  std::string_view input_;
  bool input_ended_ = false;
  bool at_end_ = false;
  Status fault_;

 private:
  int64_t produced_ = 0;
};

class GzipSource final : public CompressedSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> compressed) : CompressedSource(std::move(compressed)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    CHECK(inflateInit2(&stream_, kGzipOnly) == Z_OK);
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

 private:
  size_t decompress() override {
    if (between_members_ && !start_member()) return 0;
    if (input_ended_ && input_.empty()) {
      fault_ = truncated("gzip");
      return 0;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    stream_.avail_in = static_cast<uInt>(input_.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
    stream_.avail_out = static_cast<uInt>(output_.size());
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    input_.remove_prefix(input_.size() - stream_.avail_in);
    const size_t produced = count(output_.size() - stream_.avail_out);
    if (outcome == Z_STREAM_END) {
      between_members_ = true;
    } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
      fault_ = damaged("gzip", stream_.msg != nullptr ? stream_.msg : "an unknown fault");
    }
    return produced;
  }

  /// False when there is no further member (yet): more input is needed, or the end is reached.
  bool start_member() {
    while (has_member_ && !input_.empty() && input_.front() == '\0') input_.remove_prefix(1);
    if (input_.empty()) {
      at_end_ = input_ended_;
      return false;
    }
    if (has_member_) inflateReset(&stream_);
    has_member_ = true;
    between_members_ = false;
    return true;
  }

  z_stream stream_{};
  bool between_members_ = true;
  bool has_member_ = false;
};

class ZstdSource final : public CompressedSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> compressed)
      : CompressedSource(std::move(compressed)), stream_(ZSTD_createDCtx()) {
    CHECK(stream_ != nullptr);
  }
  ~ZstdSource() override { ZSTD_freeDCtx(stream_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

 private:
  size_t decompress() override {
    if (input_.empty() && input_ended_ && !has_pending_output_) {
      at_end_ = !in_frame_;
      if (in_frame_) fault_ = truncated("zstd");
      return 0;
    }
    // One block a call, without the header of the next: a call that fails gives nothing of what it decompressed.
    const size_t block = wanted_ > kBlockHeaderBytes ? wanted_ - kBlockHeaderBytes : wanted_;
    ZSTD_inBuffer input{input_.data(), std::min(input_.size(), block), 0};
    ZSTD_outBuffer output{output_.data(), output_.size(), 0};
    const size_t outcome = ZSTD_decompressStream(stream_, &output, &input);
    if (ZSTD_isError(outcome) != 0) {
      fault_ = damaged("zstd", ZSTD_getErrorName(outcome));
      return 0;
    }
    wanted_ = outcome == 0 ? kFrameStartBytes : outcome;
    input_.remove_prefix(input.pos);
    in_frame_ = outcome != 0;
    has_pending_output_ = in_frame_ && output.pos == output.size;
    return count(output.pos);
  }

  static constexpr size_t kBlockHeaderBytes = 3;
  static constexpr size_t kFrameStartBytes = 5;

  ZSTD_DCtx* stream_;
  /// Bytes that the decompressor asks for: the rest of a block and the header of the next.
  size_t wanted_ = kFrameStartBytes;
  bool in_frame_ = false;
  bool has_pending_output_ = false;
};

}  // namespace

Compression compression_of(std::string_view first_bytes) {
  using namespace std::string_view_literals;
  if (first_bytes.starts_with("\x1f\x8b"sv)) return Compression::kGzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::kZstd;
  const bool is_skippable =
      first_bytes.size() >= 4 && (first_bytes[0] & '\xf0') == '\x50' && first_bytes.substr(1, 3) == "\x2a\x4d\x18"sv;
  if (is_skippable) return Compression::kZstd;
  if (first_bytes.starts_with("PK\x03\x04"sv) || first_bytes.starts_with("PK\x05\x06"sv)) return Compression::kZip;
  return Compression::kNone;
}

std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> compressed) {
  return std::make_unique<GzipSource>(std::move(compressed));
}

std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> compressed) {
  return std::make_unique<ZstdSource>(std::move(compressed));
}

}  // namespace meterstream
