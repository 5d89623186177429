#pragma once

#include "core/model/qwen3.h"
#include "core/weights/checkpoint_folder.h"
#include "core/weights/tensor_file.h"

#include <QString>
#include <QtTest>

#include <ATen/ATen.h>

#include <filesystem>

namespace reference {

/// The folder of numbers that the Python stack computed.
inline std::filesystem::path folder()
{
    return std::filesystem::path(ZEN_SOURCE_DIR) / "tests/reference-cases";
}

template <class T> T valueOf(zen::Result<T> result)
{
    if (!result)
        qFatal("%s", result.error().message.c_str());
    return std::move(*result);
}

inline zen::NamedTensors tensors(const char* name)
{
    return valueOf(zen::readTensors(folder() / (std::string(name) + ".safetensors")));
}

inline zen::Qwen3 model(const char* name, const zen::LoadOptions& options = {})
{
    return valueOf(zen::Qwen3::load(valueOf(zen::openCheckpoint(folder() / name)), options));
}

/// Largest |actual - expected| where mask is true (mask has the leading sizes of the tensors).
inline double largestError(
    const at::Tensor& actual, const at::Tensor& expected, const at::Tensor& mask = {})
{
    at::Tensor difference = (actual.detach() - expected).abs();
    if (mask.defined()) {
        at::Tensor wide = mask.to(at::kFloat);
        while (wide.dim() < difference.dim())
            wide = wide.unsqueeze(-1);
        difference = difference * wide;
    }
    return difference.max().item<double>();
}

} // namespace reference
