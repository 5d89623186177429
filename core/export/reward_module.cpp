#include "core/export/reward_module.h"

#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/config/reward_types.h"
#include "core/config/reward_values.h"
#include "core/config/yaml_scalar.h"
#include "core/export/python_text.h"
#include "core/export/target_values.h"
#include "core/reward/rubric.h"

#include <algorithm>
#include <set>

namespace zen {

namespace {

constexpr std::string_view kDeclares = "#: reward ";

std::vector<std::string> parameterOf(
    const RewardTermSpec& term, const std::string& name, std::vector<std::string> otherwise)
{
    const auto found = term.parameters.find(name);
    return found == term.parameters.end() ? otherwise : found->second;
}

std::string wordIn(
    const RewardTermSpec& term, const std::string& name, const std::string& otherwise)
{
    const std::vector<std::string> words = parameterOf(term, name, { otherwise });
    return words.empty() ? otherwise : words.front();
}

std::string extractList(const RewardTermSpec& term)
{
    std::vector<std::string> ways;
    for (const std::string& way : parameterOf(term, "extract", { "boxed", "####", "last_number" }))
        ways.push_back(way.find("boxed") != std::string::npos ? "boxed" : way);
    return pythonList(ways);
}

/// The call that scores one completion: `text`, `columns`, `i` and `ids` are at hand.
Result<std::string> scoringCall(const RewardTermSpec& term)
{
    const auto gold = [&] {
        return "gold_of(columns, " + pythonText(wordIn(term, "field", "answer")) + ", i)";
    };
    const auto on = [&](const char* otherwise) {
        return ", on=" + pythonText(wordIn(term, "on", otherwise)) + ")";
    };
    if (term.type == "number_equal")
        return "score_number_equal(text, " + gold() + ", extract=" + extractList(term)
            + ", rel_tol=" + wordIn(term, "rel_tol", "1e-6") + on("all");
    if (term.type == "exact")
        return "score_exact(text, " + gold() + ", normalize="
            + pythonList(parameterOf(term, "normalize", { "strip" })) + on("after_think");
    if (term.type == "regex") {
        const Result<std::string> pattern
            = pythonPattern(wordIn(term, "pattern", "."), parameterOf(term, "flags", {}));
        if (!pattern)
            return fail("reward " + term.name + ": " + pattern.error().message);
        return "score_regex(text, " + *pattern + on("all");
    }
    if (term.type == "contains") {
        const std::vector<std::string> texts = parameterOf(term, "text", {});
        const bool has_field
            = term.parameters.contains("field") || !term.parameters.contains("text");
        return "score_contains(text, " + pythonList(texts)
            + (has_field ? " + [" + gold() + "]" : "")
            + ", match=" + pythonText(wordIn(term, "match", "any"))
            + ", normalize=" + pythonList(parameterOf(term, "normalize", {})) + on("all");
    }
    if (term.type == "tags_once")
        return "score_tags_once(text, "
            + pythonList(parameterOf(term, "tags", { "think", "answer" })) + ")";
    if (term.type == "overlong") {
        const std::int64_t longest = parseInteger(wordIn(term, "max", "0")).value_or(0);
        return "score_overlong(ids, " + std::to_string(longest) + ", "
            + wordIn(term, "cache", std::to_string(longest / 4)) + ")";
    }
    if (term.type == "repetition")
        return "score_repetition(ids, n=" + wordIn(term, "n", "3")
            + ", max_penalty=" + wordIn(term, "max_penalty", "-1.0") + ")";
    return "score_think_format(text)";
}

Result<std::string> rewardFunction(const RewardTermSpec& term)
{
    const Result<std::string> call = scoringCall(term);
    if (!call)
        return call;
    std::string declared = rewardsToYaml({ term });
    declared.erase(0, declared.find('{'));
    const RewardType* type = findRewardType(term.type);
    std::string help = type ? std::string(type->help) : term.type;
    for (std::size_t at = 0; (at = help.find('\\', at)) != std::string::npos; at += 2)
        help.insert(at, "\\");
    const bool wants_ids = term.type == "overlong" || term.type == "repetition";
    std::string text = std::string(kDeclares) + declared + "\ndef " + rewardFunctionName(term)
        + "(prompts, completions, **columns):\n    \"\"\"" + help + "\"\"\"\n    scores = []\n";
    text += "    for i, completion in enumerate(completions):\n";
    if (wants_ids)
        text += "        all_ids = columns.get(\"completion_ids\")\n"
                "        ids = None if all_ids is None else all_ids[i]\n";
    else
        text += "        text = text_of(completion)\n";
    return text + "        scores.append(" + *call + ")\n    return scores\n";
}

/// For axolotl: `type: zen_rewards.as_prompt` in a datasets entry.
std::string promptFunction(const DataSection& data)
{
    const std::string columns = data.prompt_column.empty()
        ? "[\"prompt\", \"question\", \"instruction\", \"problem\"]"
        : pythonList({ data.prompt_column });
    std::string text = "SYSTEM_PROMPT = " + pythonText(data.system_prompt)
        + "\nPROMPT_COLUMNS = " + columns + R"(


def as_prompt(cfg, *args, **kwargs):
    """axolotl: makes each row a prompt; all other columns stay for the rewards."""

    def transform(row, tokenizer=None):
        name = next(name for name in PROMPT_COLUMNS if name in row)
        if isinstance(row[name], list):
            return {"prompt": row[name]}
        system = [{"role": "system", "content": SYSTEM_PROMPT}] if SYSTEM_PROMPT else []
        return {"prompt": system + [{"role": "user", "content": row[name]}]}

    return transform
)";
    return text;
}

} // namespace

Result<std::string> rewardModule(const TrainingConfig& config)
{
    const std::vector<RewardTermSpec>& terms = config.algorithm.rewards;
    if (const auto rubric = Rubric::build(terms); !rubric && !terms.empty())
        return fail(toText(rubric.error().front()));
    std::vector<std::string> parts{ "texts" };
    for (const RewardTermSpec& term : terms)
        if (std::find(parts.begin(), parts.end(), term.type) == parts.end())
            parts.push_back(term.type);
    std::string text = "\"\"\"Rewards as functions for TRL and axolotl, generated from a "
                       "configuration of Zen Studio.\n\nEach returns one score a completion; None "
                       "means that the row cannot be judged. The weights stand in the YAML "
                       "file.\n\"\"\"\n\nimport math\nimport re\nimport unicodedata\n";
    for (const std::string& part : parts) {
        const auto bytes = readFile(resourceFolder() / "targets" / "rewards" / (part + ".py"));
        if (!bytes)
            return tl::unexpected(bytes.error());
        text += "\n\n" + *bytes;
    }
    std::set<std::string> names;
    for (const RewardTermSpec& term : terms) {
        if (!names.insert(rewardFunctionName(term)).second)
            return fail("two rewards would both be called " + rewardFunctionName(term)
                + " in Python: give one of them another name");
        const Result<std::string> function = rewardFunction(term);
        if (!function)
            return function;
        text += "\n\n" + *function;
    }
    return text + "\n\n" + promptFunction(config.data);
}

Result<std::vector<RewardTermSpec>> readRewardModule(const std::filesystem::path& folder)
{
    const std::filesystem::path file = folder / (std::string(kRewardModule) + ".py");
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored))
        return std::vector<RewardTermSpec>{};
    const Result<std::string> text = readFile(file, kMaxYamlBytes);
    if (!text)
        return tl::unexpected(text.error());
    std::string list;
    for (std::size_t begin = 0; begin < text->size();) {
        const std::size_t end = std::min(text->find('\n', begin), text->size());
        const std::string line = text->substr(begin, end - begin);
        if (line.starts_with(kDeclares))
            list += "- " + line.substr(kDeclares.size()) + "\n";
        begin = end + 1;
    }
    const ParsedYaml parsed = parseYaml(list);
    if (!parsed.findings.empty())
        return fail(file.string() + ": " + parsed.findings.front().message);
    Diagnostics problems;
    return rewardsFromNode(parsed.root, problems);
}

} // namespace zen
