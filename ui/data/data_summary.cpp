#include "ui/data/data_summary.h"

#include "core/weights/checkpoint_folder.h"

#include <algorithm>

namespace zen::ui {

namespace {

std::optional<Tokenizer> tokenizerFor(const std::string& model)
{
    const auto tokenizer = findModelFolder(model).and_then([](const std::filesystem::path& folder) {
        return Tokenizer::load(folder / "tokenizer.json");
    });
    return tokenizer ? std::optional(*tokenizer) : std::nullopt;
}

std::int64_t promptTokens(const Example& example, const Tokenizer& tokenizer, bool enable_thinking)
{
    ChatOptions options;
    options.enable_thinking = enable_thinking;
    options.tools_json = example.tools_json;
    return static_cast<std::int64_t>(tokenizer.encode(renderChat(example.prompt, options)).size());
}

void readFiles(DataSummary& summary, const DataSection& options, bool for_evaluation)
{
    DataSection section = options;
    if (for_evaluation) {
        section.dataset = options.eval_dataset;
        section.eval_dataset.clear();
    } else {
        section.eval_dataset.clear();
    }
    const auto files = findDatasetFiles(section);
    if (!files) {
        summary.problem = files.error().message;
        return;
    }
    for (const std::filesystem::path& path : *files) {
        DataSummary::File file{ path.string(), 0, {}, for_evaluation };
        auto dataset = loadDatasetFile(path, section);
        if (!dataset) {
            file.problem = dataset.error().message;
        } else {
            file.rows = dataset->rows.size();
            for (Example& row : dataset->rows)
                if (summary.rows.size() < kRowsCounted)
                    summary.rows.push_back(std::move(row));
        }
        summary.files.push_back(std::move(file));
    }
}

void countTokens(DataSummary& summary, const TrainingConfig& config, const std::stop_token& stop)
{
    std::vector<std::int64_t> prompts, responses;
    for (const Example& row : summary.rows) {
        if (stop.stop_requested())
            return;
        prompts.push_back(promptTokens(row, *summary.tokenizer, config.model.enable_thinking));
        if (prompts.back() >= config.data.cutoff_len)
            ++summary.too_long;
        if (!row.response.empty())
            responses.push_back(
                static_cast<std::int64_t>(summary.tokenizer->encode(row.response).size()));
    }
    summary.prompt_tokens.assign(prompts.begin(),
        prompts.begin() + static_cast<std::ptrdiff_t>(std::min(prompts.size(), kRowsShown)));
    if (!prompts.empty())
        summary.prompt_lengths = summarize(std::move(prompts));
    if (!responses.empty())
        summary.response_lengths = summarize(std::move(responses));
}

} // namespace

LengthSummary summarize(std::vector<std::int64_t> lengths)
{
    if (lengths.empty())
        return {};
    std::sort(lengths.begin(), lengths.end());
    const auto at = [&](double share) {
        return lengths[static_cast<std::size_t>(
            share * static_cast<double>(lengths.size() - 1) + 0.5)];
    };
    return { lengths.size(), lengths.front(), at(0.5), at(0.95), lengths.back() };
}

DataSummary summarizeData(const TrainingConfig& config, const std::stop_token& stop)
{
    DataSummary summary;
    readFiles(summary, config.data, false);
    if (summary.problem.empty() && !config.data.eval_dataset.empty())
        readFiles(summary, config.data, true);
    for (const DataSummary::File& file : summary.files)
        (file.for_evaluation ? summary.held_out_rows : summary.training_rows) += file.rows;
    if (config.data.eval_dataset.empty() && config.data.val_size > 0) {
        const double size = config.data.val_size;
        const auto held = static_cast<std::size_t>(
            size < 1 ? size * static_cast<double>(summary.training_rows) : size);
        summary.held_out_rows = std::min(held, summary.training_rows);
        summary.training_rows -= summary.held_out_rows;
    }
    summary.tokenizer
        = stop.stop_requested() ? std::nullopt : tokenizerFor(config.model.model_name_or_path);
    if (summary.tokenizer)
        countTokens(summary, config, stop);
    if (summary.rows.size() > kRowsShown)
        summary.rows.resize(kRowsShown);
    return summary;
}

} // namespace zen::ui
