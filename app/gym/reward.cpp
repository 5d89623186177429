#include "app/gym/commands.h"
#include "app/gym/load_config.h"
#include "app/gym/terminal.h"
#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/reward/rubric.h"
#include "core/text/tokenizer.h"
#include "core/weights/checkpoint_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace zen::gym {

namespace {

struct Scored {
    std::string source;
    std::string completion;
    RewardScores scores;
};

Result<std::string> completionOf(
    const std::string& line, std::size_t number, const std::string& file)
{
    const nlohmann::json value = nlohmann::json::parse(line, nullptr, false);
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_object())
        for (const char* key : { "completion", "text", "response" })
            if (const auto found = value.find(key); found != value.end() && found->is_string())
                return found->get<std::string>();
    return fail(fmt::format(
        R"({}, line {}: expected a JSON string or an object with "completion", one a line)", file,
        number));
}

/// One completion a line: a JSON string, or an object with completion, text or response.
Result<std::vector<std::string>> readCompletions(const std::filesystem::path& file)
{
    const Result<std::string> bytes = readFile(file);
    if (!bytes)
        return tl::unexpected(bytes.error());
    std::vector<std::string> completions;
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < bytes->size();) {
        const std::size_t end = std::min(bytes->find('\n', begin), bytes->size());
        const std::string line = bytes->substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos)
            continue;
        const Result<std::string> one = completionOf(line, number, file.string());
        if (!one)
            return tl::unexpected(one.error());
        completions.push_back(*one);
    }
    return completions;
}

/// The model's tokenizer, for rewards that count tokens; none if the model is not on this machine.
std::optional<Tokenizer> tokenizerOf(const TrainingConfig& config)
{
    const auto folder = findModelFolder(config.model.model_name_or_path);
    if (!folder)
        return std::nullopt;
    Result<Tokenizer> tokenizer = Tokenizer::load(*folder / "tokenizer.json");
    return tokenizer ? std::optional(std::move(*tokenizer)) : std::nullopt;
}

Result<std::vector<Example>> readRows(
    const RewardArguments& arguments, const TrainingConfig& config)
{
    DataSection data = config.data;
    if (!arguments.dataset.empty())
        data.dataset = { arguments.dataset };
    data.eval_dataset.clear();
    data.val_size = 0;
    data.shuffle_dataset = false;
    Result<DatasetSplit> split = loadDatasets(data, config.run.seed);
    if (!split)
        return tl::unexpected(split.error());
    std::vector<Example> rows = std::move(split->train.rows);
    if (arguments.limit > 0 && rows.size() > arguments.limit)
        rows.resize(arguments.limit);
    return rows;
}

std::vector<Scored> scoreRows(const Rubric& rubric, const std::vector<Example>& rows,
    const std::vector<std::string>& completions, const std::optional<Tokenizer>& tokenizer,
    std::int64_t limit)
{
    std::vector<Scored> scored;
    for (std::size_t i = 0; i < std::min(rows.size(), completions.size()); ++i) {
        const std::vector<std::int64_t> ids
            = tokenizer ? tokenizer->encode(completions[i]) : std::vector<std::int64_t>();
        RewardInput input;
        input.completion = completions[i];
        input.completion_ids = ids;
        input.truncated = static_cast<std::int64_t>(ids.size()) > limit;
        input.columns = &rows[i].columns;
        scored.push_back({ rows[i].source, completions[i], rubric.score(input) });
    }
    return scored;
}

std::string numberOrUnscored(const std::optional<double>& value)
{
    return value ? fmt::format("{:.3f}", *value) : "unscored";
}

void printTable(const Rubric& rubric, const std::vector<Scored>& scored)
{
    std::vector<std::string> header{ "row", "reward" };
    header.insert(header.end(), rubric.names().begin(), rubric.names().end());
    header.emplace_back("completion");
    Table table(header);
    double sum = 0;
    std::size_t count = 0;
    for (const Scored& row : scored) {
        std::vector<std::string> cells{
            excerpt(std::filesystem::path(row.source).filename().string(), 32),
            numberOrUnscored(row.scores.total)
        };
        for (const auto& term : row.scores.terms)
            cells.push_back(numberOrUnscored(term));
        cells.push_back(excerpt(row.completion, 40));
        table.add(std::move(cells));
        if (row.scores.total) {
            sum += *row.scores.total;
            ++count;
        }
    }
    fmt::print("{}\n", table.text());
    fmt::print("{} rows, {} unscored", scored.size(), scored.size() - count);
    if (count > 0)
        fmt::print(", mean reward of the others {:.3f}", sum / static_cast<double>(count));
    fmt::print("\n");
}

void printJson(const Rubric& rubric, const std::vector<Scored>& scored)
{
    const auto orNull = [](const std::optional<double>& value) {
        return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
    };
    for (const Scored& row : scored) {
        nlohmann::json terms = nlohmann::json::object();
        for (std::size_t i = 0; i < rubric.names().size(); ++i)
            terms[rubric.names()[i]] = orNull(row.scores.terms[i]);
        const nlohmann::json object{ { "row", row.source }, { "completion", row.completion },
            { "reward", orNull(row.scores.total) }, { "terms", terms } };
        fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
}

/// The configuration and its rubric; a dataset in the configuration is not needed when one is
/// given.
std::optional<Rubric> rubricOf(const LoadedConfig& loaded)
{
    auto rubric = Rubric::build(loaded.config.algorithm.rewards);
    if (rubric)
        return std::move(*rubric);
    printFindings(rubric.error(), loaded.file, Advice::hide);
    return std::nullopt;
}

std::vector<std::string> referenceAnswers(const std::vector<Example>& rows)
{
    std::vector<std::string> texts;
    texts.reserve(rows.size());
    for (const Example& row : rows)
        texts.push_back(row.response);
    return texts;
}

} // namespace

int reward(const RewardArguments& arguments)
{
    ConfigArguments source{ arguments.config, {} };
    if (!arguments.dataset.empty())
        source.overrides = { "dataset=" + arguments.dataset };
    const std::optional<LoadedConfig> loaded = loadUsableConfig(source);
    if (!loaded)
        return kBadInput;
    const std::optional<Rubric> rubric = rubricOf(*loaded);
    if (!rubric)
        return kBadInput;
    const Result<std::vector<Example>> rows = readRows(arguments, loaded->config);
    if (!rows) {
        printError(rows.error().message);
        return kBadInput;
    }
    const Result<std::vector<std::string>> completions = arguments.completions.empty()
        ? Result<std::vector<std::string>>(referenceAnswers(*rows))
        : readCompletions(arguments.completions);
    if (!completions) {
        printError(completions.error().message);
        return kBadInput;
    }
    const std::int64_t longest = resolve(loaded->config).batch.max_completion_length.value_or(0);
    const auto scored
        = scoreRows(*rubric, *rows, *completions, tokenizerOf(loaded->config), longest);
    if (arguments.json)
        printJson(*rubric, scored);
    else
        printTable(*rubric, scored);
    return kDone;
}

} // namespace zen::gym
