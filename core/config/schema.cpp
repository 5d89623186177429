#include "core/config/schema.h"

#include "core/config/schema_row.h"

#include <algorithm>
#include <map>

namespace zen {

namespace {

std::vector<Field> allFields()
{
    std::vector<Field> fields;
    for (const auto section : { modelFields, adapterFields, dataFields, batchFields,
             algorithmFields, samplingFields, optimizerFields, memoryFields, runFields })
        for (Field& field : section())
            fields.push_back(std::move(field));
    return fields;
}

/// Letters to change, add, drop or swap to turn one word into the other.
std::size_t editDistance(std::string_view from, std::string_view to)
{
    std::vector<std::size_t> before(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    std::vector<std::size_t> next(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t change = from[i - 1] == to[j - 1] ? 0 : 1;
            next[j] = std::min({ row[j] + 1, next[j - 1] + 1, row[j - 1] + change });
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
        std::swap(before, row);
        std::swap(row, next);
    }
    return row[to.size()];
}

/// True if `part` stands in `whole` between underscores or ends.
bool isWordOf(std::string_view part, std::string_view whole)
{
    const std::size_t at = whole.find(part);
    if (part.size() < 4 || at == std::string_view::npos)
        return false;
    const std::size_t end = at + part.size();
    return (at == 0 || whole[at - 1] == '_') && (end == whole.size() || whole[end] == '_');
}

} // namespace

std::string_view nameOf(Stage stage)
{
    const auto& words = kChoiceWords<Stage>;
    return std::find_if(words.begin(), words.end(), [stage](const auto& choice) {
        return choice.value == stage;
    })->word;
}

std::span<const Field> schema()
{
    static const std::vector<Field> fields = allFields();
    return fields;
}

const Field* findField(std::string_view key_or_alias)
{
    static const std::map<std::string_view, const Field*> index = [] {
        std::map<std::string_view, const Field*> map;
        for (const Field& field : schema()) {
            map.emplace(field.key, &field);
            for (const std::string_view alias : field.aliases)
                map.emplace(alias, &field);
        }
        return map;
    }();
    const auto found = index.find(key_or_alias);
    return found == index.end() ? nullptr : found->second;
}

std::string nearestKey(std::string_view key)
{
    std::vector<std::string_view> known;
    for (const Field& field : schema())
        known.push_back(field.key);
    for (const Field& field : schema())
        known.insert(known.end(), field.aliases.begin(), field.aliases.end());
    if (key.size() > 100)
        return {};
    std::string_view best;
    std::size_t least = std::min<std::size_t>(3, key.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        const std::size_t distance = editDistance(key, candidate);
        if (distance < least) {
            least = distance;
            best = candidate;
        }
    }
    if (!best.empty())
        return std::string(best);
    const auto related = std::find_if(known.begin(), known.end(), [&](std::string_view candidate) {
        return isWordOf(key, candidate) || isWordOf(candidate, key);
    });
    return related == known.end() ? std::string() : std::string(*related);
}

FieldValue defaultValue(const Field& field)
{
    static const TrainingConfig untouched;
    return field.get(untouched);
}

} // namespace zen
