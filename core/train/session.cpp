#include "core/train/session.h"

#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/train/evaluation.h"
#include "core/train/token_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kNonFiniteLimit = 3;

} // namespace

Session::Session(const TrainerOptions& options, RunControl& control, Reporter& reporter)
    : m_options(options)
    , m_config(resolve(options.config))
    , m_control(control)
    , m_reporter(reporter)
{
}

RunFinished Session::train()
{
    if (m_state.step == 0)
        evaluate(true);
    while (m_state.step < m_total_steps && !m_control.stopRequested()) {
        step();
        betweenSteps();
    }
    if (m_control.abortRequested())
        throw Aborted{};
    return finish();
}

void Session::step()
{
    const Stopwatch watch;
    m_context->checkControl(m_state.step + 1);
    m_optimizer->zeroGradients();
    const StepOutcome outcome = gradientsOfStep();
    const double norm = m_optimizer->gradientNorm();
    const double rate = learningRate(m_schedule, m_state.step);
    if (std::isfinite(outcome.loss) && std::isfinite(norm)) {
        m_optimizer->step(rate, norm);
        m_state.non_finite_in_a_row = 0;
    } else {
        countNonFinite(outcome.loss, norm);
    }
    ++m_state.step;
    reportStep(outcome, norm, rate, watch.seconds());
}

/// When memory runs out for good, the run ends with a checkpoint of the last step, as if this one
/// had not begun.
StepOutcome Session::gradientsOfStep()
{
    const TrainingState before = m_state;
    try {
        return m_objective->accumulateGradients(m_state);
    } catch (const MemoryExhausted&) {
        m_state = before;
        saveBeforeTheEnd();
        throw;
    }
}

/// The run ends with the message of what went wrong; a checkpoint that cannot be saved either must
/// not take its place.
void Session::saveBeforeTheEnd() noexcept
{
    try {
        saveCheckpoint();
    } catch (const std::exception& error) {
        try {
            m_reporter.warning(std::string("no checkpoint could be saved: ") + error.what());
        } catch (...) { // nothing is left to say it with
        }
    } catch (...) {
    }
}

void Session::countNonFinite(double loss, double norm)
{
    ++m_state.non_finite_steps;
    ++m_state.non_finite_in_a_row;
    const std::string what = fmt::format(
        "step {}: loss {} and gradient norm {} are not finite", m_state.step + 1, loss, norm);
    if (m_state.non_finite_in_a_row >= kNonFiniteLimit)
        throw RunError{ fmt::format("{}, for the {}th step in a row. The weights are those of the "
                                    "last good step. Lower learning_rate, or set dtype: float32.",
            what, m_state.non_finite_in_a_row) };
    m_reporter.warning(what + "; the step is skipped and the weights stay as they were");
}

void Session::reportStep(const StepOutcome& outcome, double norm, double rate, double seconds)
{
    Metrics metrics = outcome.metrics;
    metrics["loss"] = outcome.loss;
    metrics["grad_norm"] = norm;
    metrics["learning_rate"] = rate;
    metrics["step_time"] = seconds;
    metrics["speed/update_tokens_per_second"]
        = outcome.update_tokens / std::max(outcome.update_seconds, 1e-9);
    m_state.window.add(metrics);
    const std::int64_t every = std::max<std::int64_t>(m_config.run.logging_steps, 1);
    if (m_state.step % every != 0 && m_state.step != m_total_steps)
        return; // a stop in between leaves the window to the checkpoint
    Metrics means = m_state.window.means();
    means["num_tokens"] = m_state.num_tokens; // a total, not a mean
    means["learning_rate"] = rate;
    means["non_finite_steps"] = static_cast<double>(m_state.non_finite_steps);
    means["memory/peak_bytes"] = static_cast<double>(peakResidentBytes());
    m_reporter.publish(
        StepFinished{ m_state.step, m_total_steps, m_objective->epoch(m_state), std::move(means) });
    m_state.window.clear();
}

/// Evaluation and checkpoints where the configuration or a person asks for them.
void Session::betweenSteps()
{
    const RunSection& run = m_config.run;
    const bool last = m_state.step >= m_total_steps;
    const bool stopping = m_control.stopRequested();
    if (!last && !stopping) {
        const bool by_steps = run.eval_strategy == EvalStrategy::steps && run.eval_steps > 0
            && m_state.step % run.eval_steps == 0;
        const bool by_epoch = run.eval_strategy == EvalStrategy::epoch && reachedEpochEnd();
        if (by_steps || by_epoch)
            evaluate(false);
    }
    const bool due = run.save_steps > 0 && m_state.step % run.save_steps == 0;
    if (m_control.takeSaveRequest() || due || last || stopping)
        if (!m_control.abortRequested())
            saveCheckpoint();
}

bool Session::reachedEpochEnd() const
{
    TrainingState before;
    before.step = m_state.step - 1;
    return std::floor(m_objective->epoch(m_state)) > std::floor(m_objective->epoch(before));
}

void Session::evaluate(bool before_training)
{
    const Dataset& held_out = m_context->data.held_out;
    if (held_out.rows.empty())
        return;
    m_reporter.phase(Phase::evaluating, m_state.step);
    const EvaluationPlan plan{ m_config, m_context->rubric ? &*m_context->rubric : nullptr,
        before_training,
        [this](double fraction) {
            m_reporter.phase(Phase::evaluating, m_state.step, fraction);
            m_context->checkControl(m_state.step);
        },
        fmt::format("evaluation after step {}", m_state.step),
        [this](const std::string& text) { m_reporter.warning(text); } };
    Metrics metrics;
    try {
        metrics = evaluateHeldOut(m_context->policy, held_out, plan);
    } catch (const MemoryExhausted&) {
        if (!before_training)
            saveBeforeTheEnd();
        throw;
    }
    const auto accuracy = metrics.find("eval/accuracy");
    if (accuracy != metrics.end())
        (before_training ? m_state.eval_accuracy_before : m_accuracy_after) = accuracy->second;
    m_reporter.publish(EvaluationFinished{ m_state.step, std::move(metrics) });
}

void Session::saveCheckpoint()
{
    if (m_saved_step == m_state.step)
        return;
    m_reporter.phase(Phase::saving, m_state.step);
    if (!m_optimizer->parametersAreFinite()) {
        m_reporter.warning("no checkpoint is saved: the weights are not finite");
        return;
    }
    Snapshot snapshot;
    snapshot.state = m_state;
    snapshot.state.seconds = secondsSoFar();
    snapshot.identity = m_identity;
    snapshot.weight_type = nameOfWeightType(m_context->policy.weight_type);
    const Qwen3& model = m_context->policy.model;
    const std::vector<std::string> names = model.trainableNames();
    const std::vector<at::Tensor> parameters = model.trainableParameters();
    for (std::size_t index = 0; index < names.size(); ++index)
        snapshot.parameters[names[index]] = parameters[index].detach();
    snapshot.first_moment = m_optimizer->firstMoment();
    snapshot.second_moment = m_optimizer->secondMoment();
    snapshot.updates = m_optimizer->updates();
    const auto saved = m_checkpoints->save(snapshot, model.adapter() ? &*model.adapter() : nullptr);
    if (!saved) { // a full disk must not cost the run
        m_reporter.warning("the checkpoint could not be saved, older ones are untouched: "
            + saved.error().message + ". Training goes on; the next save is tried as usual.");
        return;
    }
    m_saved_step = m_state.step;
    m_reporter.publish(CheckpointSaved{ m_state.step, saved->path.string(), saved->bytes });
}

/// adapter/ (PEFT) or model/ (Hugging Face layout), replacing what an earlier session left.
void Session::writeTrainedModel()
{
    const Policy& policy = m_context->policy;
    const bool is_adapter = policy.model.adapter().has_value();
    const fs::path path = is_adapter ? m_folder->adapter() : m_folder->path / "model";
    const fs::path fresh = m_folder->path / (".tmp-new-" + path.filename().string());
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    auto written = writeFolderDurably(fresh, [&](const fs::path& staging) -> Result<void> {
        if (is_adapter)
            return writeAdapter(staging, *policy.model.adapter());
        for (const fs::path& file :
            { policy.checkpoint.tokenizer_json, policy.checkpoint.generation_config_json })
            if (!file.empty())
                fs::copy_file(file, staging / file.filename());
        return policy.model.save(
            staging, policy.model.shape().dtype == "bfloat16" ? at::kBFloat16 : at::kFloat);
    });
    if (written) {
        std::error_code error;
        fs::remove_all(path, ignored);
        fs::rename(fresh, path, error);
        if (error)
            written = fail("cannot rename to " + path.string() + ": " + error.message());
    }
    if (!written)
        m_reporter.warning("the trained weights could not be written: " + written.error().message
            + ". They are in the newest checkpoint.");
}

double Session::secondsSoFar() const
{
    return m_state.seconds + m_watch.seconds();
}

RunFinished Session::finish()
{
    const bool completed = m_state.step >= m_total_steps;
    m_reporter.phase(Phase::saving, m_state.step);
    saveCheckpoint();
    writeTrainedModel();
    if (completed)
        evaluate(false);
    const RunFinished finished = summaryAs(completed ? "completed" : "stopped");
    m_reporter.phase(Phase::finished, m_state.step);
    if (auto written = writeSummary(*m_folder, finished); !written)
        m_reporter.warning("summary.json could not be written: " + written.error().message);
    return finished;
}

RunFinished Session::summaryAs(std::string status) const
{
    RunFinished finished;
    finished.status = std::move(status);
    finished.steps = m_state.step;
    finished.seconds = secondsSoFar();
    finished.eval_accuracy_before = m_state.eval_accuracy_before;
    finished.eval_accuracy_after = m_accuracy_after;
    finished.reward_first = m_state.reward_first;
    finished.reward_last = m_state.reward_last;
    finished.planned_memory_bytes = m_planned_bytes;
    finished.peak_memory_bytes = peakResidentBytes();
    return finished;
}

RunFinished Session::abandoned() noexcept
{
    const RunFinished finished = summaryAs("stopped");
    if (m_folder)
        (void)writeSummary(*m_folder, finished);
    return finished;
}

std::string Session::memoryMessage() const
{
    const std::string tried = fmt::format("memory ran out after step {}", m_state.step);
    if (m_context)
        return memoryExhausted(m_config, m_context->policy.model.shape(), tried).message;
    return "memory ran out before the model and the data were loaded. Take a smaller model, fewer "
           "rows (max_samples), or quantization: 4bit.";
}

std::string Session::checkpointToResume() const
{
    if (!m_checkpoints)
        return {};
    const CheckpointStore::Newest newest = m_checkpoints->newestValid();
    return newest.path ? newest.path->string() : std::string();
}

} // namespace zen
