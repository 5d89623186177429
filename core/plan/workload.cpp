#include "core/plan/workload.h"

#include "core/model/work_sizes.h"
#include "core/text/chat_template.h"
#include "core/weights/checkpoint_folder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace zen {

namespace {

constexpr std::size_t kRowsMeasured = 512;
constexpr const char* kStopped = "the measuring was stopped";
/// A sum of rows stays within so many standard deviations for hundreds of steps.
constexpr double kDeviations = 3;

LengthSummary summaryOf(const std::vector<double>& lengths)
{
    LengthSummary summary;
    if (lengths.empty())
        return summary;
    const auto count = static_cast<double>(lengths.size());
    double squares = 0;
    for (const double length : lengths) {
        summary.mean += length / count;
        summary.longest = std::max(summary.longest, length);
    }
    for (const double length : lengths)
        squares += (length - summary.mean) * (length - summary.mean);
    summary.deviation = std::sqrt(squares / count);
    return summary;
}

/// One row of a batch.
struct RowLengths {
    LengthSummary prompt, completion;
    double mean() const { return prompt.mean + completion.mean; }
    double longest() const { return prompt.longest + completion.longest; }
    double deviation() const
    {
        return std::sqrt(
            prompt.deviation * prompt.deviation + completion.deviation * completion.deviation);
    }
};

LengthSummary cutAt(LengthSummary summary, double limit)
{
    summary.mean = std::min(summary.mean, limit);
    summary.longest = std::min(summary.longest, limit);
    return summary;
}

RowLengths rowLengths(const TrainingConfig& config, const std::optional<TokenLengths>& lengths)
{
    const auto context = static_cast<double>(config.data.cutoff_len);
    const double completion = std::min(context,
        static_cast<double>(
            config.batch.max_completion_length.value_or(config.data.cutoff_len / 2)));
    RowLengths row;
    row.prompt = { context - completion, 0, context - completion };
    row.completion = { completion, 0, completion };
    if (!lengths)
        return row;
    row.prompt = cutAt(lengths->prompt, context - completion);
    if (lengths->answer)
        row.completion = cutAt(*lengths->answer, completion);
    return row;
}

/// In SFT a row is a text of the data, cut at the context.
RowLengths textLengths(const TrainingConfig& config, const std::optional<TokenLengths>& lengths)
{
    const auto context = static_cast<double>(config.data.cutoff_len);
    RowLengths row;
    row.completion = { context, 0, context };
    if (!lengths || !lengths->answer)
        return row;
    row.prompt = cutAt(lengths->prompt, context);
    row.completion = cutAt(*lengths->answer, context - row.prompt.longest);
    return row;
}

double wholeBlocks(double tokens)
{
    constexpr auto kBlock = static_cast<double>(kCacheBlock);
    return std::ceil(tokens / kBlock) * kBlock;
}

/// Rows are sorted by length before they are cut into micro-batches, so that the last one of many
/// holds the longest.
void countUpdate(Workload& load, const TrainingConfig& config, const RowLengths& row)
{
    const auto batch = static_cast<double>(config.batch.per_device_train_batch_size);
    const auto parts = static_cast<double>(config.batch.gradient_accumulation_steps);
    const double of_longest = (row.mean() + (1 - 1 / parts) * (row.longest() - row.mean())) * batch;
    const double rows = std::min(
        of_longest + kDeviations * std::sqrt(batch) * row.deviation(), batch * row.longest());
    const auto given = static_cast<double>(*config.memory.micro_batch_tokens);
    const double budget = std::max(given, row.longest());
    load.longest_row = row.longest();
    load.part_tokens = std::min(rows, budget);
    load.part_columns = std::min(batch * row.longest(), budget);
    load.part_targets = load.part_tokens * (row.mean() > 0 ? row.completion.mean / row.mean() : 1);
}

void countRollout(Workload& load, const TrainingConfig& config, const RowLengths& row)
{
    const auto group = static_cast<double>(std::max<std::int64_t>(1, config.batch.num_generations));
    const auto all = static_cast<double>(generationBatchSize(config));
    load.rollout_rows = std::min(all, static_cast<double>(rowsAtOnce(config)));
    load.in_turns = all > load.rollout_rows;
    // taken in turns, the last row of a group may keep its prompt while the next group begins
    const double prompts = std::ceil(load.rollout_rows / group) + (load.in_turns ? 1 : 0);
    load.rollout_tokens = load.rollout_rows * wholeBlocks(row.completion.mean)
        + prompts * wholeBlocks(row.prompt.mean);
    load.prefill_tokens
        = std::min(std::max(static_cast<double>(kPrefillTokens), row.prompt.longest),
            prompts * row.prompt.mean);
    load.late_prefill_tokens = load.in_turns ? row.prompt.longest : 0;
    load.generated_tokens = all * row.mean();
}

void countEvaluation(Workload& load, const TrainingConfig& config, const RowLengths& row)
{
    if (config.data.val_size <= 0 && config.data.eval_dataset.empty())
        return;
    load.evaluation_rows = static_cast<double>(evaluationRows(config));
    load.evaluation_tokens
        = load.evaluation_rows * (wholeBlocks(row.completion.mean) + wholeBlocks(row.prompt.mean));
    load.evaluation_prefill_tokens
        = std::min(std::max(static_cast<double>(kPrefillTokens), row.prompt.longest),
            load.evaluation_rows * row.prompt.mean);
    const auto budget = static_cast<double>(*config.memory.micro_batch_tokens);
    const auto batch = static_cast<double>(config.batch.per_device_eval_batch_size);
    load.perplexity_tokens = std::min(batch * row.mean(), std::max(budget, row.longest()));
}

} // namespace

TokenLengths measureLengths(const Dataset& training_rows, const Tokenizer& tokenizer,
    const ModelSection& model, const std::stop_token& stop)
{
    const std::size_t rows = training_rows.rows.size();
    const std::size_t step = std::max<std::size_t>(1, rows / kRowsMeasured);
    std::vector<double> prompts, answers;
    bool written_as_the_model_writes = true;
    for (std::size_t row = 0; row < rows && !stop.stop_requested(); row += step) {
        const Example& example = training_rows.rows[row];
        ChatOptions options;
        options.enable_thinking = model.enable_thinking;
        options.tools_json = example.tools_json;
        prompts.push_back(
            static_cast<double>(tokenizer.encode(renderChat(example.prompt, options)).size()));
        if (example.response.empty()
            || (model.enable_thinking && example.response.find("<think>") == std::string::npos)) {
            written_as_the_model_writes = false;
            continue;
        }
        answers.push_back( // and the token that ends it
            static_cast<double>(tokenizer.encode(example.response).size() + 1));
    }
    TokenLengths lengths;
    lengths.rows = static_cast<std::int64_t>(rows);
    lengths.prompt = summaryOf(prompts);
    if (written_as_the_model_writes && !answers.empty())
        lengths.answer = summaryOf(answers);
    return lengths;
}

Result<TokenLengths> measureLengths(
    const TrainingConfig& config, std::uint64_t most_bytes, const std::stop_token& stop)
{
    const auto stopped = [&stop] { return stop.stop_requested(); };
    const auto folder = findModelFolder(config.model.model_name_or_path);
    if (!folder)
        return tl::unexpected(folder.error());
    const auto files = findDatasetFiles(config.data);
    if (!files)
        return tl::unexpected(files.error());
    std::uint64_t bytes = 0;
    for (const std::filesystem::path& file : *files) {
        std::error_code ignored;
        bytes += std::filesystem::file_size(file, ignored);
    }
    if (bytes > most_bytes)
        return fail("the data are too many to be measured at once");
    if (stopped())
        return fail(kStopped);
    const auto tokenizer = Tokenizer::load(*folder / "tokenizer.json");
    if (!tokenizer)
        return tl::unexpected(tokenizer.error());
    if (stopped())
        return fail(kStopped);
    const auto split = loadDatasets(config.data, config.run.seed);
    if (!split)
        return tl::unexpected(split.error());
    if (split->train.rows.empty())
        return fail("the data have no row to train on");
    TokenLengths lengths = measureLengths(split->train, *tokenizer, config.model, stop);
    if (stopped()) // of some of the rows only
        return fail(kStopped);
    return lengths;
}

Workload workloadOf(const TrainingConfig& config, const std::optional<TokenLengths>& lengths)
{
    const bool sft = config.algorithm.stage == Stage::sft;
    Workload load;
    const RowLengths row = rowLengths(config, lengths);
    countUpdate(load, config, sft ? textLengths(config, lengths) : row);
    if (!sft)
        countRollout(load, config, row);
    countEvaluation(load, config, row);
    if (lengths) {
        load.data_rows = static_cast<double>(lengths->rows);
        load.data_tokens = load.data_rows
            * (lengths->prompt.mean + (lengths->answer ? lengths->answer->mean : 0));
    }
    return load;
}

} // namespace zen
