#include "core/model/lora_product.h"

#include "core/base/machine.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace zen {

namespace {

constexpr std::size_t kWorthAThread = std::size_t{ 1 } << 24; ///< multiplications

/// The rows from `begin` to `end`; the sum of a row is made apart and added once.
void addRows(std::span<float> weight_OI, std::span<const float> b_OR, std::span<const float> a_RI,
    std::size_t rank, float scale, std::size_t begin, std::size_t end)
{
    const std::size_t inputs = a_RI.size() / rank;
    std::vector<float> sum_I(inputs);
    for (std::size_t row = begin; row < end; ++row) {
        std::fill(sum_I.begin(), sum_I.end(), 0.0F);
        float* const sum = sum_I.data();
        for (std::size_t r = 0; r < rank; ++r) {
            const float factor = b_OR[row * rank + r];
            const float* const a = a_RI.data() + r * inputs;
            for (std::size_t i = 0; i < inputs; ++i)
                sum[i] += factor * a[i];
        }
        float* const weight = weight_OI.data() + row * inputs;
        for (std::size_t i = 0; i < inputs; ++i)
            weight[i] += scale * sum[i];
    }
}

} // namespace

void addLoraProduct(std::span<float> weight_OI, std::span<const float> b_OR,
    std::span<const float> a_RI, std::int64_t rank, double scale)
{
    static const int cores = thisMachine().cores; // not those that the process may not use
    const auto ranks = static_cast<std::size_t>(rank);
    const std::size_t rows = b_OR.size() / ranks;
    const std::size_t useful = weight_OI.size() * ranks / kWorthAThread + 1;
    const std::size_t count
        = std::clamp<std::size_t>(std::min(useful, static_cast<std::size_t>(cores)), 1, rows);
    std::vector<std::jthread> threads;
    for (std::size_t part = 0; part < count; ++part)
        threads.emplace_back(addRows, weight_OI, b_OR, a_RI, ranks, static_cast<float>(scale),
            rows * part / count, rows * (part + 1) / count);
}

} // namespace zen
