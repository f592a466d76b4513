#include "apps/command_line.h"

// The program's commands, in the order of --help. A new one is added here by hand.
int main(int argument_count, char** arguments) {
  meterstream::CommandList commands;
  return meterstream::run_command_line(argument_count, arguments, commands);
}
