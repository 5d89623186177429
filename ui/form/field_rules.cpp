#include "ui/form/field_rules.h"

#include <QLocale>
#include <QStringList>

#include <cmath>

namespace zen::ui {

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("Form", text);
}

QString plainNumber(double value)
{
    return QString::number(value, 'g', 10);
}

QString yesOrNo(bool value)
{
    return value ? tr("on") : tr("off");
}

bool isSft(const TrainingConfig& config)
{
    return config.algorithm.stage == Stage::sft;
}

QString rangeOf(const Field& field)
{
    if (field.type != FieldType::integer && field.type != FieldType::real)
        return {};
    return field.minimum_open
        ? tr("more than %1, up to %2").arg(plainNumber(field.minimum), plainNumber(field.maximum))
        : tr("%1 to %2").arg(plainNumber(field.minimum), plainNumber(field.maximum));
}

QString joined(std::span<const std::string_view> words)
{
    QStringList list;
    for (const std::string_view word : words)
        list += fromView(word);
    return list.join(QStringLiteral(", "));
}

} // namespace

QString fromView(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QString shown(std::string_view text)
{
    return QCoreApplication::translate("Schema", std::string(text).c_str());
}

QString hintFor(const Field& field, const TrainingConfig& config, std::optional<std::int64_t> rows)
{
    const TrainingConfig resolved = resolve(config);
    const std::string_view key = field.key;
    if (key == "stage")
        return isSft(config) ? tr("imitates answers")
            : resolved.algorithm.importance_sampling_level == ImportanceLevel::sequence
            ? tr("sequence ratio")
            : tr("token ratio");
    if (key == "lora_alpha" && config.adapter.lora_rank > 0) {
        const double factor = static_cast<double>(resolved.adapter.lora_alpha.value_or(0))
            / static_cast<double>(config.adapter.lora_rank);
        return tr("%1 × rank").arg(plainNumber(std::round(factor * 100) / 100));
    }
    if (key == "lora_target")
        return config.adapter.lora_target == std::vector<std::string>{ "all" }
            ? tr("seven projections")
            : QString();
    if (key == "beta" && config.algorithm.beta == 0)
        return tr("no reference pass");
    if (key == "steps_per_generation") {
        const double share = static_cast<double>(resolved.batch.steps_per_generation.value_or(1))
            / static_cast<double>(
                std::max<std::int64_t>(1, config.batch.gradient_accumulation_steps));
        return tr("%1 × accumulation").arg(plainNumber(std::round(share * 100) / 100));
    }
    if (key == "lr_scheduler_type" && config.optimizer.warmup_steps == 0
        && config.optimizer.warmup_ratio > 0)
        return tr("%1 % warm-up")
            .arg(plainNumber(std::round(config.optimizer.warmup_ratio * 1000) / 10));
    if (key == "num_train_epochs") {
        if (const auto steps = totalSteps(config, rows))
            return tr("%1 steps").arg(QLocale().toString(qlonglong(*steps)));
    }
    if (key == "max_steps" && config.optimizer.max_steps == -1)
        return tr("epochs decide");
    if (key == "dtype")
        return resolved.memory.quantization == Quantization::nf4 ? tr("packed in 4 bits")
                                                                 : tr("4-bit available");
    if (key == "top_p" && config.sampling.top_p == 1.0)
        return tr("all tokens");
    if ((key == "top_k" && config.sampling.top_k == 0)
        || (key == "min_p" && config.sampling.min_p == 0))
        return tr("off");
    if (key == "val_size" && config.data.val_size > 0)
        return config.data.val_size < 1 ? tr("share of rows") : tr("rows");
    if (key == "save_steps" && config.run.save_steps == 0)
        return tr("only at the end");
    return shown(field.unit);
}

QString decidedValue(const Field& field, const TrainingConfig& config)
{
    if (!field.optional || !std::holds_alternative<std::monostate>(field.get(config)))
        return {};
    const FieldValue decided = field.get(resolve(config));
    return std::holds_alternative<std::monostate>(decided) ? tr("off") : displayOf(decided);
}

QString whyWithoutEffect(const Field& field, const TrainingConfig& config)
{
    const std::string_view key = field.key;
    if (field.rl_only && isSft(config))
        return tr(
            "SFT imitates given answers: nothing is sampled or scored, so this has no effect.");
    if (key.starts_with("lora_") || key == "use_rslora" || key == "adapter_name_or_path") {
        if (config.adapter.finetuning_type == FinetuningType::full)
            return tr("Full fine-tuning trains the weights themselves; there is no adapter.");
    }
    if (key == "eval_steps" && config.run.eval_strategy != EvalStrategy::steps)
        return tr("Only for eval_strategy: steps.");
    if (key == "min_lr_rate"
        && config.optimizer.lr_scheduler_type != SchedulerType::cosine_with_min_lr)
        return tr("Only for the schedule cosine_with_min_lr.");
    if (key == "warmup_ratio" && config.optimizer.warmup_steps > 0)
        return tr("warmup_steps is given and wins.");
    if (key == "num_train_epochs" && config.optimizer.max_steps > 0)
        return tr("max_steps is given and decides.");
    if (key == "val_size" && !config.data.eval_dataset.empty())
        return tr("A held-out dataset is given.");
    if (key.starts_with("bnb_4bit") && resolve(config).memory.quantization == Quantization::none)
        return tr("Only with 4-bit weights.");
    if (key == "multi_objective_aggregation" && config.algorithm.rewards.size() < 2)
        return tr("Only with two rewards or more.");
    return {};
}

QString describe(const Field& field)
{
    QStringList lines{ shown(field.help) };
    lines += tr("Key: %1").arg(fromView(field.key));
    const QString standard = QString::fromStdString(toYaml(defaultValue(field)));
    lines += standard.isEmpty() ? tr("Default: decided by other fields")
                                : tr("Default: %1").arg(standard);
    if (const QString range = rangeOf(field); !range.isEmpty())
        lines += tr("Range: %1").arg(range);
    if (!field.choices.empty())
        lines += (field.type == FieldType::choice ? tr("One of: %1") : tr("For example: %1"))
                     .arg(joined(field.choices));
    if (!field.aliases.empty())
        lines += tr("Also read as: %1").arg(joined(field.aliases));
    return lines.join(QLatin1Char('\n'));
}

QString displayOf(const FieldValue& value)
{
    if (const auto* boolean = std::get_if<bool>(&value))
        return yesOrNo(*boolean);
    if (const auto* text = std::get_if<std::string>(&value))
        return QString::fromStdString(*text);
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
        QStringList words;
        for (const std::string& word : *list)
            words += QString::fromStdString(word);
        return words.join(QStringLiteral(", "));
    }
    if (const auto* rewards = std::get_if<std::vector<RewardTermSpec>>(&value)) {
        QStringList words;
        for (const RewardTermSpec& term : *rewards)
            words += term.weight == 1.0
                ? QString::fromStdString(term.type)
                : QStringLiteral("%1 × %2").arg(
                    QString::fromStdString(term.type), plainNumber(term.weight));
        return words.join(QStringLiteral(", "));
    }
    return QString::fromStdString(toYaml(value));
}

std::optional<std::string> yamlFromTyped(const Field& field, const QString& typed)
{
    const QString text = typed.trimmed();
    if (text.isEmpty())
        return std::nullopt;
    if (field.type == FieldType::text_list) {
        std::vector<std::string> words;
        for (const QString& word : text.split(QLatin1Char(','), Qt::SkipEmptyParts))
            if (const QString trimmed = word.trimmed(); !trimmed.isEmpty())
                words.push_back(trimmed.toStdString());
        return words.size() == 1 ? toYaml(FieldValue(words.front())) : toYaml(FieldValue(words));
    }
    if (field.type == FieldType::text || field.type == FieldType::path)
        return toYaml(FieldValue(text.toStdString()));
    if (const auto value = parseValue(field, text.toStdString()))
        return toYaml(*value);
    bool is_number = false;
    text.toDouble(&is_number);
    return is_number ? text.toStdString() : toYaml(FieldValue(text.toStdString()));
}

std::optional<std::int64_t> totalSteps(
    const TrainingConfig& config, std::optional<std::int64_t> rows)
{
    if (config.optimizer.max_steps > 0)
        return config.optimizer.max_steps;
    if (!rows || *rows <= 0)
        return std::nullopt;
    const std::int64_t per_step = std::max<std::int64_t>(1, completionsPerStep(config));
    if (isSft(config))
        return static_cast<std::int64_t>(std::ceil(config.optimizer.num_train_epochs
            * static_cast<double>(*rows) / static_cast<double>(per_step)));
    const std::int64_t generation = generationBatchSize(config);
    const std::int64_t prompts
        = generation / std::max<std::int64_t>(1, config.batch.num_generations);
    if (prompts <= 0)
        return std::nullopt;
    const std::int64_t generations
        = *rows / prompts; // the incomplete tail is left out (training-spec 3.2)
    const double steps = static_cast<double>(generations * config.batch.num_iterations)
        * static_cast<double>(generation) / static_cast<double>(per_step);
    return static_cast<std::int64_t>(std::floor(steps * config.optimizer.num_train_epochs));
}

bool isChanged(const Field& field, const TrainingConfig& config)
{
    return field.get(config) != defaultValue(field);
}

} // namespace zen::ui
