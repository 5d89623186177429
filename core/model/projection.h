#pragma once

#include "core/model/lora.h"
#include "core/model/qwen3_shape.h"
#include "core/model/weight_matrix.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace zen {

// C tokens of a piece, I inputs, O outputs, R rank

/// Inputs and outputs of a projection of this shape.
struct ProjectionSize {
    std::int64_t in = 0;
    std::int64_t out = 0;
};
ProjectionSize sizeOf(const Qwen3Shape& shape, Projection projection);
/// Of an expert's gate, up or down.
ProjectionSize expertSizeOf(const Qwen3Shape& shape, Projection projection);

/// Dropout on a LoRA branch's input: which numbers fall is a function of the key, their token's
/// place and their column alone.
struct LoraDropout {
    double probability = 0; ///< 0: none
    std::uint64_t key = 0;
    const std::int64_t* place_N = nullptr; ///< of the batch's tokens; null: their indices
    const std::int64_t* token_S = nullptr; ///< of an expert's slots; null: tokens as they are

    std::uint64_t placeOf(std::int64_t index) const
    {
        const std::int64_t token = token_S == nullptr ? index : token_S[index];
        return static_cast<std::uint64_t>(place_N == nullptr ? token : place_N[token]);
    }
};

/// Gradients of one projection's parameters, float32 sums to add to; null where not wanted.
struct ProjectionGradients {
    float* weight_OI = nullptr;
    float* a_RI = nullptr;
    float* b_OR = nullptr;
};

/// y = W x + scale B(A x), made ready for many pieces of tokens. With float32 weights and no
/// dropout the pair is added into a copy of W, which is then cut into panels; with bfloat16 or
/// packed weights W x runs in their type and the pair apart in float32.
class PreparedProjection {
public:
    enum class Use { forward, backward };
    /// @param pair undefined tensors: no adapter
    PreparedProjection(const WeightMatrix& weight, const LoraPair& pair, double scale,
        LoraDropout dropout, Use use);

    std::int64_t in() const { return m_in; }
    std::int64_t out() const { return m_out; }

    /// y [C, O] = projection of x [C, I] (+ y). `first_token` is the place of x[0] in the batch,
    /// for dropout.
    void apply(const float* x, std::int64_t count, float* y, bool accumulate,
        std::int64_t first_token) const;
    /// dx [C, I] = gradient for x (+ dx), from dy [C, O].
    void applyBackward(const float* dy, std::int64_t count, float* dx, bool accumulate,
        std::int64_t first_token) const;
    /// Adds to the gradients of the parameters.
    void addGradients(const float* x, const float* dy, std::int64_t count,
        const ProjectionGradients& into, std::int64_t first_token) const;

private:
    void applyBf16(const at::Tensor& weight, const float* x, std::int64_t count, float* y,
        bool accumulate) const;
    /// The pair's input: x itself, or a copy with dropout in `copy`.
    const float* pairInput(
        const float* x, std::int64_t count, float* copy, std::int64_t first_token) const;
    void dropOut(float* x, std::int64_t count, std::int64_t first_token) const;

    std::int64_t m_in, m_out, m_rank = 0;
    float m_scale;
    LoraDropout m_dropout;
    bool m_is_merged = false;
    at::Tensor m_a_RI, m_b_OR;
    at::Tensor m_panels; ///< float32: W as the second factor of apply or applyBackward
    WeightMatrix m_weight; ///< bfloat16 or packed: as stored
};

} // namespace zen
