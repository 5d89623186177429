#pragma once

#include <QString>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace zen::test {

/// Compares the gradients of `parameters` with what a small move along each does to the loss:
/// empty, or what is wrong. Parameters without a gradient must not matter at all.
inline QString gradientProblem(const std::vector<at::Tensor>& parameters,
    const std::vector<std::string>& names, const std::function<double()>& loss,
    double change = 0.01)
{
    const at::NoGradGuard off;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        at::Tensor parameter = parameters[i];
        if (!parameter.grad().defined())
            return QString("%1 has no gradient").arg(names[i].c_str());
        const at::Tensor gradient = parameter.grad().clone();
        const double square = gradient.pow(2).sum().item<double>();
        if (!(square > 0))
            return QString("%1 has a gradient of 0").arg(names[i].c_str());
        const double step = change / square;
        const at::Tensor before = parameter.detach().clone();
        parameter.add_(gradient, step);
        const double up = loss();
        parameter.copy_(before).sub_(gradient, step);
        const double down = loss();
        parameter.copy_(before);
        const double measured = (up - down) / (2 * step);
        if (std::abs(measured - square) > 0.02 * square)
            return QString("%1: %2 against %3").arg(names[i].c_str()).arg(measured).arg(square);
    }
    return {};
}

} // namespace zen::test
