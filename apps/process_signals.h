// Purpose: signals by which the operating system tells that a file cannot be used. Call set_process_signals() first in
//          main(). A file that may not grow (ulimit -f) becomes an error of the write, like a full disk. A mapped file
//          that cannot be read ends the program with a message and the exit code of damaged data; what was committed
//          stays, as after a kill. Ctrl-C and SIGTERM end it with a message while there is no SignalStop.
#pragma once

namespace meterstream {

void set_process_signals();

}  // namespace meterstream
