#include "core/config/schema.h"
#include "core/export/deepspeed.h"
#include "core/export/import_config.h"

#include <algorithm>
#include <functional>

namespace zen {

namespace {

using KeyChoice = std::function<bool(const std::string&)>;

/// How many of a file's keys a reader knows; unknown ones count against it.
int scoreOf(const YamlDocument& document, const KeyChoice& knows)
{
    int score = 0;
    for (const YamlEntry& entry : document.entries())
        score += knows(entry.key) ? 1 : -2;
    return score;
}

bool knowsAny(const YamlDocument& document, const KeyChoice& knows)
{
    return std::any_of(document.entries().begin(), document.entries().end(),
        [&](const YamlEntry& entry) { return knows(entry.key); });
}

} // namespace

RecognisedFile recognise(const YamlDocument& document, std::span<const Target> targets)
{
    if (deepspeedKindOf(document.root()))
        return {}; // names a few keys that TRL has too
    const int own = scoreOf(document, [](const std::string& key) {
        const Field* field = findField(key);
        return field && field->key == key;
    });
    RecognisedFile result;
    int best = own;
    // An own file is preferred, then LLaMA-Factory to its fork, by the order of the loop.
    std::vector<int> order;
    for (std::size_t i = 0; i < targets.size(); ++i)
        order.push_back(static_cast<int>(i));
    std::stable_sort(order.begin(), order.end(), [&](int left, int right) {
        return (targets[static_cast<std::size_t>(left)].name == "llamafactory")
            > (targets[static_cast<std::size_t>(right)].name == "llamafactory");
    });
    std::vector<int> scores(targets.size());
    for (const int i : order) {
        const Target& target = targets[static_cast<std::size_t>(i)];
        int& score = scores[static_cast<std::size_t>(i)];
        score = scoreOf(
            document, [&](const std::string& key) { return target.accepted.keys.contains(key); });
        const YamlEntry* stage = document.find("stage");
        const AcceptedKey* known = target.accepted.find("stage");
        if (stage && known && !known->choices.empty()
            && std::find(known->choices.begin(), known->choices.end(), stage->value_text)
                == known->choices.end())
            score -= 2;
        if (score > best) {
            best = score;
            result.target = i;
        }
    }
    for (std::size_t i = 0; i < targets.size(); ++i)
        if (static_cast<int>(i) != result.target && result.target >= 0 && scores[i] == best)
            result.as_well.push_back(static_cast<int>(i));
    result.is_known = knowsAny(document, [&](const std::string& key) {
        return result.target < 0
            ? findField(key) != nullptr
            : targets[static_cast<std::size_t>(result.target)].accepted.keys.contains(key);
    });
    return result;
}

} // namespace zen
