#pragma once

#include "core/base/result.h"
#include "core/model/qwen3_shape.h"
#include "core/weights/checkpoint_folder.h"
#include "core/weights/peft_adapter.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// A model's weights with a LoRA adapter folded in (W + scale B A, in float32), read one tensor at
/// a time. Names are those of the checkpoint, whatever they are: dense models and mixtures of
/// experts alike. Plain: a model of any size is exported in the memory of its largest tensor.
class MergedWeights {
public:
    /// `adapter` may be empty: the model alone. Errors: a pair without a weight, or of another
    /// size; weights that are stored in 4 bits or are not floating-point; anything that
    /// openPeftAdapter refuses.
    static Result<MergedWeights> open(
        const CheckpointFolder& checkpoint, const std::filesystem::path& adapter);

    struct Weight {
        std::string name;
        std::vector<std::int64_t> shape;
    };
    /// In the order of layers and experts; the stored head of a tied model is left out.
    const std::vector<Weight>& weights() const { return m_weights; }
    const Weight* find(const std::string& name) const;

    /// All numbers of one tensor, row by row. Errors: I/O; numbers that are not finite.
    Result<std::vector<float>> read(const std::string& name) const;

    std::uint64_t parameters() const;

private:
    CheckpointFolder m_checkpoint;
    std::optional<PeftAdapter> m_adapter;
    std::vector<Weight> m_weights;
    std::map<std::string, std::size_t> m_index;
};

} // namespace zen
