#include "core/train/check_start.h"

#include "core/base/byte_text.h"
#include "core/base/machine.h"
#include "core/config/validate.h"
#include "core/data/dataset.h"
#include "core/model/qwen3_shape.h"
#include "core/plan/fit.h"
#include "core/reward/rubric.h"
#include "core/runs/run_folder.h"
#include "core/weights/checkpoint_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLogBytes = 100'000'000; ///< events, completions and texts of a long run
constexpr std::uint64_t kMostBytesMeasured
    = 5'000'000; ///< of data files, within a tenth of a second
constexpr std::int64_t kCheckpointBytesPerParameter = 12; ///< float32: parameter and two moments

/// Collects findings.
class Findings {
public:
    void error(const std::string& key, std::string message, std::optional<Fix> fix = std::nullopt)
    {
        add(Severity::error, key, std::move(message), std::move(fix));
    }
    void warning(const std::string& key, std::string message, std::optional<Fix> fix = std::nullopt)
    {
        add(Severity::warning, key, std::move(message), std::move(fix));
    }
    void add(const Diagnostics& more) { m_all.insert(m_all.end(), more.begin(), more.end()); }
    Diagnostics take() { return std::move(m_all); }

private:
    void add(Severity severity, const std::string& key, std::string message, std::optional<Fix> fix)
    {
        m_all.push_back({ severity, 0, 0, key, std::move(message), std::move(fix) });
    }
    Diagnostics m_all;
};

/// The model's shape, if the model can be read.
std::optional<Qwen3Shape> checkModel(const TrainingConfig& config, Findings& findings)
{
    const std::string key = "model_name_or_path";
    const auto folder = findModelFolder(config.model.model_name_or_path);
    if (!folder) {
        findings.error(key, folder.error().message);
        return std::nullopt;
    }
    const auto shape = readShape(*folder);
    if (!shape) {
        findings.error(key, shape.error().message);
        return std::nullopt;
    }
    const auto checkpoint = openCheckpoint(*folder);
    if (!checkpoint)
        findings.error(key, checkpoint.error().message);
    else if (checkpoint->tokenizer_json.empty())
        findings.error(key,
            folder->string() + " has no tokenizer.json; copy it from where the weights came from");
    if (shape->max_position_embeddings > 0
        && config.data.cutoff_len > shape->max_position_embeddings)
        findings.warning("cutoff_len",
            std::to_string(config.data.cutoff_len) + " tokens are more than the "
                + std::to_string(shape->max_position_embeddings)
                + " positions that the model was made for",
            Fix{ "Use " + std::to_string(shape->max_position_embeddings),
                { { "cutoff_len", std::to_string(shape->max_position_embeddings) } } });
    return *shape;
}

bool isAdapterFolder(const fs::path& folder)
{
    std::error_code error;
    return fs::is_regular_file(folder / "adapter_config.json", error)
        && fs::is_regular_file(folder / "adapter_model.safetensors", error);
}

void checkAdapter(const TrainingConfig& config, Findings& findings)
{
    const std::string& name = config.model.adapter_name_or_path;
    if (name.empty() || isAdapterFolder(name))
        return;
    const std::string key = "adapter_name_or_path";
    std::error_code error;
    if (const fs::path inside = fs::path(name) / "adapter"; isAdapterFolder(inside))
        findings.error(key, name + " is a run's folder; its adapter lies in " + inside.string(),
            Fix{ "Use " + inside.string(), { { key, inside.string() } } });
    else if (!fs::is_directory(name, error))
        findings.error(key,
            "there is no folder " + name
                + "; give a folder with adapter_config.json and "
                  "adapter_model.safetensors (PEFT), for example the adapter/ folder of an earlier "
                  "run");
    else
        findings.error(key,
            name
                + " holds no adapter: adapter_config.json and adapter_model.safetensors (PEFT) are "
                  "needed");
}

void checkData(const TrainingConfig& config, Findings& findings)
{
    if (config.data.dataset.empty() && config.data.eval_dataset.empty())
        return; // a rule over fields, reported by validate()
    if (const auto files = findDatasetFiles(config.data); !files)
        findings.error("dataset", files.error().message);
}

void checkRewards(const TrainingConfig& config, Findings& findings)
{
    if (config.algorithm.stage == Stage::sft || config.algorithm.rewards.empty())
        return; // no rewards at all: reported by validate()
    if (const auto rubric = Rubric::build(config.algorithm.rewards); !rubric)
        findings.add(rubric.error());
}

/// The nearest folder that exists on the way to `path`, or the file that stands in the way.
fs::path nearestExisting(const fs::path& path)
{
    std::error_code error;
    fs::path existing = fs::absolute(path, error).lexically_normal();
    while (existing.has_relative_path() && !fs::exists(fs::symlink_status(existing, error)))
        existing = existing.parent_path();
    return existing;
}

/// True for a link that somebody else put into a folder where everybody may write.
bool isForeignLink(const fs::path& path)
{
    struct stat link { };
    struct stat parent { };
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    return ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode) && link.st_uid != ::geteuid()
        && ::stat(folder.c_str(), &parent) == 0 && (parent.st_mode & S_IWOTH) != 0;
}

/// Empty if a run can write below `output_dir`; else why not.
std::string whyNotWritable(const fs::path& output_dir)
{
    std::error_code error;
    const std::string& name = output_dir.native();
    if (name.empty())
        return "is empty: give the folder that the run writes to";
    if (name.find('\0') != std::string::npos)
        return "holds a NUL character";
    for (const fs::path& part : output_dir)
        if (part.native().size() > 255)
            return "has a part of more than 255 bytes, which file systems refuse";
    if (name.size() > 3800)
        return "is longer than 3,800 bytes, too long for the files inside it";
    const fs::path existing = nearestExisting(output_dir);
    if (isForeignLink(existing))
        return existing.string()
            + " is a link of another user in a folder that everybody may write to";
    if (!fs::exists(existing, error))
        return existing.string() + " is a link to something that does not exist";
    if (!fs::is_directory(existing, error))
        return existing.string() + " is a file, not a folder";
    if (::access(existing.c_str(), W_OK | X_OK) != 0)
        return "this user may not write to " + existing.string();
    return {};
}

void checkExistingRun(const TrainingConfig& config, Findings& findings)
{
    const fs::path output_dir = config.run.output_dir;
    if (isLocked(output_dir)) {
        findings.error("output_dir",
            "another run is writing " + output_dir.string()
                + " right now; wait for it, stop it, or choose another folder");
        return;
    }
    const std::string& resume = config.run.resume_from_checkpoint;
    std::error_code error;
    if (!resume.empty() && resume != "latest" && !fs::is_directory(resume, error))
        findings.error("resume_from_checkpoint",
            "there is no folder " + resume + "; use latest, or a checkpoint folder such as "
                + (output_dir / "checkpoints" / "step-00000100").string());
    if (resume.empty() && !config.run.overwrite_output_dir && holdsRun(output_dir))
        findings.error("output_dir",
            output_dir.string()
                + " already holds a run. Choose another output_dir, replace that run "
                  "(overwrite_output_dir: true) or continue it (resume_from_checkpoint: latest)",
            Fix{ "Replace the old run", { { "overwrite_output_dir", "true" } } });
}

std::int64_t trainedParameters(const TrainingConfig& config, const Qwen3Shape& shape)
{
    return config.adapter.finetuning_type == FinetuningType::full
        ? shape.parameters()
        : adapterParameters(config.adapter, shape);
}

void checkDisk(const TrainingConfig& config, const Qwen3Shape& shape, Findings& findings)
{
    const std::uint64_t free_bytes = freeDiskBytes(config.run.output_dir);
    if (free_bytes == 0)
        return;
    const auto checkpoint = static_cast<std::uint64_t>(
        kCheckpointBytesPerParameter * trainedParameters(config, shape));
    const std::uint64_t least = checkpoint + checkpoint / 3 + kLogBytes;
    const auto kept
        = static_cast<std::uint64_t>(std::max<std::int64_t>(1, config.run.save_total_limit)) + 1;
    const std::uint64_t wanted = kept * checkpoint + checkpoint / 3 + kLogBytes;
    const std::string found
        = formatBytes(free_bytes) + " are free where " + config.run.output_dir + " lies";
    if (free_bytes < least)
        findings.error("output_dir",
            found + "; one checkpoint, the adapter and the logs need " + formatBytes(least));
    else if (free_bytes < wanted)
        findings.warning("output_dir",
            found + "; save_total_limit: " + std::to_string(config.run.save_total_limit)
                + " may need " + formatBytes(wanted));
}

std::string largestTerms(const PhaseMemory& phase)
{
    std::string text;
    for (const PlanRow& row : planRows())
        if (phase.*row.bytes * 20 > phase.total())
            text += (text.empty() ? "" : ", ") + std::string(row.name) + " "
                + formatBytes(phase.*row.bytes);
    return text;
}

/// Refused is what is larger than the machine, as long as nobody insists; what is only not free now
/// is a warning.
void checkMemory(const TrainingConfig& unresolved, const Qwen3Shape& shape, Findings& findings)
{
    const Machine machine = thisMachine();
    if (machine.memory_total_bytes == 0)
        return;
    PlanBasis basis;
    if (planMemory(unresolved, shape).peak()
        > machine.memory_available_bytes) // else it fits anyway
        if (const auto lengths = measureLengths(unresolved, kMostBytesMeasured))
            basis.lengths = *lengths;
    const MemoryPlan plan = planMemory(unresolved, shape, basis);
    if (plan.peak() <= machine.memory_available_bytes)
        return;
    const bool beyond = plan.peak() > machine.memory_total_bytes;
    const std::uint64_t limit
        = beyond ? machine.memory_total_bytes : machine.memory_available_bytes;
    const std::vector<Proposal> proposals = proposalsFor(unresolved, shape, limit, basis);
    std::optional<Fix> fix;
    std::string way_out = "Lower cutoff_len or lora_rank, or choose a smaller tier";
    if (!proposals.empty()) {
        fix = proposals.front().fix;
        way_out = "It would need " + formatBytes(proposals.front().peak) + " with: " + fix->label
            + " (" + proposals.front().cost + ")";
    }
    const std::string planned = "the plan needs " + formatBytes(plan.peak()) + " in the "
        + std::string(nameOf(plan.largestPhase())) + " (" + largestTerms(plan.largest()) + ")";
    if (!beyond)
        findings.warning("per_device_train_batch_size",
            planned + "; " + formatBytes(machine.memory_available_bytes)
                + " are free now. Close other programs, or change the settings. " + way_out,
            fix);
    else if (unresolved.memory.force_memory)
        findings.warning("force_memory",
            planned + "; this machine has " + formatBytes(machine.memory_total_bytes)
                + ". It starts because force_memory is true. " + way_out,
            fix);
    else
        findings.error("force_memory",
            planned + "; this machine has " + formatBytes(machine.memory_total_bytes) + ". "
                + way_out + ". To start all the same, set force_memory: true",
            fix);
}

} // namespace

Diagnostics checkStart(const TrainingConfig& unresolved)
{
    const TrainingConfig config = resolve(unresolved);
    Findings findings;
    const std::optional<Qwen3Shape> shape = checkModel(config, findings);
    if (shape && shape->is_packed && config.adapter.finetuning_type == FinetuningType::full)
        findings.error("finetuning_type", kFullNeedsWholeWeights,
            Fix{ "Train an adapter", { { "finetuning_type", "lora" } } });
    checkAdapter(config, findings);
    checkData(config, findings);
    checkRewards(config, findings);
    const std::string problem = whyNotWritable(config.run.output_dir);
    if (!problem.empty())
        findings.error("output_dir", problem);
    else {
        checkExistingRun(config, findings);
        if (shape)
            checkDisk(config, *shape, findings);
    }
    if (shape)
        checkMemory(unresolved, *shape, findings);
    return findings.take();
}

} // namespace zen
