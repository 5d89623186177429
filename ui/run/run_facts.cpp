#include "ui/run/run_facts.h"

#include "ui/run/shown_text.h"

#include <QCoreApplication>
#include <QStringList>

namespace zen::ui {

namespace {

struct FactTexts {
    Q_DECLARE_TR_FUNCTIONS(RunFacts)
};

} // namespace

QString runTitle(const std::string& model, const std::string& stage)
{
    QString name = shownLine(model, 200);
    while (name.endsWith(QLatin1Char('/')))
        name.chop(1);
    name = name.mid(name.lastIndexOf(QLatin1Char('/')) + 1);
    if (name.isEmpty())
        name = FactTexts::tr("Run");
    name[0] = name[0].toUpper();
    return stage.empty() ? name : name + QStringLiteral(" · ") + shownLine(stage, 20).toUpper();
}

QString runFacts(const std::string& run_name, const TrainingConfig& config)
{
    QStringList facts;
    if (!run_name.empty())
        facts << shownLine(run_name, 60);
    if (config.adapter.finetuning_type == FinetuningType::lora)
        facts << FactTexts::tr("rank %1").arg(static_cast<qint64>(config.adapter.lora_rank));
    else
        facts << FactTexts::tr("all weights");
    if (config.algorithm.stage != Stage::sft) {
        facts << FactTexts::tr("temperature %1").arg(config.sampling.temperature, 0, 'f', 1);
        facts << FactTexts::tr("%1 completions a prompt")
                     .arg(static_cast<qint64>(config.batch.num_generations));
    } else {
        facts << FactTexts::tr("%1 examples a step")
                     .arg(static_cast<qint64>(config.batch.per_device_train_batch_size
                         * config.batch.gradient_accumulation_steps));
    }
    return facts.join(QStringLiteral(" · "));
}

std::string stageName(Stage stage)
{
    return stage == Stage::gspo ? "gspo" : stage == Stage::grpo ? "grpo" : "sft";
}

} // namespace zen::ui
