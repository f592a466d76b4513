#include "base/server_login.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace meterstream {
namespace {

TEST(ServerLogin, ThePasswordIsTheFirstLineOfItsFile) {
  ServerLogin login;
  EXPECT_EQ(password_of(login, "redis").value(), "");
  login.password = "hush";
  EXPECT_EQ(password_of(login, "redis").value(), "hush");
  const auto path = std::filesystem::temp_directory_path() / ("server-login-" + std::to_string(::getpid()));
  login.password_file = path;
  const Error missing = password_of(login, "redis").error();
  EXPECT_EQ(missing.code, ErrorCode::kInvalid);
  EXPECT_NE(missing.message.find(path.string()), std::string::npos) << missing.message;
  std::ofstream(path) << "hunter2\r\nnot this\n";
  EXPECT_EQ(password_of(login, "redis").value(), "hunter2");
  for (const std::string_view empty : {"", "\n", "\r\n", "\r", "\r\nhunter2\n"}) {
    std::ofstream(path) << empty;
    EXPECT_NE(password_of(login, "redis").error().message.find("no password in the first line"), std::string::npos);
  }
  std::filesystem::remove(path);
}

TEST(ServerLogin, WhatCannotWorkIsNamedWithItsSection) {
  EXPECT_TRUE(check_server_login({}, "redis"));
  const auto fault_of = [](const ServerLogin& login) {
    const Status checked = check_server_login(login, "redis");
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_NE(fault_of({.user = "me"}).find("[redis] has a user but no password"), std::string::npos);
  const std::string both = fault_of({.password = "hush", .password_file = "file"});
  EXPECT_NE(both.find("password_file"), std::string::npos);
  EXPECT_EQ(both.find("hush"), std::string::npos);
  EXPECT_NE(fault_of({.tls = true, .certificate_file = "a"}).find("key_file"), std::string::npos);
  EXPECT_NE(fault_of({.ca_file = "a"}).find("tls = true"), std::string::npos);
  EXPECT_EQ(fault_of({.user = "me", .password = "hush", .tls = true, .ca_file = "a"}), "");
}

}  // namespace
}  // namespace meterstream
