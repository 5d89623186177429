#pragma once

#include "core/model/qwen3.h"

#include <cstdint>
#include <string>
#include <vector>

namespace zen {

enum class WeightKind {
    table, ///< embedding, head
    norm, ///< always float32
    router, ///< always float32
    projection ///< what NF4 packs
};

/// One weight of the model: its name in the file, its shape, and where it lives in Qwen3Weights.
struct WeightSlot {
    std::string name;
    std::vector<std::int64_t> sizes;
    WeightKind kind = WeightKind::table;
    at::Tensor* tensor = nullptr; ///< null: a projection
    WeightMatrix* matrix = nullptr;

    std::int64_t count() const { return sizes.size() == 2 ? sizes[0] * sizes[1] : sizes.front(); }
    bool isPacked() const { return matrix != nullptr && matrix->packed != nullptr; }
    /// Undefined where packed.
    at::Tensor& numbers() const { return tensor != nullptr ? *tensor : matrix->dense_OI; }
    /// The type that it is kept in when it is not packed.
    at::ScalarType typeFor(const LoadOptions& options) const;
};

/// Every weight in a fixed order; a tied head has no slot. Makes the layers and experts.
std::vector<WeightSlot> weightSlots(const Qwen3Shape& shape, Qwen3Weights& weights);

} // namespace zen
