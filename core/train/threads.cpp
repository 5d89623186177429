#include "core/train/threads.h"

#include "core/base/machine.h"

#include <ATen/Parallel.h>

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace zen {

namespace {

constexpr int kBackgroundNiceness = 5;

} // namespace

void useThreads(std::int64_t count)
{
    const int threads = count > 0 ? static_cast<int>(count) : thisMachine().cores;
    at::set_num_threads(threads);
    using SetThreads = void (*)(int);
    if (const auto set_blas_threads
        = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
        set_blas_threads(threads);
}

void workInBackground()
{
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    ::setpriority(PRIO_PROCESS, thread, kBackgroundNiceness);
}

} // namespace zen
