#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace zen {

/// Working memory of the calling thread, given back when the Scratch that took it ends; kept for
/// the next one, because fresh pages cost more than the arithmetic on them. Scratches nest like
/// scopes.
class Scratch {
public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    /// Uninitialised, aligned to a cache line.
    float* floats(std::int64_t count);
    /// All zero.
    float* zeros(std::int64_t count);

    /// Returns this thread's idle memory to the system.
    static void release();
    /// The same for the threads that work for this one.
    static void releaseOfAllThreads();

private:
    std::size_t m_block;
    std::size_t m_used;
};

} // namespace zen
