#include "core/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

/// Parameters start at multiples of this many floats (a cache line), so that products see aligned
/// rows.
constexpr std::int64_t kAlignment = 16;
/// Elements of one partial sum or one task; fixed, so that sums do not depend on the number of
/// threads.
constexpr std::int64_t kBlock = 1 << 14;

std::int64_t aligned(std::int64_t count)
{
    return (count + kAlignment - 1) / kAlignment * kAlignment;
}

struct AdamStep {
    float beta1, beta2, epsilon;
    float gradient_scale; ///< the clipping coefficient
    float step_size; ///< learning rate / (1 - beta1^t)
    float second_scale; ///< 1 / sqrt(1 - beta2^t)
};

void adamUpdate(float* value, const float* gradient, float* first, float* second,
    std::int64_t count, const AdamStep& step)
{
    for (std::int64_t i = 0; i < count; ++i) {
        const float scaled = gradient[i] * step.gradient_scale;
        first[i] = step.beta1 * first[i] + (1 - step.beta1) * scaled;
        second[i] = step.beta2 * second[i] + (1 - step.beta2) * scaled * scaled;
        value[i] -= step.step_size * first[i]
            / (std::sqrt(second[i]) * step.second_scale + step.epsilon);
    }
}

} // namespace

Optimizer::Optimizer(const std::vector<at::Tensor>& parameters, const OptimizerSection& section)
    : m_section(section)
{
    const c10::NoGradGuard no_grad;
    std::int64_t size = 0;
    for (const at::Tensor& parameter : parameters) {
        TORCH_CHECK(parameter.scalar_type() == at::kFloat && parameter.device().is_cpu()
                && parameter.is_leaf() && parameter.requires_grad(),
            "the optimizer takes float32 leaves on the CPU");
        size += aligned(parameter.numel());
    }
    m_values = at::zeros({ size }, at::kFloat);
    m_gradients = at::zeros_like(m_values);
    m_first_moment = at::zeros_like(m_values);
    m_second_moment = at::zeros_like(m_values);

    std::int64_t begin = 0;
    for (at::Tensor parameter : parameters) {
        at::Tensor place = m_values.narrow(0, begin, parameter.numel()).view(parameter.sizes());
        place.copy_(parameter);
        parameter.set_data(place);
        parameter.mutable_grad()
            = m_gradients.narrow(0, begin, parameter.numel()).view(parameter.sizes());
        if (parameter.dim() >= 2)
            m_decayed.emplace_back(begin, begin + parameter.numel());
        begin += aligned(parameter.numel());
    }
}

double Optimizer::gradientNorm() const
{
    const std::int64_t size = m_gradients.numel();
    const std::int64_t blocks = (size + kBlock - 1) / kBlock;
    std::vector<double> partial(static_cast<std::size_t>(blocks), 0.0);
    const float* gradients = m_gradients.data_ptr<float>();
    at::parallel_for(0, blocks, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t block = first; block < last; ++block) {
            const std::int64_t end = std::min(size, (block + 1) * kBlock);
            double sum = 0;
            for (std::int64_t i = block * kBlock; i < end; ++i)
                sum += static_cast<double>(gradients[i]) * static_cast<double>(gradients[i]);
            partial[static_cast<std::size_t>(block)] = sum;
        }
    });
    double total = 0;
    for (const double sum : partial)
        total += sum;
    return std::sqrt(total);
}

void Optimizer::step(double learning_rate, double norm)
{
    const c10::NoGradGuard no_grad;
    ++m_updates;
    const double updates = static_cast<double>(m_updates);
    AdamStep update{};
    update.beta1 = static_cast<float>(m_section.adam_beta1);
    update.beta2 = static_cast<float>(m_section.adam_beta2);
    update.epsilon = static_cast<float>(m_section.adam_epsilon);
    update.gradient_scale = m_section.max_grad_norm > 0
        ? static_cast<float>(std::min(1.0, m_section.max_grad_norm / (norm + 1e-6)))
        : 1.0F;
    update.step_size
        = static_cast<float>(learning_rate / (1 - std::pow(m_section.adam_beta1, updates)));
    update.second_scale
        = static_cast<float>(1 / std::sqrt(1 - std::pow(m_section.adam_beta2, updates)));

    if (m_section.weight_decay != 0)
        for (const auto& [begin, end] : m_decayed)
            m_values.narrow(0, begin, end - begin).mul_(1 - learning_rate * m_section.weight_decay);

    float* values = m_values.data_ptr<float>();
    const float* gradients = m_gradients.data_ptr<float>();
    float* first = m_first_moment.data_ptr<float>();
    float* second = m_second_moment.data_ptr<float>();
    at::parallel_for(0, m_values.numel(), kBlock, [&](std::int64_t begin, std::int64_t end) {
        adamUpdate(
            values + begin, gradients + begin, first + begin, second + begin, end - begin, update);
    });
}

void Optimizer::zeroGradients()
{
    const c10::NoGradGuard no_grad;
    m_gradients.zero_();
}

bool Optimizer::parametersAreFinite() const
{
    return at::isfinite(m_values.sum()).item<bool>() || at::isfinite(m_values).all().item<bool>();
}

void Optimizer::restore(
    const at::Tensor& first_moment, const at::Tensor& second_moment, std::int64_t updates)
{
    const c10::NoGradGuard no_grad;
    TORCH_CHECK(first_moment.sizes() == m_first_moment.sizes()
            && second_moment.sizes() == m_second_moment.sizes(),
        "the saved moments belong to another set of parameters");
    m_first_moment.copy_(first_moment);
    m_second_moment.copy_(second_moment);
    m_updates = updates;
}

} // namespace zen
