#pragma once

#include "core/config/training_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace zen {

/// AdamW with decoupled weight decay and clipping by the total norm (arXiv 1711.05101;
/// torch.optim.AdamW's update). Parameters and gradients live in one buffer each, which the
/// parameters are moved into; their .grad are views of the other.
class Optimizer {
public:
    /// Takes over the storage of float32 CPU leaves. Vectors (norms, biases) get no weight decay.
    Optimizer(const std::vector<at::Tensor>& parameters, const OptimizerSection& section);

    /// Total L2 norm of the gradients, summed in float64 in a fixed order (equal for any number of
    /// threads).
    double gradientNorm() const;

    /// Clips to max_grad_norm (0: not at all) and updates. `norm` is gradientNorm().
    void step(double learning_rate, double norm);

    void zeroGradients();
    bool parametersAreFinite() const;

    // What a checkpoint keeps besides the parameters: moments over the whole buffer, and the number
    // of updates.
    const at::Tensor& firstMoment() const { return m_first_moment; }
    const at::Tensor& secondMoment() const { return m_second_moment; }
    std::int64_t updates() const { return m_updates; }
    /// Copies saved moments in. The sizes must be equal.
    void restore(
        const at::Tensor& first_moment, const at::Tensor& second_moment, std::int64_t updates);

private:
    OptimizerSection m_section;
    at::Tensor m_values, m_gradients, m_first_moment, m_second_moment;
    std::vector<std::pair<std::int64_t, std::int64_t>>
        m_decayed; ///< [begin, end) of matrices in the buffer
    std::int64_t m_updates = 0;
};

} // namespace zen
