#pragma once

#include "core/model/nf4.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <utility>

namespace zen {

/// A matrix of the model, [out, in]: float32 or bfloat16 numbers, or packed to NF4.
struct WeightMatrix {
    at::Tensor dense_OI; ///< undefined where packed
    std::shared_ptr<const Nf4Matrix> packed;

    WeightMatrix() = default;
    WeightMatrix(at::Tensor dense)
        : dense_OI(std::move(dense))
    {
    }
    explicit WeightMatrix(std::shared_ptr<const Nf4Matrix> nf4)
        : packed(std::move(nf4))
    {
    }

    std::int64_t out() const { return packed ? packed->out : dense_OI.size(0); }
    std::int64_t in() const { return packed ? packed->in : dense_OI.size(1); }
    bool isFloat32() const { return !packed && dense_OI.scalar_type() == at::kFloat; }
    std::uint64_t bytes() const { return packed ? packed->bytes() : dense_OI.nbytes(); }
};

} // namespace zen
