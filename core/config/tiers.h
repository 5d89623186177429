#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zen {

/// The figures that Zoo Labs published for a tier; not measured here.
struct PublishedBenchmarks {
    double mmlu = 0;
    double human_eval = 0;
    double mt_bench = 0;
    double tokens_per_second = 0;
};

/// One Zen tier, as resources/tiers.yaml states it.
struct Tier {
    std::string id; ///< starter, nano, eco, coder, omni, next, moe
    std::string title; ///< Zen Nano
    std::string size; ///< 0.6B
    std::string model_id; ///< the seed's: Qwen/Qwen3-0.6B-Instruct
    std::string substitute_id; ///< nearest published checkpoint, empty if model_id is published
    std::string config_file; ///< gspo_qwen3_nano_0.6b.yaml, in configs/
    std::string algorithm; ///< gspo or grpo: what the seed recommends
    std::string good_for; ///< one line
    std::vector<std::string> use_cases;
    std::string note; ///< e.g. the text model trains; vision and audio do not
    std::int64_t lora_rank = 0;
    std::int64_t context = 0;
    std::int64_t batch = 0;
    double memory_gb = 0; ///< the seed's figure
    std::optional<PublishedBenchmarks> published;
    /// The shape to plan with when no weights are on the machine (training-spec 5.2).
    std::int64_t hidden_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 128,
                 intermediate_size = 0, vocab_size = 151936, num_experts = 0, experts_per_token = 0,
                 moe_intermediate_size = 0;
    bool tied_embeddings = false;
    bool shape_assumed = false; ///< true where no public shape exists
};

/// The catalogue in the seed's order, the starter first. Errors name file and line.
Result<std::vector<Tier>> loadTiers(const std::filesystem::path& tiers_yaml);

/// The catalogue with a person's own file over it (userConfigFolder()/tiers.yaml): an entry with
/// the id of a tier changes what it names, for example `substitute_id`; other entries are tiers of
/// their own. A file that is not there changes nothing. Errors name file and line.
Result<std::vector<Tier>> withUserTiers(
    std::vector<Tier> tiers, const std::filesystem::path& user_yaml);

} // namespace zen
