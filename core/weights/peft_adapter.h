#pragma once

#include "core/base/result.h"
#include "core/weights/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace zen {

/// A LoRA adapter in PEFT format as files tell it, of any model: the pairs by the name of the
/// weight that they add to. Plain: nothing but the header is read.
struct PeftAdapter {
    struct Pair {
        const TensorEntry* a = nullptr; ///< [rank, in]
        const TensorEntry* b = nullptr; ///< [out, rank]
    };
    SafetensorsFile file;
    std::string base_model;
    std::int64_t rank = 0;
    double scale = 1; ///< alpha / rank, or alpha / sqrt(rank) with rsLoRA
    std::map<std::string, Pair> pairs; ///< "model.layers.0.self_attn.q_proj.weight" -> its pair
};

/// Opens adapter_config.json and adapter_model.safetensors. Errors: missing files; features that
/// change more than W + scale B A (DoRA, modules_to_save, patterns, …), by name; half a pair;
/// shapes that do not fit the rank.
Result<PeftAdapter> openPeftAdapter(const std::filesystem::path& folder);

} // namespace zen
