#include "core/rollout/generator.h"
#include "reference_case.h"
#include "small_model.h"

#include <ATen/Parallel.h>

#include <algorithm>

using namespace zen;
using namespace reference;
using namespace zen::test;

namespace {

using Prompts = std::vector<std::vector<std::int64_t>>;

GenerationOptions sampling(std::int64_t completions, std::int64_t tokens)
{
    GenerationOptions options;
    options.completions_per_prompt = completions;
    options.max_new_tokens = tokens;
    options.eos_ids = { 2 };
    options.seed = 11;
    options.step = 4;
    return options;
}

Prompts somePrompts()
{
    Prompts prompts;
    for (std::int64_t length : { 5, 31, 32, 33, 70 }) {
        prompts.emplace_back();
        for (std::int64_t i = 0; i < length; ++i)
            prompts.back().push_back(3 + (7 * i + 13 * length) % 300);
    }
    return prompts;
}

Qwen3 adapted(const char* name = "dense", const LoadOptions& options = {})
{
    Qwen3 policy = model(name, options);
    policy.attach(valueOf(readAdapter(folder() / "lora-adapter", policy.shape())));
    return policy;
}

} // namespace

class TestGenerator : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void greedy_matchesReference();
    void logprobs_agreeWithTraining_data();
    void logprobs_agreeWithTraining();
    void rows_doNotDependOnTheirBatch();
    void rows_areDifferent();
    void threads_doNotChangeText();
    void end_isTheLastToken();
    void progress_canStop();
    void tokensOfRowZero_areStreamed();
    void firstRow_continuesTheNumbering();
    void nothingToWrite_givesEmptyCompletions();
};

void TestGenerator::greedy_matchesReference()
{
    const NamedTensors expected = tensors("dense-greedy");
    const at::Tensor &ids = expected.at("input_ids"), &mask = expected.at("attention_mask"),
                     &sequences = expected.at("sequences");
    Prompts prompts;
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
        prompts.emplace_back();
        for (std::int64_t t = 0; t < ids.size(1); ++t) {
            if (mask[row][t].item<std::int64_t>() != 0)
                prompts.back().push_back(ids[row][t].item<std::int64_t>());
        }
    }
    GenerationOptions options = sampling(1, sequences.size(1) - ids.size(1));
    options.sampling.temperature = 0;
    const auto groups = generate(model("dense"), prompts, options);
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
        std::vector<std::int64_t> got = groups[static_cast<std::size_t>(row)][0].ids;
        for (std::int64_t t = ids.size(1); t < sequences.size(1); ++t) {
            const auto i = static_cast<std::size_t>(t - ids.size(1));
            QCOMPARE(i < got.size() ? got[i] : 0, sequences[row][t].item<std::int64_t>());
        }
    }
}

void TestGenerator::logprobs_agreeWithTraining_data()
{
    QTest::addColumn<bool>("use_adapter");
    QTest::addColumn<bool>("bf16");
    QTest::addColumn<double>("tolerance");
    QTest::newRow("float32, adapter") << true << false << 1e-4;
    QTest::newRow("float32, reference policy") << false << false << 1e-4;
    QTest::newRow("bf16, adapter")
        << true << true << 0.13; // training rounds activations to bfloat16
}

void TestGenerator::logprobs_agreeWithTraining()
{
    QFETCH(bool, use_adapter);
    QFETCH(bool, bf16);
    QFETCH(double, tolerance);
    LoadOptions load;
    load.weight_type = bf16 ? at::kBFloat16 : at::kFloat;
    const Qwen3 policy = adapted("dense", load);
    GenerationOptions options = sampling(4, 40);
    options.sampling.temperature = 0.9;
    options.use_adapter = use_adapter;
    const Prompts prompts = somePrompts();
    const auto groups = generate(policy, prompts, options);
    QCOMPARE(groups.size(), prompts.size());
    for (const std::vector<Completion>& group : groups)
        QCOMPARE(group.size(), std::size_t{ 4 });
    const WrittenError error = writtenError(policy, prompts, groups, 0.9, use_adapter);
    qInfo() << qPrintable(error.words());
    QVERIFY2(error.largest < tolerance, qPrintable(error.words()));
}

void TestGenerator::rows_doNotDependOnTheirBatch()
{
    const Qwen3 policy = adapted();
    const Prompts prompts = somePrompts();
    const auto together = generate(policy, prompts, sampling(3, 50));
    GenerationOptions few = sampling(3, 50);
    few.max_rows = 4;
    const auto in_turns = generate(policy, prompts, few);
    for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
        for (std::size_t i = 0; i < 3; ++i) {
            QCOMPARE(in_turns[prompt][i].ids, together[prompt][i].ids);
            QCOMPARE(in_turns[prompt][i].logprobs, together[prompt][i].logprobs);
        }
        GenerationOptions alone = sampling(3, 50);
        alone.first_row = 3 * prompt;
        QCOMPARE(generate(policy, { prompts[prompt] }, alone)[0][1].ids, together[prompt][1].ids);
    }
}

void TestGenerator::rows_areDifferent()
{
    const auto groups = generate(model("dense"), somePrompts(), sampling(3, 20));
    QVERIFY(groups[0][0].ids != groups[0][1].ids);
    QVERIFY(groups[0][1].ids != groups[0][2].ids);
}

void TestGenerator::threads_doNotChangeText()
{
    const int before = at::get_num_threads();
    const Qwen3 policy = adapted();
    at::set_num_threads(1);
    const auto one = generate(policy, somePrompts(), sampling(5, 30));
    at::set_num_threads(3);
    const auto three = generate(policy, somePrompts(), sampling(5, 30));
    at::set_num_threads(before);
    for (std::size_t prompt = 0; prompt < one.size(); ++prompt) {
        for (std::size_t i = 0; i < 5; ++i)
            QCOMPARE(one[prompt][i].logprobs, three[prompt][i].logprobs);
    }
}

void TestGenerator::end_isTheLastToken()
{
    GenerationOptions options = sampling(64, 60);
    options.sampling.temperature = 1.5;
    options.eos_ids = { 2, 40, 41, 42, 43, 44, 45, 46, 47, 48 };
    std::size_t ended = 0;
    for (const auto& group : generate(model("dense"), { { 5, 6, 7 } }, options)) {
        for (const Completion& completion : group) {
            QCOMPARE(completion.ids.size(), completion.logprobs.size());
            const auto is_end = [](std::int64_t id) { return id == 2 || (id >= 40 && id <= 48); };
            const auto first = std::find_if(completion.ids.begin(), completion.ids.end(), is_end);
            QCOMPARE(completion.truncated, first == completion.ids.end());
            if (completion.truncated)
                QCOMPARE(completion.ids.size(), std::size_t{ 60 });
            else
                QVERIFY(first + 1 == completion.ids.end());
            ended += completion.truncated ? 0 : 1;
        }
    }
    QVERIFY(ended > 0);
}

void TestGenerator::progress_canStop()
{
    GenerationOptions options = sampling(2, 50);
    options.eos_ids = {};
    std::int64_t last = -1;
    options.on_progress = [&](std::size_t finished, std::size_t total, std::int64_t position) {
        last = position;
        return position < 9 && finished < total;
    };
    const auto groups = generate(model("dense"), { { 5, 6, 7 } }, options);
    QCOMPARE(last, std::int64_t{ 9 });
    QVERIFY(groups[0][0].truncated);
    QCOMPARE(groups[0][0].ids.size(), std::size_t{ 11 });
}

void TestGenerator::tokensOfRowZero_areStreamed()
{
    GenerationOptions options = sampling(2, 20);
    std::vector<std::int64_t> streamed;
    options.on_token = [&](std::int64_t id) { streamed.push_back(id); };
    QCOMPARE(generate(model("dense"), { { 9, 8 } }, options)[0][0].ids, streamed);
}

void TestGenerator::firstRow_continuesTheNumbering()
{
    const Qwen3 policy = model("dense");
    const auto both = generate(policy, { { 9, 8 }, { 9, 8 } }, sampling(1, 20));
    GenerationOptions second = sampling(1, 20);
    second.first_row = 1;
    QCOMPARE(generate(policy, { { 9, 8 } }, second)[0][0].ids, both[1][0].ids);
}

void TestGenerator::nothingToWrite_givesEmptyCompletions()
{
    const Qwen3 policy = model("dense");
    QVERIFY(generate(policy, {}, sampling(2, 5)).empty());
    const auto groups = generate(policy, { { 4 } }, sampling(2, 0));
    QCOMPARE(groups[0].size(), std::size_t{ 2 });
    QVERIFY(groups[0][0].ids.empty() && groups[0][0].truncated);
}

QTEST_GUILESS_MAIN(TestGenerator)
#include "tst_generator.moc"
