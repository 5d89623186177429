#pragma once

#include <cstdint>

namespace zen {

/// Sets how many threads tensor work started from the calling thread uses; 0: every core that the
/// process may use.
void useThreads(std::int64_t count);

/// Lets other threads (the window's) go first: lowers the priority of the calling thread and of the
/// workers it will start.
void workInBackground();

} // namespace zen
