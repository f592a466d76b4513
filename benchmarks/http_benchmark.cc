// The HTTP server alone: requests a second on one thread, with wrk as the client, and memory of connections that rest.
// http_benchmark [CONNECTIONS]: 10,000 without it. wrk (Debian's package) must be installed for the first part.
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/http_server.h"

namespace meterstream {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_megabytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// Runs wrk and gives the number behind "Requests/sec:".
double requests_a_second(uint16_t port, int connections, int seconds) {
  const std::string command =
      fmt::format("wrk -t1 -c{} -d{}s http://127.0.0.1:{}/info 2>/dev/null", connections, seconds, port);
  FILE* output = ::popen(command.c_str(), "r");
  if (output == nullptr) return 0;
  std::array<char, 512> line{};
  double rate = 0;
  while (std::fgets(line.data(), line.size(), output) != nullptr) {
    std::sscanf(line.data(), "Requests/sec: %lf", &rate);  // NOLINT(cert-err34-c)
  }
  ::pclose(output);
  return rate;
}

void measure_requests(uint16_t port) {
  fmt::print("| connections | requests/s | CPU us a request of the server |\n|---|---|---|\n");
  constexpr int kSeconds = 5;
  for (const int connections : {1, 16, 64, 512}) {
    const double before = cpu_seconds();
    const double rate = requests_a_second(port, connections, kSeconds);
    if (rate <= 0) {
      fmt::print("wrk gave no answer; is it installed?\n");
      return;
    }
    fmt::print("| {} | {:.0f} | {:.1f} |\n", connections, rate, (cpu_seconds() - before) * 1e6 / (rate * kSeconds));
  }
}

int connect_to(uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? client : -1;
}

/// Another process, so that its memory and descriptors are its own: each connection makes one request and rests.
void hold_connections(uint16_t port, int count, int ready, int end) {
  constexpr std::string_view kRequest = "GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (int number = 0; number < count; ++number) {
    const int client = connect_to(port);
    std::array<char, 1024> answer{};
    if (client < 0 || ::send(client, kRequest.data(), kRequest.size(), 0) < 0 ||
        ::recv(client, answer.data(), answer.size(), 0) <= 0) {
      std::_Exit(1);
    }
  }
  char byte = 1;
  if (::write(ready, &byte, 1) != 1 || ::read(end, &byte, 1) < 0) std::_Exit(1);
  std::_Exit(0);
}

void measure_connections(const HttpServer& server, pid_t holder, int go, int ready, int end) {
  const double before = resident_megabytes();
  char byte = 1;
  if (::write(go, &byte, 1) != 1 || ::read(ready, &byte, 1) != 1) {
    fmt::print("the connections could not be made; is the limit of open files high enough?\n");
    return;
  }
  const double after = resident_megabytes();
  fmt::print("\n{} connections that rest: {:.1f} MB resident, {:.1f} MB before, {:.0f} bytes each\n",
             server.connections(), after, before, (after - before) * 1e6 / static_cast<double>(server.connections()));
  ::close(end);
  ::waitpid(holder, nullptr, 0);
}

int run(int connections) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::array<int, 2> go{};
  std::array<int, 2> ready{};
  std::array<int, 2> end{};
  if (::pipe(go.data()) != 0 || ::pipe(ready.data()) != 0 || ::pipe(end.data()) != 0) return 1;
  // Before the server has threads.
  const pid_t holder = ::fork();
  if (holder == 0) {
    ::close(end[1]);
    ::close(go[1]);
    uint16_t port = 0;
    char byte = 0;
    if (::read(go[0], &port, sizeof(port)) != sizeof(port) || ::read(go[0], &byte, 1) != 1) std::_Exit(1);
    hold_connections(port, connections, ready[1], end[0]);
  }
  ::close(ready[1]);
  HttpServerOptions options;
  options.connection_limit = 200'000;
  const auto server = HttpServer::start(options, [](const HttpRequest&, HttpResponder responder) {
    responder.send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"KsqlServerInfo":{"version":"0.1.0","serverStatus":"RUNNING"}})"});
  });
  if (!server) {
    fmt::print(stderr, "{}\n", server.error().message);
    return 1;
  }
  const uint16_t port = (*server)->port();
  if (::write(go[1], &port, sizeof(port)) != sizeof(port)) return 1;
  measure_requests(port);
  measure_connections(**server, holder, go[1], ready[0], end[1]);
  return 0;
}

}  // namespace
}  // namespace meterstream

int main(int argument_count, char** arguments) {
  int connections = 10'000;
  if (argument_count > 1) {
    const std::string_view text = arguments[1];
    std::from_chars(text.data(), text.data() + text.size(), connections);
  }
  return meterstream::run(connections);
}
