#include "apps/doctor_command.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/json_text.h"

namespace meterstream {
namespace {

std::string_view name_of(Diagnosis::State state) {
  static constexpr std::string_view kNames[] = {"good", "warning", "bad"};
  return kNames[static_cast<size_t>(state)];
}

void print_json(const std::vector<Diagnosis>& found) {
  std::string text;
  for (const Diagnosis& diagnosis : found) {
    text += fmt::format("{}{{\"check\":{},\"state\":\"{}\",\"detail\":{},\"advice\":{}}}", text.empty() ? "" : ",",
                        json_string(diagnosis.check), name_of(diagnosis.state), json_string(diagnosis.detail),
                        json_string(diagnosis.advice));
  }
  fmt::print("[{}]\n", text);
}

void print_text(const std::vector<Diagnosis>& found, const Terminal& terminal) {
  size_t width = 0;
  for (const Diagnosis& diagnosis : found) width = std::max(width, display_width(diagnosis.check));
  for (const Diagnosis& diagnosis : found) {
    static constexpr Colour kColours[] = {Colour::kGreen, Colour::kYellow, Colour::kRed};
    static constexpr std::string_view kMarks[] = {"ok  ", "warn", "BAD "};
    const auto state = static_cast<size_t>(diagnosis.state);
    fmt::print("{}  {}  {}\n", coloured(terminal, kColours[state], kMarks[state]), padded_right(diagnosis.check, width),
               diagnosis.detail);
    if (!diagnosis.advice.empty()) fmt::print("      {}  -> {}\n", padded_right("", width), diagnosis.advice);
  }
}

}  // namespace

std::string DoctorCommand::examples() const {
  return "meterstream doctor\nmeterstream --data-dir /srv/meters doctor --quick\nmeterstream doctor --json\n"
         "meterstream doctor --kafka localhost:9092 --registry http://localhost:8081 --probe";
}

void DoctorCommand::declare(CLI::App& app) {
  app.add_flag("--quick", options_.quick, "Do not read all data to compare its checksums");
  app.add_flag("--probe", options_.probe,
               "With --kafka: also write a record to topic meterstream-doctor, and compare the clocks");
}

Result<ExitCode> DoctorCommand::run(const CommandContext& context) {
  std::vector<Diagnosis> found = diagnose_machine();
  const bool on_kafka = Backbone::is_kafka(context.configuration);
  if (options_.probe && !on_kafka) return invalid("--probe writes to a cluster; name it with --kafka HOST:PORT");
  // On a cluster the directory holds only what can be made again from there.
  const bool quick = options_.quick || on_kafka;
  for (Diagnosis& diagnosis : diagnose_data_directory(context, quick)) found.push_back(std::move(diagnosis));
  if (on_kafka) {
    for (Diagnosis& diagnosis : diagnose_kafka(context, options_.probe)) found.push_back(std::move(diagnosis));
  }
  context.json ? print_json(found) : print_text(found, context.output);
  for (const Diagnosis& diagnosis : found) {
    if (diagnosis.state == Diagnosis::State::kBad) return diagnosis.exit_code;
  }
  return ExitCode::kDone;
}

}  // namespace meterstream
