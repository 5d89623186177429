#include "core/train/trainer.h"

#include "core/base/machine.h"
#include "core/config/validate.h"
#include "core/plan/memory_plan.h"
#include "core/reward/rubric.h"
#include "core/train/session.h"
#include "core/train/threads.h"
#include "core/train/token_budget.h"
#include "core/weights/checkpoint_folder.h"

#include <ATen/ATen.h>

#include <exception>

// Who does what, and on which thread:
//
//   window or terminal ── RunControl (atomics) ──▶ trainer's thread ── events ──▶ run folder's logs
//   ──▶ listener
//                                                  │
//                       Trainer::run               │ the one place where exceptions become events
//                       └─ Session                 │ folder, lock, checkpoints, steps, evaluation
//                          ├─ Objective            │ gradients of a step: rollouts and rewards, or
//                          demonstrations └─ Optimizer, Schedule  │
//
// Nobody waits for the listener; the trainer waits only while it is paused.

namespace zen {

namespace {

std::string errorsOf(const Diagnostics& diagnostics)
{
    std::string text;
    for (const Diagnostic& finding : diagnostics)
        if (finding.severity == Severity::error)
            text += (text.empty() ? "" : "\n") + toText(finding);
    return text;
}

/// A library's message: of memory that ran out with the plan and what to do, of libtorch without
/// its stack trace.
std::string readable(const Session& session, const std::exception& error) noexcept
{
    try {
        if (isOutOfMemory(error))
            return session.memoryMessage();
        const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
        return torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
    } catch (...) {
        return "memory ran out"; // fits into the string itself
    }
}

class Trainer final : public TrainingJob {
public:
    explicit Trainer(TrainerOptions options)
        : m_options(std::move(options))
    {
    }

    void run(RunControl& control, EventSink& sink) noexcept override
    {
        Reporter reporter(sink);
        Session session(m_options, control, reporter);
        Event last = attempt(session);
        if (const auto* failed = std::get_if<RunFailed>(&last); failed && session.folder())
            (void)writeSummary(*session.folder(), *failed);
        reporter.publish(last);
    }

private:
    Event attempt(Session& session) noexcept
    {
        std::string message;
        try {
            keepFreedMemory();
            useThreads(m_options.config.memory.num_threads);
            if (m_options.background)
                workInBackground();
            session.start();
            return session.train();
        } catch (const Aborted&) {
            return session.abandoned();
        } catch (const RunError& error) {
            message = error.message;
        } catch (const std::exception& error) {
            message = readable(session, error);
        } catch (...) {
            message = "an unknown exception ended the run";
        }
        return RunFailed{ message, session.checkpointToResume() };
    }

    TrainerOptions m_options;
};

} // namespace

Result<std::unique_ptr<TrainingJob>> createTrainer(const TrainerOptions& options)
{
    const TrainingConfig config = resolve(options.config);
    if (const std::string errors = errorsOf(validate(options.config)); !errors.empty())
        return fail(errors);
    if (auto folder = findModelFolder(config.model.model_name_or_path); !folder)
        return tl::unexpected(folder.error());
    if (auto files = findDatasetFiles(config.data); !files)
        return tl::unexpected(files.error());
    if (!config.algorithm.rewards.empty())
        if (auto rubric = Rubric::build(config.algorithm.rewards); !rubric)
            return fail(errorsOf(rubric.error()));
    return std::make_unique<Trainer>(options);
}

} // namespace zen
