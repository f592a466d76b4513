// Purpose: a client of HTTP/1.1 for tests that decides about every byte: half requests, half-closed sides, reading slowly.
// Thread-safety: none. Errors: a timeout or a broken connection is an empty optional.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace meterstream::testing {

struct LoopbackResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in small letters
  std::string body;                            ///< without the framing of chunks
  /// Ended as it said: not cut off.
  bool is_complete = false;
};

class LoopbackClient {
 public:
  /// To 127.0.0.1. `receive_buffer_bytes`: of the socket, 0 for the system's.
  explicit LoopbackClient(uint16_t port, int receive_buffer_bytes = 0);
  ~LoopbackClient();
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;
  LoopbackClient(LoopbackClient&& other) noexcept;
  LoopbackClient& operator=(LoopbackClient&&) = delete;

  [[nodiscard]] bool is_connected() const { return socket_ >= 0; }
  bool send(std::string_view bytes);
  void end_sending();
  void close();
  /// Whatever comes next; nothing after `timeout`, an empty text at the end.
  std::optional<std::string> read_some(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// Reads until `text` has come (and keeps what is behind it); false at the end and after `timeout`.
  bool read_until(std::string_view text, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// A whole response, or what there is of it when the connection ends.
  std::optional<LoopbackResponse> read_response(bool to_head = false);
  /// True when the server closes within `timeout`.
  bool is_closed_within(std::chrono::milliseconds timeout);

  /// One exchange: POST when there is a body, else GET.
  std::optional<LoopbackResponse> exchange(std::string_view target, std::string_view body = {},
                                           std::string_view headers = {});

 private:
  bool fill();
  std::optional<std::string> take(size_t size);
  std::optional<std::string> take_line();
  bool read_chunks(LoopbackResponse& response);

  int socket_ = -1;
  std::string read_;
  bool ended_ = false;
};

}  // namespace meterstream::testing
