#pragma once

#include <array>
#include <string_view>

namespace zen {

/// A kind of reward and the parameters that it takes, for checks, forms and docs; core/reward gives
/// them meaning.
struct RewardType {
    std::string_view name;
    std::string_view help;
    std::array<std::string_view, 5> parameters; ///< empty ones are unused
};

inline constexpr std::array<RewardType, 8> kRewardTypes = { {
    { "number_equal",
        "1 if the completion's final number equals the row's answer. field: column of the answer "
        "(answer); extract: where to look, "
        "in order (\\boxed{}, ####, last_number); rel_tol: relative tolerance (1e-6; integers are "
        "compared exactly); on: all or "
        "after_think",
        { "field", "extract", "rel_tol", "on" } },
    { "exact",
        "1 if the completion equals the row's answer. field: column (answer); normalize: any of "
        "strip, lower, nfkc, collapse_space "
        "(strip); on: after_think or all",
        { "field", "normalize", "on" } },
    { "regex",
        "1 if the pattern (RE2) is found. pattern; flags: any of ignorecase, multiline, dotall; "
        "on: all or after_think",
        { "pattern", "flags", "on" } },
    { "contains",
        "1 if the text is found. field: column to look for, or text: a list; match: any or all of "
        "the list; normalize: any of "
        "lower, nfkc, collapse_space; on: all or after_think",
        { "field", "text", "match", "normalize", "on" } },
    { "think_format", "1 if the completion begins with one <think> block that is closed", {} },
    { "tags_once",
        "1 if each tag opens and closes exactly once, in the order of the list. tags (think, "
        "answer)",
        { "tags" } },
    { "overlong",
        "0 up to max - cache tokens, then linear to -1 at max, -1 beyond (DAPO, arXiv 2503.14476). "
        "max; cache (a quarter of max)",
        { "max", "cache" } },
    { "repetition",
        "max_penalty times the share of repeated token n-grams. n (3); max_penalty (-1.0)",
        { "n", "max_penalty" } },
} };

/// nullptr for a name that is none of them.
constexpr const RewardType* findRewardType(std::string_view name)
{
    for (const RewardType& type : kRewardTypes)
        if (type.name == name)
            return &type;
    return nullptr;
}

} // namespace zen
