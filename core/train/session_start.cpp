#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/config/read_config.h"
#include "core/plan/memory_plan.h"
#include "core/train/run_identity.h"
#include "core/train/session.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>

namespace zen {

namespace fs = std::filesystem;

namespace {

/// Pages of the libraries that a run touches after it has begun.
constexpr std::uint64_t kCodeToCome = 20'000'000;

template <class T> T orThrow(Result<T> result)
{
    if (!result)
        throw RunError{ result.error().message };
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

ExistingRun existingRunOf(const RunSection& run)
{
    if (!run.resume_from_checkpoint.empty())
        return ExistingRun::resume;
    return run.overwrite_output_dir ? ExistingRun::overwrite : ExistingRun::refuse;
}

std::optional<Rubric> rubricOf(const std::vector<RewardTermSpec>& rewards)
{
    if (rewards.empty())
        return std::nullopt;
    auto rubric = Rubric::build(rewards);
    if (rubric)
        return std::move(*rubric);
    std::string text;
    for (const Diagnostic& finding : rubric.error())
        text += (text.empty() ? "" : "\n") + toText(finding);
    throw RunError{ text };
}

} // namespace

void Session::start()
{
    prepareFolder();
    m_reporter.phase(Phase::loading, 0);
    const std::optional<Snapshot> snapshot = findCheckpoint();
    loadRun(snapshot);
    if (snapshot)
        restore(*snapshot);
    announce();
}

void Session::prepareFolder()
{
    m_folder = orThrow(prepareRunFolder(m_config.run.output_dir, existingRunOf(m_config.run)));
    m_lock = orThrow(RunLock::acquire(m_folder->path));
    orThrow(m_reporter.openLogs(*m_folder, m_options.console_log, m_config.run.report_to));
    m_checkpoints.emplace(m_folder->checkpoints(), m_config.run.save_total_limit);
    removeStaleStaging(m_folder->checkpoints());
    removeStaleStaging(m_folder->path);
    orThrow(writeDurably(m_folder->configYaml(),
        m_options.config_yaml.empty() ? writeConfig(m_options.config) : m_options.config_yaml));
}

std::optional<Snapshot> Session::findCheckpoint() const
{
    const std::string& wanted = m_config.run.resume_from_checkpoint;
    if (wanted.empty())
        return std::nullopt;
    if (wanted != "latest")
        return orThrow(readCheckpoint(wanted));
    const CheckpointStore::Newest newest = m_checkpoints->newestValid();
    for (const std::string& damaged : newest.damaged)
        m_reporter.warning("a damaged checkpoint is passed over: " + damaged);
    if (!newest.path && !newest.damaged.empty())
        throw RunError{ "resume_from_checkpoint: no checkpoint in "
            + m_folder->checkpoints().string()
            + " is whole. Start anew with overwrite_output_dir." };
    if (!newest.path) {
        m_reporter.info("no checkpoint was saved yet; the run starts from the beginning");
        return std::nullopt;
    }
    m_reporter.info("going on from " + newest.path->string());
    return orThrow(readCheckpoint(*newest.path));
}

void Session::loadRun(const std::optional<Snapshot>& snapshot)
{
    PolicyOptions options;
    options.on_progress
        = [this](double fraction) { m_reporter.phase(Phase::loading, 0, 0.8 * fraction); };
    if (snapshot)
        options.weight_type = snapshot->weight_type == "bfloat16" ? at::kBFloat16 : at::kFloat;
    PlanBasis basis;
    basis.program_bytes = residentBytes() + kCodeToCome;
    Policy policy = orThrow(loadPolicy(m_config, options));
    DatasetSplit data = orThrow(loadDatasets(m_config.data, m_config.run.seed));
    if (data.train.rows.empty())
        throw RunError{ "dataset: no training row is left after the held-out split" };
    m_context.reset(new RunContext{ m_config, std::move(policy), std::move(data),
        rubricOf(m_config.algorithm.rewards), m_options.shuffle_rewards, m_control, m_reporter });
    m_identity = identityOf(m_config, m_context->policy.fingerprint, m_context->data.fingerprint,
        m_options.shuffle_rewards);
    basis.lengths
        = measureLengths(m_context->data.train, m_context->policy.tokenizer, m_config.model);
    m_planned_bytes = planMemory(m_config, m_context->policy.model.shape(), basis).peak();

    const bool sft = m_config.algorithm.stage == Stage::sft;
    if (!sft && !m_context->rubric)
        throw RunError{ "rewards: stage " + std::string(nameOf(m_config.algorithm.stage))
            + " needs at least one reward" };
    m_objective = orThrow(sft ? makeSftObjective(*m_context) : makePolicyObjective(*m_context));
    m_total_steps = m_objective->totalSteps();
    m_schedule = scheduleOf(m_config.optimizer, m_total_steps);
    m_optimizer.emplace(m_context->policy.model.trainableParameters(), m_config.optimizer);
}

void Session::restore(const Snapshot& snapshot)
{
    if (const auto found = differences(snapshot.identity, m_identity); !found.empty()) {
        std::string text = "the checkpoint belongs to another run and cannot be gone on from:";
        for (const std::string& line : found)
            text += "\n  " + line;
        throw RunError{ text };
    }
    const c10::NoGradGuard no_grad;
    const std::vector<std::string> names = m_context->policy.model.trainableNames();
    const std::vector<at::Tensor> parameters = m_context->policy.model.trainableParameters();
    for (std::size_t index = 0; index < names.size(); ++index) {
        const auto saved = snapshot.parameters.find(names[index]);
        if (saved == snapshot.parameters.end()
            || saved->second.sizes() != parameters[index].sizes())
            throw RunError{ "the checkpoint has no fitting tensor " + names[index] };
        at::Tensor parameter = parameters[index];
        parameter.copy_(saved->second);
    }
    m_optimizer->restore(snapshot.first_moment, snapshot.second_moment, snapshot.updates);
    m_state = snapshot.state;
    m_saved_step = m_state.step;
}

void Session::announce()
{
    const Qwen3& model = m_context->policy.model;
    RunStarted started;
    started.run_name = m_config.run.run_name.empty() ? m_folder->path.filename().string()
                                                     : m_config.run.run_name;
    started.stage = nameOf(m_config.algorithm.stage);
    started.model = m_config.model.model_name_or_path;
    started.first_step = m_state.step;
    started.total_steps = m_total_steps;
    started.planned_memory_bytes = m_planned_bytes;
    started.parameters = static_cast<std::uint64_t>(model.shape().parameters());
    for (const at::Tensor& parameter : model.trainableParameters())
        started.trainable_parameters += static_cast<std::uint64_t>(parameter.numel());
    started.weight_type = nameOfWeightType(m_context->policy.weight_type);
    m_reporter.publish(started);
}

} // namespace zen
