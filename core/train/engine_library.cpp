#include "core/train/bench.h"
#include "core/train/chat_session.h"
#include "core/train/engine.h"
#include "core/train/evaluation.h"
#include "core/train/load_bench.h"
#include "core/train/memory_bench.h"
#include "core/train/run_context.h"
#include "core/train/starter.h"
#include "core/train/threads.h"
#include "core/train/trainer.h"
#include "core/train/verify.h"

#include <ATen/ATen.h>

namespace zen {

namespace {

/// Runs a piece of work whose library calls may throw.
template <class Work> auto guarded(Work work) -> decltype(work())
{
    try {
        return work();
    } catch (const c10::Error& error) {
        return fail(error.what_without_backtrace());
    } catch (const RunError& error) { // memory ran out for good
        return fail(error.message);
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}

std::string textOf(const Diagnostics& findings)
{
    std::string text;
    for (const Diagnostic& finding : findings)
        text += (text.empty() ? "" : "\n") + toText(finding);
    return text;
}

Result<Metrics> evaluateModel(const EvaluationOptions& options)
{
    const TrainingConfig config = resolve(options.config);
    useThreads(config.memory.num_threads);
    auto policy
        = loadPolicyForUse(config.model.model_name_or_path, options.adapter, config.memory.dtype);
    if (!policy)
        return tl::unexpected(policy.error());
    const auto data = loadDatasets(config.data, config.run.seed);
    if (!data)
        return tl::unexpected(data.error());
    if (data->held_out.rows.empty())
        return fail("no rows are held out: set eval_dataset, or val_size above 0");
    std::optional<Rubric> rubric;
    if (!config.algorithm.rewards.empty()) {
        auto built = Rubric::build(config.algorithm.rewards);
        if (!built)
            return fail(textOf(built.error()));
        rubric = std::move(*built);
    }
    return evaluateHeldOut(*policy, data->held_out,
        { config, rubric ? &*rubric : nullptr, true, options.on_progress });
}

class TensorEngine final : public Engine {
public:
    Result<std::unique_ptr<TrainingJob>> createTrainer(const TrainerOptions& options) override
    {
        return guarded([&] { return zen::createTrainer(options); });
    }
    Result<std::unique_ptr<ChatSession>> openChat(const ChatOptionsForModel& options) override
    {
        return guarded([&] { return openChatSession(options); });
    }
    Result<Metrics> evaluate(const EvaluationOptions& options) override
    {
        return guarded([&] { return evaluateModel(options); });
    }
    Result<void> verify(const std::filesystem::path& folder,
        const std::filesystem::path& tokenizer_json,
        const std::function<void(const VerifyCase&)>& on_case) override
    {
        return guarded([&] { return verifyFolder(folder, tokenizer_json, on_case); });
    }
    Result<std::vector<BenchLine>> bench(const TrainingConfig& config) override
    {
        return guarded([&] { return benchmark(config); });
    }
    Result<MemoryBench> benchMemory(const MemoryBenchOptions& options) override
    {
        return guarded([&] { return zen::benchMemory(options); });
    }
    Result<LoadBench> benchLoad(const LoadBenchOptions& options) override
    {
        return guarded([&] { return zen::benchLoad(options); });
    }
    Result<void> makeStarter(const StarterOptions& options) override
    {
        return guarded([&] { return zen::makeStarter(*this, options); });
    }
};

} // namespace

} // namespace zen

/// What loadEngine() looks up in libzen_engine.so.
extern "C" __attribute__((visibility("default"))) zen::Engine* zen_engine()
{
    static zen::TensorEngine engine;
    return &engine;
}
