#pragma once

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

// Tensors' memory, counted and refused above a limit, with libtorch's own error.

namespace zen::test {

struct MemoryCount {
    std::atomic<std::int64_t> live{ 0 }, peak{ 0 };
    std::atomic<std::int64_t> limit{ std::numeric_limits<std::int64_t>::max() };
    std::atomic<int> refuse{ 0 }; ///< so many of the next requests
};

inline MemoryCount& memoryCount()
{
    static MemoryCount count;
    return count;
}

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
#define ZEN_ALLOCATE_CONST
#else
#define ZEN_ALLOCATE_CONST const
#endif

class CountingAllocator final : public at::Allocator {
public:
    at::DataPtr allocate(std::size_t bytes) ZEN_ALLOCATE_CONST override
    {
        MemoryCount& count = memoryCount();
        const auto more = static_cast<std::int64_t>(bytes);
        const bool refused = count.refuse > 0 && count.refuse-- > 0;
        TORCH_CHECK(!refused && count.live + more <= count.limit,
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate ", bytes,
            " bytes. Error code 12 (Cannot allocate memory)");
        at::DataPtr inner = c10::GetDefaultCPUAllocator()->allocate(bytes);
        void* memory = inner.get();
        count.peak = std::max<std::int64_t>(count.peak, count.live += more);
        return { memory, new Taken{ std::move(inner), more }, &giveBack, at::kCPU };
    }
    void copy_data(void* to, const void* from, std::size_t count) const
    {
        std::memcpy(to, from, count);
    }

private:
    struct Taken {
        at::DataPtr memory;
        std::int64_t bytes;
    };
    static void giveBack(void* taken)
    {
        const std::unique_ptr<Taken> owned(static_cast<Taken*>(taken));
        memoryCount().live -= owned->bytes;
    }
};

/// While one lives, memory is limited as memoryCount() says; it starts without a limit.
class LimitedMemory {
public:
    LimitedMemory()
    {
        static CountingAllocator allocator;
        c10::SetCPUAllocator(&allocator, 1);
        memoryCount().peak = memoryCount().live.load();
    }
    ~LimitedMemory()
    {
        lift();
        c10::SetCPUAllocator(c10::GetDefaultCPUAllocator(), 1);
    }
    LimitedMemory(const LimitedMemory&) = delete;
    LimitedMemory& operator=(const LimitedMemory&) = delete;

    static void lift()
    {
        memoryCount().limit = std::numeric_limits<std::int64_t>::max();
        memoryCount().refuse = 0;
    }

    /// The most that existed at the same time while `work` ran, beyond what existed before.
    template <class Work> static std::int64_t peakOf(const Work& work)
    {
        const std::int64_t before = memoryCount().live;
        memoryCount().peak = before;
        work();
        return memoryCount().peak - before;
    }
};

} // namespace zen::test
