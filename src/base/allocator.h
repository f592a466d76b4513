// Purpose: settings of the C library's allocator for a process that makes and frees buffers of megabytes all the time.
// Effect: such buffers are reused instead of being given back to the system and faulted in again, page by page.
// Thread-safety: call once, first thing in main.
#pragma once

namespace meterstream {

void keep_large_buffers();

}  // namespace meterstream
