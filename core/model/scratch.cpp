#include "core/model/scratch.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace zen {

namespace {

constexpr std::size_t kLine = 16; // floats in a cache line
constexpr std::size_t kSmallestBlock = std::size_t{ 1 } << 18;
constexpr std::size_t kLargestGrowth = std::size_t{ 1 } << 22; // larger blocks are made to measure

struct ScratchBlock {
    explicit ScratchBlock(std::size_t floats)
        : memory(
            static_cast<float*>(::operator new (floats * sizeof(float), std::align_val_t{ 64 })))
        , size(floats)
    {
    }
    struct Free {
        void operator()(float* memory) const { ::operator delete (memory, std::align_val_t{ 64 }); }
    };
    std::unique_ptr<float, Free> memory;
    std::size_t size;
};

struct ScratchStack {
    std::vector<ScratchBlock> blocks;
    std::size_t block = 0; ///< the one in use
    std::size_t used = 0; ///< floats taken from it
};

ScratchStack& scratchStack()
{
    static thread_local ScratchStack stack;
    return stack;
}

} // namespace

Scratch::Scratch()
    : m_block(scratchStack().block)
    , m_used(scratchStack().used)
{
}

Scratch::~Scratch()
{
    scratchStack().block = m_block;
    scratchStack().used = m_used;
}

float* Scratch::floats(std::int64_t count)
{
    ScratchStack& stack = scratchStack();
    const std::size_t needed = (static_cast<std::size_t>(count) + kLine - 1) / kLine * kLine;
    while (
        stack.block < stack.blocks.size() && stack.used + needed > stack.blocks[stack.block].size) {
        ++stack.block;
        stack.used = 0;
    }
    if (stack.block == stack.blocks.size()) {
        const std::size_t previous = stack.blocks.empty() ? 0 : stack.blocks.back().size;
        stack.blocks.emplace_back(
            std::max({ needed, kSmallestBlock, std::min(2 * previous, kLargestGrowth) }));
        stack.used = 0;
    }
    float* memory = stack.blocks[stack.block].memory.get() + stack.used;
    stack.used += needed;
    return memory;
}

float* Scratch::zeros(std::int64_t count)
{
    float* memory = floats(count);
    std::memset(memory, 0, static_cast<std::size_t>(count) * sizeof(float));
    return memory;
}

void Scratch::release()
{
    ScratchStack& stack = scratchStack();
    if (stack.block == 0 && stack.used == 0)
        stack.blocks.clear();
}

void Scratch::releaseOfAllThreads()
{
#pragma omp parallel
    release();
}

} // namespace zen
