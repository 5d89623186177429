#include "core/train/starter.h"

#include "core/base/durable_file.h"
#include "core/config/read_config.h"
#include "core/data/word_problems.h"
#include "core/model/qwen3.h"
#include "core/text/bpe_trainer.h"
#include "core/text/chat_template.h"
#include "core/text/tokenizer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unordered_set>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kDemonstrationSeed = 1;
constexpr std::uint64_t kTrainSeed = 2;
constexpr std::uint64_t kTestSeed = 3;
constexpr std::uint64_t kWeightSeed = 4;
constexpr std::size_t kTrainQuestions = 2000;
constexpr std::size_t kTestQuestions = 500;
constexpr std::size_t kTokenizerTexts = 20000;
constexpr std::int64_t kVocabularySize = 1024;

Qwen3Shape starterShape()
{
    Qwen3Shape shape;
    shape.vocab_size = kVocabularySize;
    shape.hidden_size = 128;
    shape.intermediate_size = 384;
    shape.num_layers = 5;
    shape.num_heads = 4;
    shape.num_kv_heads = 2;
    shape.head_dim = 32;
    shape.max_position_embeddings = 512;
    shape.rope_theta = 1e4;
    shape.tied_embeddings = true;
    shape.dtype = "bfloat16";
    return shape;
}

/// Demonstrations as rows {instruction, output}; questions of the held-out set are passed over.
struct Demonstrations {
    std::string json_lines;
    std::vector<std::string> texts; ///< the first rendered conversations, for the tokenizer
};

Demonstrations demonstrate(std::size_t count, const std::vector<std::string>& held_out)
{
    const std::unordered_set<std::string> excluded(held_out.begin(), held_out.end());
    Demonstrations made;
    std::size_t written = 0;
    for (std::uint64_t index = 0; written < count; ++index) {
        const WordProblem problem = wordProblem(kDemonstrationSeed, index);
        if (excluded.contains(problem.question))
            continue;
        const std::string answer = demonstration(problem, demonstrator(kDemonstrationSeed, index));
        made.json_lines += nlohmann::ordered_json{ { "instruction", problem.question },
            { "output",
                answer } }.dump()
            + "\n";
        if (made.texts.size() < kTokenizerTexts)
            made.texts.push_back(problem.question + "\n" + answer);
        ++written;
    }
    return made;
}

/// Writes tokenizer.json, config.json, generation_config.json and random weights.
Result<void> writeUntrained(const fs::path& folder, const std::vector<std::string>& texts)
{
    auto tokenizer_json = trainTokenizerJson(texts, { .vocab_size = kVocabularySize });
    if (!tokenizer_json)
        return tl::unexpected(tokenizer_json.error());
    auto tokenizer = Tokenizer::fromJson(*tokenizer_json);
    if (!tokenizer)
        return tl::unexpected(tokenizer.error());
    Qwen3Shape shape = starterShape();
    const std::int64_t end_of_turn = tokenizer->idOf("<|im_end|>").value();
    const std::int64_t end_of_text = tokenizer->idOf("<|endoftext|>").value();
    shape.eos_ids = { end_of_turn, end_of_text };
    shape.pad_id = end_of_text;
    fs::create_directories(folder);
    if (auto done = writeDurably(folder / "tokenizer.json", *tokenizer_json); !done)
        return done;
    const nlohmann::ordered_json generation{ { "eos_token_id", shape.eos_ids },
        { "pad_token_id", shape.pad_id }, { "do_sample", true }, { "temperature", 1.0 } };
    if (auto done = writeDurably(folder / "generation_config.json", generation.dump(2) + "\n");
        !done)
        return done;
    return Qwen3::random(shape, kWeightSeed, {}).save(folder, at::kFloat);
}

/// Hands the lines of the training run on and keeps its ending.
class RecipeSink final : public EventSink {
public:
    explicit RecipeSink(const StarterOptions& options)
        : m_options(options)
    {
    }
    void publish(const Event& event) override
    {
        if (const auto* step = std::get_if<StepFinished>(&event); step && step->step % 100 == 0) {
            const auto loss = step->metrics.find("loss");
            m_options.on_line(fmt::format("step {} of {}, loss {:.4f}", step->step,
                step->total_steps, loss == step->metrics.end() ? 0.0 : loss->second));
        } else if (const auto* failed = std::get_if<RunFailed>(&event))
            m_failure = failed->message;
    }
    const std::string& failure() const { return m_failure; }

private:
    const StarterOptions& m_options;
    std::string m_failure;
};

Result<void> fineTune(Engine& engine, const StarterOptions& options, TrainingConfig config)
{
    TrainerOptions training;
    training.config = std::move(config);
    auto job = engine.createTrainer(training);
    if (!job)
        return tl::unexpected(job.error());
    RunControl control;
    RecipeSink sink(options);
    (*job)->run(control, sink);
    if (!sink.failure().empty())
        return fail("the starter's fine-tuning failed: " + sink.failure());
    return {};
}

Result<void> gather(const fs::path& work, const StarterOptions& options,
    const std::string& train_lines, const std::string& test_lines)
{
    auto checkpoint = openCheckpoint(work / "run" / "model");
    if (!checkpoint)
        return tl::unexpected(checkpoint.error());
    auto model = Qwen3::load(*checkpoint, {});
    if (!model)
        return tl::unexpected(model.error());
    return writeFolderDurably(options.output, [&](const fs::path& folder) -> Result<void> {
        if (auto saved = model->save(folder, at::kBFloat16); !saved)
            return saved;
        for (const char* name : { "tokenizer.json", "generation_config.json" })
            fs::copy_file(work / "untrained" / name, folder / name);
        if (auto done = writeDurably(folder / "train.jsonl", train_lines); !done)
            return done;
        return writeDurably(folder / "test.jsonl", test_lines);
    });
}

} // namespace

Result<void> makeStarter(Engine& engine, const StarterOptions& options)
{
    if (fs::exists(options.output))
        return fail(options.output.string() + " exists already; name a new folder");
    auto document = YamlDocument::load(options.sft_config);
    if (!document)
        return tl::unexpected(document.error());
    ReadConfig read = readConfig(*document);
    for (const Diagnostic& one : read.diagnostics)
        if (one.severity == Severity::error)
            return fail(toText(one, options.sft_config.string()));

    TrainingConfig config = resolve(read.config);
    fs::path work = options.output;
    work += ".work";
    fs::remove_all(work);
    fs::create_directories(work);
    std::vector<std::string> held_out;
    const std::string test_lines = problemsAsJsonLines(kTestSeed, kTestQuestions, &held_out);
    const std::string train_lines
        = problemsAsJsonLines(kTrainSeed, kTrainQuestions, nullptr, held_out);
    const auto count
        = static_cast<std::size_t>(config.optimizer.max_steps * completionsPerStep(config));
    options.on_line(fmt::format("writing {} demonstrations and training the tokenizer", count));
    const Demonstrations demonstrations = demonstrate(count, held_out);
    if (auto done = writeDurably(work / "demonstrations.jsonl", demonstrations.json_lines); !done)
        return done;
    if (auto done = writeUntrained(work / "untrained", demonstrations.texts); !done)
        return done;

    config.model.model_name_or_path = (work / "untrained").string();
    config.data.dataset = { (work / "demonstrations.jsonl").string() };
    config.run.output_dir = (work / "run").string();
    options.on_line("fine-tuning on the demonstrations");
    if (auto done = fineTune(engine, options, config); !done)
        return done;
    if (auto done = gather(work, options, train_lines, test_lines); !done)
        return done;
    fs::remove_all(work);
    options.on_line("the starter model is in " + options.output.string());
    return {};
}

} // namespace zen
