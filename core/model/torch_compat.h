#pragma once

// The one place that knows which libtorch this is (1.13 to 2.x).

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>
#if __has_include(<ATen/core/grad_mode.h>)
#include <ATen/core/grad_mode.h>
#endif
#include <c10/core/GradMode.h>

#include <memory>
#include <utility>
#include <vector>

namespace zen {

using AutogradNode = torch::autograd::Node;
using GradientList = torch::autograd::variable_list;

/// True if gradients are being recorded and one of the tensors wants one.
inline bool wantsGradient(const std::vector<at::Tensor>& tensors)
{
    return c10::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(tensors);
}

/// A node whose gradients go to `inputs`, in their order.
template <class NodeType> std::shared_ptr<NodeType> makeNode(const std::vector<at::Tensor>& inputs)
{
    std::shared_ptr<NodeType> node(new NodeType, torch::autograd::deleteNode);
    torch::autograd::edge_list edges;
    for (const at::Tensor& input : inputs)
        edges.push_back(input.defined() ? torch::autograd::impl::gradient_edge(input)
                                        : torch::autograd::Edge());
    node->set_next_edges(std::move(edges));
    return node;
}

/// Makes `output` the result of `node`.
inline void setHistory(at::Tensor& output, const std::shared_ptr<AutogradNode>& node)
{
    torch::autograd::create_gradient_edge(output, node);
}

} // namespace zen
