#include "core/plan/weight_types.h"

#include "core/base/machine.h"
#include "core/model/work_sizes.h"

namespace zen {

bool keepsFourBits(const TrainingConfig& config, const Qwen3Shape& shape)
{
    return shape.is_packed || config.memory.quantization == Quantization::nf4
        || config.memory.load_in_4bit;
}

WeightType computeTypeAsked(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const MemorySection& memory = config.memory;
    if (config.adapter.finetuning_type == FinetuningType::full)
        return WeightType::float32;
    if (keepsFourBits(config, shape))
        return memory.bnb_4bit_compute_dtype;
    return memory.dtype == WeightType::automatic && memory.bf16 ? WeightType::bfloat16
                                                                : memory.dtype;
}

WeightType heldType(const TrainingConfig& config, const Qwen3Shape& shape, WeightType compute)
{
    if (config.adapter.finetuning_type == FinetuningType::full || !keepsFourBits(config, shape))
        return compute;
    return config.memory.dtype == WeightType::float32 ? WeightType::float32 : WeightType::bfloat16;
}

WeightType plannedWeightType(const TrainingConfig& config, const Qwen3Shape& shape)
{
    const WeightType asked = computeTypeAsked(config, shape);
    if (asked != WeightType::automatic)
        return asked;
    static const bool has_instructions = thisMachine().has_bf16_instructions;
    const bool large = shape.hidden_size * shape.intermediate_size >= kSmallestBf16Matrix;
    return large && has_instructions ? WeightType::bfloat16 : WeightType::float32;
}

} // namespace zen
