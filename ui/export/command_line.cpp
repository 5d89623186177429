#include "ui/export/command_line.h"

#include "core/config/schema.h"

#include <QRegularExpression>

namespace zen::ui {

QString shellQuoted(const QString& argument)
{
    static const QRegularExpression kPlain(QStringLiteral("^[A-Za-z0-9_@%+=:,./-]+$"));
    if (kPlain.match(argument).hasMatch())
        return argument;
    QString quoted = argument;
    quoted.replace(QLatin1Char('\''), QStringLiteral("'\\''"));
    return QLatin1Char('\'') + quoted + QLatin1Char('\'');
}

std::optional<QString> argumentsFor(const TrainingConfig& config, const TrainingConfig& base)
{
    QStringList words;
    for (const Field& field : schema()) {
        const FieldValue value = field.get(config);
        if (value == field.get(base))
            continue;
        if (field.type == FieldType::rewards || std::holds_alternative<std::monostate>(value))
            return std::nullopt;
        const auto* text = std::get_if<std::string>(&value); // an argument is read as it stands
        words += QStringLiteral("--%1 %2").arg(
            QString::fromUtf8(field.key.data(), static_cast<qsizetype>(field.key.size())),
            shellQuoted(QString::fromStdString(text ? *text : toYaml(value))));
    }
    return words.join(QStringLiteral(" \\\n  "));
}

} // namespace zen::ui
