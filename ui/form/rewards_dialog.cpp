#include "ui/form/rewards_dialog.h"

#include "core/config/read_config.h"
#include "core/config/reward_types.h"
#include "core/reward/rubric.h"
#include "ui/form/yaml_preview.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QHBoxLayout>
#include <QMenu>
#include <QPlainTextEdit>

namespace zen::ui {

namespace {

/// A new term of a type, with the parameters that it cannot do without.
QString termOf(std::string_view type)
{
    QString lines = QStringLiteral("- type: %1\n  weight: 1.0\n")
                        .arg(QLatin1String(type.data(), static_cast<qsizetype>(type.size())));
    if (type == "regex")
        lines += QStringLiteral("  pattern: \"\"\n");
    else if (type == "contains")
        lines += QStringLiteral("  text: [\"\"]\n");
    else if (type == "overlong")
        lines += QStringLiteral("  max: 256\n");
    return lines;
}

/// The list without the indentation that the file gives it.
QString unindented(const std::string& yaml)
{
    QStringList lines = QString::fromStdString(yaml).split(QLatin1Char('\n'));
    while (!lines.isEmpty() && lines.first().trimmed().isEmpty())
        lines.removeFirst();
    qsizetype margin = -1;
    for (qsizetype index = 0; index < lines.size(); ++index) {
        const QString& line = lines[index];
        if (line.trimmed().isEmpty())
            continue;
        qsizetype spaces = 0;
        while (spaces < line.size() && line[spaces] == QLatin1Char(' '))
            ++spaces;
        if (index > 0 || spaces > 0)
            margin = margin < 0 ? spaces : std::min(margin, spaces);
    }
    for (QString& line : lines)
        if (margin > 0 && line.startsWith(QString(margin, QLatin1Char(' '))))
            line.remove(0, margin);
    return lines.join(QLatin1Char('\n')).trimmed() + QLatin1Char('\n');
}

} // namespace

RewardsDialog::RewardsDialog(const std::string& yaml, QWidget* parent)
    : QDialog(parent)
    , m_text(new QPlainTextEdit(this))
    , m_message(new PlainLabel({}, this))
    , m_accept(filledButton(tr("Use these rewards"), {}, this))
{
    setObjectName(QStringLiteral("rewardsDialog"));
    setWindowTitle(tr("Rewards"));
    resize(620, 460);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 16, 18, 16);
    layout->setSpacing(12);
    auto* title = new PlainLabel(tr("What is a good completion?"), this);
    title->setType(15, QFont::DemiBold);
    layout->addWidget(title);
    auto* help = new PlainLabel(
        tr("A list of terms. Each has a type and a weight; the reward is their weighted sum. A "
           "term that cannot judge a completion leaves it unscored."),
        this);
    help->setTone(Tone::muted);
    help->setWordWrap(true);
    layout->addWidget(help);

    m_text->setObjectName(QStringLiteral("rewardsText"));
    m_text->setAccessibleName(tr("Rewards as YAML"));
    m_text->setFont(Theme::of(*this).mono(13));
    m_text->setTabChangesFocus(true);
    (new YamlHighlighter(m_text->document()))->setTheme(Theme::of(*this));
    m_text->setPlainText(yaml.empty() ? QString() : unindented(yaml));
    layout->addWidget(m_text, 1);
    m_message->setObjectName(QStringLiteral("rewardsMessage"));
    m_message->setType(11);
    m_message->setWordWrap(true);
    layout->addWidget(m_message);

    auto* buttons = new QHBoxLayout;
    auto* add = plainButton(tr("Add a term"), {}, this);
    auto* menu = new QMenu(add);
    for (const RewardType& type : kRewardTypes) {
        auto* action = menu->addAction(
            QString::fromUtf8(type.name.data(), static_cast<qsizetype>(type.name.size())), this,
            [this, name = type.name] { addTerm(termOf(name)); });
        action->setToolTip(plainToolTip(
            QString::fromUtf8(type.help.data(), static_cast<qsizetype>(type.help.size()))));
    }
    menu->setToolTipsVisible(true);
    add->setMenu(menu);
    auto* cancel = plainButton(tr("Cancel"), {}, this);
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    m_accept->setObjectName(QStringLiteral("rewardsAccept"));
    connect(m_accept, &QPushButton::clicked, this, &QDialog::accept);
    buttons->addWidget(add);
    buttons->addStretch();
    buttons->addWidget(cancel);
    buttons->addWidget(m_accept);
    layout->addLayout(buttons);
    connect(m_text, &QPlainTextEdit::textChanged, this, &RewardsDialog::check);
    check();
}

std::string RewardsDialog::yaml() const
{
    const QString text = m_text->toPlainText().trimmed();
    return text.toStdString();
}

void RewardsDialog::addTerm(const QString& lines)
{
    QString text = m_text->toPlainText();
    if (!text.isEmpty() && !text.endsWith(QLatin1Char('\n')))
        text += QLatin1Char('\n');
    m_text->setPlainText(text + lines);
    m_text->moveCursor(QTextCursor::End);
    m_text->setFocus();
}

void RewardsDialog::check()
{
    QString problem;
    YamlDocument document;
    if (const std::string text = yaml(); !text.empty()) {
        if (const auto done = document.set("rewards", text); !done) {
            problem = QString::fromStdString(done.error().message);
        } else {
            const ReadConfig read = readConfig(document);
            for (const Diagnostic& finding : read.diagnostics)
                if (problem.isEmpty() && finding.severity == Severity::error
                    && finding.key.starts_with("rewards"))
                    problem = tr("Line %1: %2")
                                  .arg(std::max(1, finding.line - 1))
                                  .arg(QString::fromStdString(finding.message));
            if (problem.isEmpty()) {
                if (const auto rubric = Rubric::build(read.config.algorithm.rewards); !rubric)
                    problem = QString::fromStdString(rubric.error().front().message);
            }
        }
    }
    m_message->setTone(problem.isEmpty() ? Tone::muted : Tone::error);
    m_message->setText(!problem.isEmpty() ? problem
            : yaml().empty()              ? tr("No rewards: only SFT can run so.")
                                          : tr("These rewards can be built."));
    setEnabledOr(m_accept, problem.isEmpty(), problem);
}

std::optional<std::string> RewardsDialog::edit(const std::string& yaml, QWidget* parent)
{
    RewardsDialog dialog(yaml, parent);
    if (dialog.exec() != QDialog::Accepted)
        return std::nullopt;
    return dialog.yaml();
}

} // namespace zen::ui
