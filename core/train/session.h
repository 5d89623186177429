#pragma once

#include "core/runs/run_folder.h"
#include "core/train/checkpoint_store.h"
#include "core/train/engine.h"
#include "core/train/objective.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"
#include "core/train/stopwatch.h"

#include <memory>
#include <optional>
#include <string>

namespace zen {

/// One run from loading to the last step; owned by the trainer's thread. Throws RunError, Aborted
/// and what libraries throw; the trainer (trainer.cpp) turns these into events.
class Session {
public:
    Session(const TrainerOptions& options, RunControl& control, Reporter& reporter);

    /// Everything before the first step (session_start.cpp): folder, lock, logs, weights, data, an
    /// earlier checkpoint.
    void start();

    /// Steps until the last one or a stop request; then what is left behind: adapter, evaluation,
    /// summary.
    RunFinished train();

    /// What an aborted run reports; nothing is saved.
    RunFinished abandoned() noexcept;

    /// What to tell when memory ran out where no part of the run could go on with less: the plan as
    /// a table once there is one, and how to need less.
    std::string memoryMessage() const;

    /// The newest checkpoint that a failed run can go on from; empty if there is none.
    std::string checkpointToResume() const;
    const std::optional<RunFolder>& folder() const { return m_folder; }

private:
    // session_start.cpp
    void prepareFolder();
    std::optional<Snapshot> findCheckpoint() const;
    void loadRun(const std::optional<Snapshot>& snapshot);
    void restore(const Snapshot& snapshot);
    void announce();

    // session.cpp
    void step();
    StepOutcome gradientsOfStep();
    void reportStep(const StepOutcome& outcome, double norm, double rate, double seconds);
    void countNonFinite(double loss, double norm);
    void betweenSteps();
    void evaluate(bool before_training);
    void saveCheckpoint();
    void saveBeforeTheEnd() noexcept;
    void writeTrainedModel();
    bool reachedEpochEnd() const;
    double secondsSoFar() const;
    RunFinished finish();
    RunFinished summaryAs(std::string status) const;

    TrainerOptions m_options;
    TrainingConfig m_config; ///< resolved
    RunControl& m_control;
    Reporter& m_reporter;
    Stopwatch m_watch;

    std::optional<RunFolder> m_folder;
    std::optional<RunLock> m_lock;
    std::optional<CheckpointStore> m_checkpoints;
    std::unique_ptr<RunContext> m_context;
    std::unique_ptr<Objective> m_objective;
    std::optional<Optimizer> m_optimizer;
    Schedule m_schedule;
    std::int64_t m_total_steps = 0;
    TrainingState m_state;
    RunIdentity m_identity;
    std::optional<double> m_accuracy_after;
    std::uint64_t m_planned_bytes = 0;
    std::int64_t m_saved_step = -1;
};

} // namespace zen
