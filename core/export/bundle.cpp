#include "core/export/bundle.h"

#include "core/base/durable_file.h"
#include "core/data/dataset.h"
#include "core/data/dataset_info.h"
#include "core/export/deepspeed.h"
#include "core/export/launch.h"
#include "core/export/reward_module.h"
#include "core/export/target_values.h"
#include "core/export/translate.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace zen {

namespace {

using BundleJson = nlohmann::ordered_json;

/// True if rewards are Python functions there.
bool wantsFunctions(const Target& target)
{
    return std::any_of(target.rows.begin(), target.rows.end(),
        [](const TargetRow& row) { return row.as == "reward_functions"; });
}

/// One row for all tools: `prompt` (messages) for TRL and axolotl, `messages` with the reference
/// answer for LLaMA-Factory and its fork, and every column for the rewards.
BundleJson rowJson(const Example& example)
{
    BundleJson prompt = BundleJson::array();
    for (const Message& message : example.prompt)
        prompt.push_back({ { "role", message.role }, { "content", message.content } });
    BundleJson messages = prompt;
    if (!example.response.empty())
        messages.push_back({ { "role", "assistant" }, { "content", example.response } });
    BundleJson row{ { "prompt", prompt }, { "messages", messages } };
    for (const auto& [name, text] : example.columns)
        if (name != "prompt" && name != "messages")
            row[name] = text;
    return row;
}

Result<std::string> rowsOf(const std::vector<DatasetFile>& files, const DataSection& data)
{
    std::string lines;
    for (const DatasetFile& file : files) {
        const Result<Dataset> rows = loadDatasetFile(file.path, data);
        if (!rows)
            return tl::unexpected(rows.error());
        for (const Example& example : rows->rows)
            lines += rowJson(example).dump(-1, ' ', false, BundleJson::error_handler_t::replace)
                + "\n";
    }
    return lines;
}

/// Puts the rows into data/ and gives the items their new names.
class DataPart {
public:
    DataPart(Bundle& bundle, const Target& target)
        : m_bundle(bundle)
        , m_target(target)
    {
    }

    /// `key` is the setting that names the items. Errors: rows that cannot be read.
    Result<std::vector<std::string>> add(
        const char* key, const std::vector<std::string>& items, const DataSection& data)
    {
        std::vector<std::string> names;
        for (const std::string& item : items) {
            std::string name = datasetName(item);
            while (!m_names.insert(name).second)
                name += "_2";
            const std::string file = name + ".jsonl";
            if (const auto files = resolveDataset(item, data.dataset_dir)) {
                Result<std::string> rows = rowsOf(*files, data);
                if (!rows)
                    return tl::unexpected(rows.error());
                m_bundle.files.push_back({ "data/" + file, std::move(*rows) });
            } else {
                m_bundle.notes.push_back({ Severity::warning, 0, 0, key,
                    item + " is not on this machine; put its rows into data/" + file
                        + ", one JSON object a line with prompt and messages (README.md)",
                    {} });
            }
            m_info[name] = { { "file_name", file }, { "formatting", "sharegpt" },
                { "columns", { { "messages", "messages" } } },
                { "tags",
                    { { "role_tag", "role" }, { "content_tag", "content" }, { "user_tag", "user" },
                        { "assistant_tag", "assistant" }, { "system_tag", "system" } } } };
            names.push_back(wantsFunctions(m_target) ? "data/" + file : name);
        }
        return names;
    }

    void addRegistration()
    {
        if (!m_info.empty())
            m_bundle.files.push_back({ "data/dataset_info.json", m_info.dump(2) + "\n" });
    }

private:
    Bundle& m_bundle;
    const Target& m_target;
    BundleJson m_info = BundleJson::object();
    std::set<std::string> m_names;
};

/// The four usual files, and the one that the configuration names: as it is, where it can be read.
/// Returns what the bundle's configuration names.
std::string addDeepspeed(Bundle& bundle, const std::string& named)
{
    std::set<std::string> names;
    const auto add = [&](const std::string& name, std::string bytes) {
        if (names.insert(name).second)
            bundle.files.push_back({ name, std::move(bytes) });
    };
    std::string result = named;
    if (named.ends_with(".json")) {
        result = std::filesystem::path(named).filename().string();
        if (Result<std::string> bytes = readFile(named)) {
            add(result, std::move(*bytes));
        } else {
            result = deepspeedKindOf(named).fileName();
            bundle.notes.push_back({ Severity::warning, 0, 0, "deepspeed",
                named + " is not on this machine; " + result + " takes its place", {} });
        }
    }
    for (const int stage : { 2, 3 })
        for (const bool offload : { false, true }) {
            const DeepspeedKind kind{ stage, offload };
            add(kind.fileName(), deepspeedJson(kind));
        }
    return result;
}

} // namespace

Result<Bundle> makeBundle(
    const TrainingConfig& config, const Target& target, const std::string& name)
{
    Bundle bundle;
    TrainingConfig moved = config;
    DataPart data(bundle, target);
    auto dataset = data.add("dataset", config.data.dataset, config.data);
    if (!dataset)
        return tl::unexpected(dataset.error());
    auto eval_dataset = data.add("eval_dataset", config.data.eval_dataset, config.data);
    if (!eval_dataset)
        return tl::unexpected(eval_dataset.error());
    moved.data.dataset = std::move(*dataset);
    moved.data.eval_dataset = std::move(*eval_dataset);
    data.addRegistration();
    moved.data.dataset_dir = wantsFunctions(target) ? config.data.dataset_dir : "data";
    moved.data.prompt_column.clear();
    moved.data.answer_column.clear();
    moved.data.system_prompt.clear(); // it stands in the rows
    moved.run.deepspeed = addDeepspeed(bundle, config.run.deepspeed);
    TargetConfig translated = translate(moved, target);
    bundle.yaml = translated.yaml;
    bundle.notes.insert(bundle.notes.end(), translated.notes.begin(), translated.notes.end());
    if (wantsFunctions(target)) {
        const Result<std::string> module = rewardModule(moved);
        if (!module)
            return tl::unexpected(module.error());
        bundle.files.push_back({ std::string(kRewardModule) + ".py", *module });
    }
    bundle.files.insert(bundle.files.begin(), { name, bundle.yaml });
    const std::string zero = moved.run.deepspeed.empty() ? "ds_z3.json" : std::string();
    bundle.files.push_back({ "slurm.sh", slurmScript(target, name, zero) });
    bundle.files.push_back({ "README.md", bundleReadme(moved, target, name, bundle) });
    return bundle;
}

Result<void> writeBundle(const Bundle& bundle, const std::filesystem::path& folder)
{
    return writeFolderDurably(folder, [&](const std::filesystem::path& staging) -> Result<void> {
        for (const BundleFile& file : bundle.files) {
            const std::filesystem::path path = staging / file.path;
            std::error_code problem;
            std::filesystem::create_directories(path.parent_path(), problem);
            if (problem)
                return fail(path.parent_path().string() + ": " + problem.message());
            if (auto written = writeDurably(path, file.bytes); !written)
                return written;
        }
        return {};
    });
}

std::string bundleReadme(const TrainingConfig& config, const Target& target,
    const std::string& name, const Bundle& bundle)
{
    const std::string zero = config.run.deepspeed.empty() ? "ds_z3.json" : std::string();
    std::string text = "# " + name + " for " + target.title
        + "\n\nEverything a run needs but the model `" + config.model.model_name_or_path
        + "`. Checked against " + target.accepted.tool + " " + target.accepted.version + " of "
        + target.accepted.date + ". Start the commands in this folder.\n";
    if (config.model.model_name_or_path == "zen/starter")
        text += "\n`zen/starter` ships with Zen Studio and is on no hub: copy its folder "
                "`resources/starter` to `zen/starter` here.\n";
    for (const LaunchLine& line : launchLines(target, name, zero))
        text += "\n## " + line.title + "\n\n```bash\n" + line.command + "\n```\n";
    text += "\n## With Slurm\n\n```bash\nsbatch slurm.sh\n```\n";
    text += "\nA DeepSpeed file needs more than one process: it is given on the command line, not "
            "in the YAML, unless the configuration names one. `ds_z2` shares out gradients and "
            "optimiser state, `ds_z3` the weights too; `_offload` keeps them in main memory.\n";
    text += "\n## Files\n\n";
    for (const BundleFile& file : bundle.files)
        text += "- `" + file.path + "`\n";
    if (!bundle.notes.empty())
        text += "\n## What is different there\n\n";
    for (const Diagnostic& note : bundle.notes)
        text += "- `" + note.key + "` " + note.message + "\n";
    text += "\n## Rows\n\nEach line of `data/*.jsonl` is one JSON object: `prompt` and `messages` "
            "are lists of `{\"role\": …, \"content\": …}` (`messages` ends with the reference "
            "answer), the other columns are what rewards compare with.\n";
    return text;
}

} // namespace zen
