#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/gguf.h"

#include <string>
#include <vector>

namespace zen {

/// One tensor of a GGUF file and the checkpoint's tensors that it holds: one, or one for each
/// expert in their order.
struct GgufSource {
    GgufTensor tensor;
    std::vector<std::string> names;
};

/// Every tensor of a Qwen3 or Qwen3-MoE model with llama.cpp's names and formats: vectors and the
/// router stay f32; a row that q8_0 cannot divide is f16. Error: a model that llama.cpp's qwen3moe
/// cannot compute (dense layers among sparse ones, weights of experts that are not normalised).
Result<std::vector<GgufSource>> ggufSources(const Qwen3Shape& shape, NumberFormat format);

} // namespace zen
