#pragma once

#include <omp.h>

#include <cstdint>
#include <exception>

namespace zen {

/// True inside a parallelFor: inner ones then run on the calling thread.
inline bool isInParallel()
{
    return omp_in_parallel() != 0;
}

/// Calls task(i) for i in [0, tasks) on the threads that at::set_num_threads allows. Tasks must
/// write to places of their own, so that the result does not depend on who ran them. The first
/// exception is thrown again here.
template <class Task> void parallelFor(std::int64_t tasks, const Task& task)
{
    if (tasks <= 1 || isInParallel() || omp_get_max_threads() == 1) {
        for (std::int64_t i = 0; i < tasks; ++i)
            task(i);
        return;
    }
    std::exception_ptr problem;
#pragma omp parallel for schedule(dynamic, 1)
    for (std::int64_t i = 0; i < tasks; ++i) {
        try {
            task(i);
        } catch (...) {
#pragma omp critical
            if (!problem)
                problem = std::current_exception();
        }
    }
    if (problem)
        std::rethrow_exception(problem);
}

/// Calls task(begin, end) on pieces of `size` of [0, count).
template <class Task> void parallelPieces(std::int64_t count, std::int64_t size, const Task& task)
{
    parallelFor((count + size - 1) / size, [&](std::int64_t piece) {
        const std::int64_t begin = piece * size;
        task(begin, begin + size < count ? begin + size : count);
    });
}

/// The same for plain arithmetic on many numbers, in pieces that are worth a thread.
template <class Task> void forNumbers(std::int64_t count, const Task& task)
{
    parallelPieces(count, 1 << 14, task);
}

} // namespace zen
