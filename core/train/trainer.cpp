#include "core/train/trainer.h"

#include "core/base/machine.h"
#include "core/config/validate.h"
#include "core/plan/memory_plan.h"
#include "core/reward/rubric.h"
#include "core/train/session.h"
#include "core/train/threads.h"
#include "core/weights/checkpoint_folder.h"

#include <ATen/ATen.h>

#include <new>

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

/// libtorch's own message without its stack trace, and what to do when memory ran out.
std::string readable(const c10::Error& error)
{
    std::string text = error.what_without_backtrace();
    if (text.find("can't allocate memory") != std::string::npos
        || text.find("not enough memory") != std::string::npos)
        text = "memory ran out (" + text
            + "). Lower per_device_train_batch_size, max_completion_length or "
              "logprob_chunk_tokens, or turn on gradient_checkpointing.";
    return text;
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
        } catch (const c10::Error& error) {
            message = readable(error);
        } catch (const std::bad_alloc&) {
            message = "memory ran out. Lower per_device_train_batch_size or max_completion_length.";
        } catch (const std::exception& error) {
            message = error.what();
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
