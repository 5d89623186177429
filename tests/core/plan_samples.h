#pragma once

#include "core/config/read_config.h"
#include "core/config/tiers.h"
#include "core/plan/memory_plan.h"

#include <QString>

#include <cstdint>
#include <string>

namespace zen::test {

/// The public configurations of the Qwen3 models.
inline Qwen3Shape publicShape(const QString& name)
{
    struct Row {
        const char* name;
        std::int64_t hidden, layers, heads, kv_heads, intermediate, experts, per_token, expert_size;
        bool tied;
    };
    static constexpr Row kRows[] = { { "0.6B", 1024, 28, 16, 8, 3072, 0, 0, 0, true },
        { "1.7B", 2048, 28, 16, 8, 6144, 0, 0, 0, true },
        { "4B", 2560, 36, 32, 8, 9728, 0, 0, 0, true },
        { "8B", 4096, 36, 32, 8, 12288, 0, 0, 0, false },
        { "14B", 5120, 40, 40, 8, 17408, 0, 0, 0, false },
        { "32B", 5120, 64, 64, 8, 25600, 0, 0, 0, false },
        { "30B-A3B", 2048, 48, 32, 4, 6144, 128, 8, 768, false },
        { "235B-A22B", 4096, 94, 64, 4, 12288, 128, 8, 1536, false } };
    for (const Row& row : kRows)
        if (name == row.name) {
            Tier tier;
            tier.hidden_size = row.hidden;
            tier.num_layers = row.layers;
            tier.num_heads = row.heads;
            tier.num_kv_heads = row.kv_heads;
            tier.head_dim = 128;
            tier.intermediate_size = row.intermediate;
            tier.num_experts = row.experts;
            tier.experts_per_token = row.per_token;
            tier.moe_intermediate_size = row.expert_size;
            tier.tied_embeddings = row.tied;
            return shapeOf(tier);
        }
    qFatal("no such shape");
}

inline TrainingConfig shippedConfig(const std::string& file)
{
    const auto document = YamlDocument::load(ZEN_SOURCE_DIR "/configs/" + file);
    if (!document)
        qFatal("no such configuration");
    return readConfig(*document).config;
}

inline Tier shippedTier(const std::string& id)
{
    const auto tiers = loadTiers(ZEN_SOURCE_DIR "/resources/tiers.yaml");
    for (const Tier& tier : *tiers)
        if (tier.id == id)
            return tier;
    qFatal("no such tier");
}

constexpr std::uint64_t operator""_GB(unsigned long long number)
{
    return number * 1'000'000'000;
}

} // namespace zen::test
