#include "core/config/tiers.h"

#include "core/base/diagnostic.h"
#include "core/base/durable_file.h"
#include "core/config/yaml_node.h"
#include "core/config/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <set>

namespace zen {

namespace {

struct TextMember {
    std::string_view key;
    std::string Tier::*member;
    bool required;
};
constexpr auto kTexts = std::to_array<TextMember>(
    { { "id", &Tier::id, true }, { "title", &Tier::title, true }, { "size", &Tier::size, true },
        { "model_id", &Tier::model_id, true }, { "substitute_id", &Tier::substitute_id, false },
        { "config_file", &Tier::config_file, true }, { "algorithm", &Tier::algorithm, true },
        { "good_for", &Tier::good_for, true }, { "note", &Tier::note, false } });

struct NumberMember {
    std::string_view key;
    std::int64_t Tier::*member;
    bool required;
};
constexpr auto kNumbers = std::to_array<NumberMember>({ { "lora_rank", &Tier::lora_rank, true },
    { "context", &Tier::context, true }, { "batch", &Tier::batch, true },
    { "hidden_size", &Tier::hidden_size, true }, { "num_layers", &Tier::num_layers, true },
    { "num_heads", &Tier::num_heads, true }, { "num_kv_heads", &Tier::num_kv_heads, true },
    { "head_dim", &Tier::head_dim, false }, { "intermediate_size", &Tier::intermediate_size, true },
    { "vocab_size", &Tier::vocab_size, false }, { "num_experts", &Tier::num_experts, false },
    { "experts_per_token", &Tier::experts_per_token, false },
    { "moe_intermediate_size", &Tier::moe_intermediate_size, false } });

struct RealMember {
    std::string_view key;
    double PublishedBenchmarks::*member;
};
constexpr auto kBenchmarks = std::to_array<RealMember>(
    { { "mmlu", &PublishedBenchmarks::mmlu }, { "human_eval", &PublishedBenchmarks::human_eval },
        { "mt_bench", &PublishedBenchmarks::mt_bench },
        { "tokens_per_second", &PublishedBenchmarks::tokens_per_second } });

/// Reads one file; the first thing wrong ends it.
class TierReader {
public:
    explicit TierReader(std::string file)
        : m_file(std::move(file))
    {
    }

    Result<std::vector<Tier>> read(const YamlNode& root)
    {
        std::vector<Tier> tiers;
        std::set<std::string> ids;
        if (root.kind != YamlNode::Kind::sequence || root.items.empty())
            return problem(root, "expected a list of tiers");
        for (const YamlNode& item : root.items) {
            Result<Tier> tier = readTier(item, nullptr);
            if (!tier)
                return tl::unexpected<Error>(tier.error());
            if (!ids.insert(tier->id).second)
                return problem(item, "two tiers have the id " + tier->id);
            tiers.push_back(std::move(*tier));
        }
        return tiers;
    }

    /// Entries with the id of a tier change what they name, others are tiers of their own.
    Result<std::vector<Tier>> change(std::vector<Tier> tiers, const YamlNode& root)
    {
        if (root.kind != YamlNode::Kind::sequence)
            return problem(root, "expected a list of tiers");
        for (const YamlNode& item : root.items) {
            const auto known = std::find_if(tiers.begin(), tiers.end(),
                [&](const Tier& tier) { return tier.id == idIn(item); });
            Result<Tier> tier = readTier(item, known == tiers.end() ? nullptr : &*known);
            if (!tier)
                return tl::unexpected<Error>(tier.error());
            if (known == tiers.end())
                tiers.push_back(std::move(*tier));
            else
                *known = std::move(*tier);
        }
        return tiers;
    }

private:
    static std::string idIn(const YamlNode& node)
    {
        for (std::size_t i = 0; i < node.keys.size() && i < node.items.size(); ++i)
            if (node.keys[i].text == "id")
                return node.items[i].text;
        return {};
    }

    tl::unexpected<Error> problem(const YamlNode& node, const std::string& message) const
    {
        return fail(m_file + ", line " + std::to_string(std::max(node.line, 1)) + ": " + message);
    }

    /// @param shipped what an entry of the user changes; null: the entry must be whole
    Result<Tier> readTier(const YamlNode& node, const Tier* shipped)
    {
        if (node.kind != YamlNode::Kind::mapping)
            return problem(node, "a tier is a mapping");
        Tier tier = shipped ? *shipped : Tier{};
        std::set<std::string_view> seen;
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            const std::string& key = node.keys[i].text;
            if (const Result<void> done = readMember(tier, key, node.items[i]); !done)
                return tl::unexpected<Error>(done.error());
            seen.insert(key);
        }
        for (const TextMember& text : kTexts)
            if (text.required && !shipped && !seen.contains(text.key))
                return problem(node, std::string(text.key) + " is missing");
        for (const NumberMember& number : kNumbers)
            if (number.required && !shipped && !seen.contains(number.key))
                return problem(node, std::string(number.key) + " is missing");
        if (tier.algorithm != "gspo" && tier.algorithm != "grpo")
            return problem(node, "algorithm is gspo or grpo");
        return tier;
    }

    Result<void> readMember(Tier& tier, const std::string& key, const YamlNode& value)
    {
        for (const TextMember& text : kTexts)
            if (text.key == key)
                return readText(value, key, tier.*text.member);
        for (const NumberMember& number : kNumbers)
            if (number.key == key)
                return readNumber(value, key, tier.*number.member);
        if (key == "memory_gb")
            return readReal(value, key, tier.memory_gb);
        if (key == "tied_embeddings")
            return readFlag(value, key, tier.tied_embeddings);
        if (key == "shape_assumed")
            return readFlag(value, key, tier.shape_assumed);
        if (key == "use_cases")
            return readUseCases(value, tier.use_cases);
        if (key == "published")
            return readPublished(value, tier.published.emplace());
        return problem(value, key + " is not known here");
    }

    Result<void> readText(const YamlNode& value, const std::string& key, std::string& text)
    {
        if (value.kind != YamlNode::Kind::scalar)
            return problem(value, key + " must be text");
        text = value.text;
        return {};
    }

    Result<void> readNumber(const YamlNode& value, const std::string& key, std::int64_t& number)
    {
        const auto parsed = parseInteger(value.text);
        if (value.kind != YamlNode::Kind::scalar || !parsed || *parsed < 0)
            return problem(value, key + " must be a whole number from 0 on");
        number = *parsed;
        return {};
    }

    Result<void> readReal(const YamlNode& value, const std::string& key, double& number)
    {
        const auto parsed = parseReal(value.text);
        if (value.kind != YamlNode::Kind::scalar || !parsed || *parsed < 0)
            return problem(value, key + " must be a number from 0 on");
        number = *parsed;
        return {};
    }

    Result<void> readFlag(const YamlNode& value, const std::string& key, bool& flag)
    {
        const auto parsed = parseBool(value.text);
        if (value.kind != YamlNode::Kind::scalar || !parsed)
            return problem(value, key + " must be true or false");
        flag = *parsed;
        return {};
    }

    Result<void> readUseCases(const YamlNode& value, std::vector<std::string>& use_cases)
    {
        if (value.kind != YamlNode::Kind::sequence)
            return problem(value, "use_cases must be a list");
        use_cases.clear();
        for (const YamlNode& item : value.items)
            use_cases.push_back(item.text);
        return {};
    }

    Result<void> readPublished(const YamlNode& value, PublishedBenchmarks& published)
    {
        if (value.kind != YamlNode::Kind::mapping || value.keys.size() != kBenchmarks.size())
            return problem(
                value, "published needs mmlu, human_eval, mt_bench and tokens_per_second");
        for (std::size_t i = 0; i < value.keys.size(); ++i) {
            const auto row = std::find_if(kBenchmarks.begin(), kBenchmarks.end(),
                [&](const RealMember& each) { return each.key == value.keys[i].text; });
            if (row == kBenchmarks.end())
                return problem(value, value.keys[i].text + " is not known here");
            const Result<void> done
                = readReal(value.items[i], value.keys[i].text, published.*row->member);
            if (!done)
                return done;
        }
        return {};
    }

    std::string m_file;
};

} // namespace

namespace {

Result<YamlNode> readTierFile(const std::filesystem::path& file)
{
    const Result<std::string> text = readFile(file, kMaxYamlBytes);
    if (!text)
        return tl::unexpected<Error>(text.error());
    ParsedYaml parsed = parseYaml(*text);
    if (!parsed.findings.empty())
        return fail(toText(parsed.findings.front(), file.string()));
    return std::move(parsed.root);
}

} // namespace

Result<std::vector<Tier>> loadTiers(const std::filesystem::path& tiers_yaml)
{
    const Result<YamlNode> root = readTierFile(tiers_yaml);
    if (!root)
        return tl::unexpected<Error>(root.error());
    return TierReader(tiers_yaml.string()).read(*root);
}

Result<std::vector<Tier>> withUserTiers(
    std::vector<Tier> tiers, const std::filesystem::path& user_yaml)
{
    std::error_code ignored;
    if (!std::filesystem::exists(user_yaml, ignored))
        return tiers;
    const Result<YamlNode> root = readTierFile(user_yaml);
    if (!root)
        return tl::unexpected<Error>(root.error());
    return TierReader(user_yaml.string()).change(std::move(tiers), *root);
}

} // namespace zen
