#include "core/data/dataset.h"

#include "core/base/sha256.h"
#include "core/data/dataset_info.h"
#include "core/data/row_columns.h"
#include "core/data/row_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace zen {

namespace {

constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

std::string jsonFaultAt(
    const RowReader& reader, const DatasetFile& file, const RawRow& row, const JsonFault& fault)
{
    std::string message = placeText(file.path, positionOf(row.text, fault.offset, row.start))
        + ": not valid JSON: " + fault.message;
    if (!reader.isArray() && fault.offset >= row.text.size())
        message
            += " (the line ends before its row does; a file holds one row a line, or one array)";
    return message;
}

/// Appends at most `max_rows` rows of one file.
Result<void> appendRows(
    const DatasetFile& file, const DataSection& options, std::size_t max_rows, Dataset& dataset)
{
    auto reader = RowReader::open(file.path);
    if (!reader)
        return tl::unexpected(reader.error());
    if (file.max_rows > 0)
        max_rows = std::min(max_rows, static_cast<std::size_t>(file.max_rows));
    std::optional<RowColumns> columns;
    std::set<std::string> names(dataset.column_names.begin(), dataset.column_names.end());
    std::size_t count = 0;
    for (; count < max_rows; ++count) {
        auto raw = reader->next();
        if (!raw)
            return tl::unexpected(raw.error());
        if (!*raw)
            break;
        const RawRow& text = **raw;
        std::map<std::string, std::string> number_texts;
        const auto row = readJson(text.text, {}, &number_texts);
        if (!row)
            return fail(jsonFaultAt(*reader, file, text, row.error()));
        if (!row->is_object())
            return fail(placeText(file.path, text.start) + ": the row is " + row->type_name()
                + ", not an object with columns");
        if (!columns) {
            auto chosen = RowColumns::choose(*row, file.layout, options);
            if (!chosen)
                return fail(placeText(file.path, text.start) + ": " + chosen.error().message);
            columns = std::move(*chosen);
        }
        auto example = columns->example(*row, number_texts);
        if (!example)
            return fail(placeText(file.path, text.start) + ": " + example.error().message);
        example->source = file.path.string() + ":" + std::to_string(text.start.line);
        for (const auto& item : row->items())
            if (names.insert(item.key()).second)
                dataset.column_names.push_back(item.key());
        dataset.rows.push_back(std::move(*example));
    }
    if (count == 0 && max_rows > 0)
        return fail(file.path.string() + " has no rows");
    return {};
}

Result<std::vector<DatasetFile>> resolveAll(
    const std::vector<std::string>& names, const DataSection& options)
{
    std::vector<DatasetFile> files;
    for (const std::string& name : names) {
        auto found = resolveDataset(name, options.dataset_dir);
        if (!found)
            return tl::unexpected(found.error());
        files.insert(files.end(), found->begin(), found->end());
    }
    return files;
}

Result<Dataset> loadAll(const std::vector<DatasetFile>& files, const DataSection& options)
{
    Dataset dataset;
    const std::size_t limit
        = options.max_samples > 0 ? static_cast<std::size_t>(options.max_samples) : kAllRows;
    for (const DatasetFile& file : files) {
        if (dataset.rows.size() >= limit)
            break;
        if (const Result<void> done
            = appendRows(file, options, limit - dataset.rows.size(), dataset);
            !done)
            return tl::unexpected(done.error());
    }
    return dataset;
}

/// How many of `count` rows are held out: a share (rounded, at least one) or a number of rows.
Result<std::size_t> heldOutCount(double val_size, std::size_t count)
{
    if (!std::isfinite(val_size) || val_size < 0.0)
        return fail("val_size must be 0, a share below 1, or a number of rows");
    if (val_size == 0.0)
        return std::size_t{ 0 };
    const double wanted = val_size < 1.0
        ? std::max(1.0, std::round(val_size * static_cast<double>(count)))
        : std::round(val_size);
    if (wanted >= static_cast<double>(count))
        return fail("val_size would hold out "
            + std::to_string(static_cast<std::int64_t>(std::min(wanted, 1e15))) + " of "
            + std::to_string(count) + " rows, which leaves none to train on; lower it");
    return static_cast<std::size_t>(wanted);
}

/// Moves the held-out rows out of `all`; both parts keep the file's order.
void splitRows(Dataset& all, std::size_t held_out_count, std::int64_t seed, Dataset& held_out)
{
    std::vector<bool> is_held_out(all.rows.size(), false);
    const std::vector<std::size_t> order
        = permutation(all.rows.size(), static_cast<std::uint64_t>(seed));
    for (std::size_t i = 0; i < held_out_count; ++i)
        is_held_out[order[i]] = true;
    std::vector<Example> train;
    train.reserve(all.rows.size() - held_out_count);
    for (std::size_t i = 0; i < all.rows.size(); ++i)
        (is_held_out[i] ? held_out.rows : train).push_back(std::move(all.rows[i]));
    all.rows = std::move(train);
    held_out.column_names = all.column_names;
}

Result<std::string> fingerprintOf(const std::vector<DatasetFile>& train,
    const std::vector<DatasetFile>& held_out, const DataSection& options, std::int64_t seed)
{
    nlohmann::ordered_json facts;
    facts["format"] = 1;
    for (const auto& [part, files] :
        { std::pair{ "train", &train }, std::pair{ "held_out", &held_out } }) {
        facts[part] = nlohmann::ordered_json::array();
        for (const DatasetFile& file : *files) {
            auto hash = sha256HexOfFile(file.path);
            if (!hash)
                return tl::unexpected(hash.error());
            facts[part].push_back({ { "sha256", *hash }, { "max_rows", file.max_rows },
                { "is_conversation", file.layout.is_conversation },
                { "columns", file.layout.columns }, { "tags", file.layout.tags } });
        }
    }
    facts["system_prompt"] = options.system_prompt;
    facts["prompt_column"] = options.prompt_column;
    facts["answer_column"] = options.answer_column;
    facts["max_samples"] = options.max_samples;
    facts["val_size"] = options.val_size;
    facts["shuffle_dataset"] = options.shuffle_dataset;
    facts["seed"] = seed;
    return sha256Hex(facts.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

} // namespace

Result<Dataset> loadDatasetFile(const std::filesystem::path& file, const DataSection& options)
{
    const auto with_layout = withRegisteredLayout(file, options.dataset_dir);
    if (!with_layout)
        return tl::unexpected(with_layout.error());
    return loadAll({ *with_layout }, options);
}

Result<std::vector<std::filesystem::path>> findDatasetFiles(const DataSection& options)
{
    if (options.dataset.empty())
        return fail("dataset names no data; give a name of dataset_info.json or the path of a "
                    ".json or .jsonl file");
    std::vector<std::filesystem::path> paths;
    for (const auto* names : { &options.dataset, &options.eval_dataset }) {
        const auto files = resolveAll(*names, options);
        if (!files)
            return tl::unexpected(files.error());
        for (const DatasetFile& file : *files)
            paths.push_back(file.path);
    }
    return paths;
}

Result<DatasetSplit> loadDatasets(const DataSection& options, std::int64_t seed)
{
    if (const auto found = findDatasetFiles(options); !found)
        return tl::unexpected(found.error());
    const auto train_files = resolveAll(options.dataset, options);
    const auto held_out_files = resolveAll(options.eval_dataset, options);
    if (!train_files || !held_out_files)
        return tl::unexpected(train_files ? held_out_files.error() : train_files.error());
    auto train = loadAll(*train_files, options);
    if (!train)
        return tl::unexpected(train.error());
    DatasetSplit split;
    split.train = std::move(*train);
    if (!held_out_files->empty()) {
        auto held_out = loadAll(*held_out_files, options);
        if (!held_out)
            return tl::unexpected(held_out.error());
        split.held_out = std::move(*held_out);
    } else {
        const auto count = heldOutCount(options.val_size, split.train.rows.size());
        if (!count)
            return tl::unexpected(count.error());
        splitRows(split.train, *count, seed, split.held_out);
    }
    auto fingerprint = fingerprintOf(*train_files, *held_out_files, options, seed);
    if (!fingerprint)
        return tl::unexpected(fingerprint.error());
    split.fingerprint = std::move(*fingerprint);
    return split;
}

} // namespace zen
