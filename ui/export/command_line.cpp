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

namespace {

/// The words of a command, quoted ones whole.
QStringList wordsOf(const QString& command)
{
    static const QRegularExpression kWord(QStringLiteral("(?:'[^']*'|\"[^\"]*\"|\\\\.|[^ ])+"));
    QStringList words;
    for (auto match = kWord.globalMatch(command); match.hasNext();)
        words += match.next().captured();
    return words;
}

} // namespace

QString foldedCommand(const QString& command, qsizetype columns)
{
    if (command.contains(QLatin1Char('\n')))
        return command;
    QStringList parts; // what stays on one line
    for (const QString& word : wordsOf(command)) {
        const bool is_value = !parts.isEmpty() && parts.last().startsWith(QLatin1Char('-'))
            && !parts.last().contains(QLatin1Char(' ')) && !word.startsWith(QLatin1Char('-'));
        if (is_value)
            parts.last() += QLatin1Char(' ') + word;
        else
            parts += word;
    }
    QString folded;
    qsizetype used = 0;
    for (const QString& part : parts) {
        if (used > 0 && used + 1 + part.size() + 2 > columns) { // room for the ` \`
            folded += QStringLiteral(" \\\n  ");
            used = 2;
        } else if (used > 0) {
            folded += QLatin1Char(' ');
            ++used;
        }
        folded += part;
        used += part.size();
    }
    return folded;
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
