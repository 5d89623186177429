#include "core/export/lint.h"
#include "core/export/yaml_reading.h"
#include "tests/core/target_samples.h"

#include <QTest>

#include <algorithm>

using namespace zen;

namespace {

const char kGym[] = "model_name_or_path: m\ntemplate: qwen3\nstage: grpo\ndo_train: true\n"
                    "dataset: d\noutput_dir: o\n";
const char kAxolotl[] = "base_model: m\nlearning_rate: 1.0e-05\nmicro_batch_size: 8\n"
                        "gradient_accumulation_steps: 1\ndatasets: [{path: p, type: alpaca}]\n";
const char kTrl[] = "model_name_or_path: m\ndataset_name: d\nreward_funcs: [accuracy_reward]\n"
                    "dtype: bfloat16\n";

std::string baseOf(std::string_view target)
{
    if (target == "axolotl")
        return kAxolotl;
    return target == "trl" ? kTrl
        : target == "gym"  ? kGym
                           : std::string(kGym).replace(std::string(kGym).find("grpo"), 4, "sft");
}

} // namespace

class TestExportLint : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void scalars_areReadAsPyYamlReadsThem_data()
    {
        // What PyYAML 6.0.3's safe_load and OmegaConf's loader give for each.
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<int>("yaml11");
        QTest::addColumn<int>("omegaconf");
        const auto row = [](const char* text, ScalarKind yaml11, ScalarKind omegaconf) {
            QTest::newRow(text) << QByteArray(text) << static_cast<int>(yaml11)
                                << static_cast<int>(omegaconf);
        };
        using K = ScalarKind;
        row("2e-5", K::text, K::real);
        row("1e9", K::text, K::real);
        row("1.0e5", K::text, K::real);
        row("2.0e-05", K::real, K::real);
        row("1.0e+5", K::real, K::real);
        row("0.5", K::real, K::real);
        row(".5", K::real, K::real);
        row("3.", K::real, K::real);
        row("3", K::integer, K::integer);
        row("0x1F", K::integer, K::integer);
        row("017", K::integer, K::integer);
        row("1_000", K::integer, K::integer);
        row("1:30", K::integer, K::integer);
        row("no", K::boolean, K::boolean);
        row("Off", K::boolean, K::boolean);
        row("oN", K::text, K::text);
        row("y", K::text, K::text);
        row("none", K::text, K::text);
        row("null", K::null, K::null);
        row("~", K::null, K::null);
        row("2024-01-01", K::date, K::text);
        row("1.2.3", K::text, K::text);
        row(".inf", K::real, K::real);
        row("zen/starter", K::text, K::text);
    }
    void scalars_areReadAsPyYamlReadsThem()
    {
        QFETCH(QByteArray, text);
        QFETCH(int, yaml11);
        QFETCH(int, omegaconf);
        QCOMPARE(
            static_cast<int>(plainScalarKind(text.toStdString(), NumberReading::yaml11)), yaml11);
        QCOMPARE(static_cast<int>(plainScalarKind(text.toStdString(), NumberReading::omegaconf)),
            omegaconf);
    }

    void badLine_isNamedWithItsRepair_data()
    {
        QTest::addColumn<QByteArray>("target");
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QByteArray>("words"); // in the message
        QTest::addColumn<QByteArray>("repair"); // of the fix's value; empty: none wanted
        const auto row
            = [](const char* target, const char* line, const char* words, const char* repair = "") {
                  QTest::newRow(line) << QByteArray(target) << QByteArray(line) << QByteArray(words)
                                      << QByteArray(repair);
              };
        row("gym", "use_ref_model: true", "is not a key of zenlm/gym");
        row("gym", "lora_rnk: 8", "did you mean lora_rank", "8");
        row("gym", "eval_strategy: no", "is read as true or false", "\"no\"");
        row("gym", "lora_rank: 8.0", "a whole number is wanted", "8");
        row("gym", "lora_dropout: \"0.1\"", "is read as text", "0.1");
        row("gym", "quantization_method: bmb", "did you mean bnb", "bnb");
        row("gym", "eval_strategy: steps", "evaluation needs val_size or eval_dataset");
        row("gym", "load_in_4bit: true", "is not a key");
        row("llamafactory", "num_generations: 8", "is not a key of LLaMA-Factory");
        row("llamafactory", "run_name: 2024", "text or nothing is wanted", "\"2024\"");
        row("axolotl", "adapter: qlora", "needs load_in_4bit: true");
        row("axolotl", "wandb_name: 7", "text or nothing is wanted", "\"7\"");
        row("axolotl", "lora_rr: 7", "drops it in silence");
        row("axolotl", "eval_steps: 5", "needs val_set_size or test_datasets");
        row("axolotl", "trl: {num_generations: few}", "a whole number");
        row("trl", "num_generations: 3", "multiple of num_generations");
        row("trl", "max_steps: 1e3", "a whole number is wanted", "1000");
        row("trl", "dtype2: x", "is not a key of TRL");
    }
    void badLine_isNamedWithItsRepair()
    {
        QFETCH(QByteArray, target);
        QFETCH(QByteArray, line);
        QFETCH(QByteArray, words);
        QFETCH(QByteArray, repair);
        const Target tool = targetNamed(target.toStdString());
        const std::string base = baseOf(tool.name);
        QVERIFY(lint(base, tool).empty());
        const Diagnostics findings = lint(base + line.toStdString() + "\n", tool);
        const auto found = std::find_if(findings.begin(), findings.end(), [&](const auto& one) {
            return one.message.find(words.toStdString()) != std::string::npos;
        });
        QVERIFY2(found != findings.end(),
            findings.empty() ? "no finding" : findings.front().message.c_str());
        const auto lines = static_cast<int>(std::count(base.begin(), base.end(), '\n'));
        QCOMPARE(found->line, lines + 1);
        if (!repair.isEmpty()) {
            QVERIFY(found->fix);
            QCOMPARE(QByteArray::fromStdString(*found->fix->edits.back().value), repair);
        }
    }

    void repairs_areAccepted()
    {
        // 2e-5 is a float to OmegaConf, text that becomes one to argparse, and nothing is converted
        // by no one else.
        QVERIFY(lint(std::string(kGym) + "learning_rate: 2e-5\n", targetNamed("gym")).empty());
        QVERIFY(lint(std::string(kTrl) + "learning_rate: 2e-5\n", targetNamed("trl")).empty());
    }

    void brokenText_isOneError()
    {
        QVERIFY(hasErrors(lint("a: [", targetNamed("trl"))));
        QVERIFY(hasErrors(lint("- a\n", targetNamed("trl"))));
        QVERIFY(hasErrors(lint("", targetNamed("axolotl"))));
    }
};

QTEST_MAIN(TestExportLint)
#include "tst_export_lint.moc"
