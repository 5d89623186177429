#include "ui/export/lint_strip.h"

#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>

namespace zen::ui {

namespace {

constexpr int kMostRows = 5;

} // namespace

LintStrip::LintStrip(QWidget* parent)
    : QWidget(parent)
{
    setObjectName(QStringLiteral("lintStrip"));
    setAccessibleName(tr("What the tool would say of the file"));
    m_rows = new QVBoxLayout(this);
    m_rows->setContentsMargins(14, 8, 14, 8);
}

void LintStrip::show(const Diagnostics& findings, const QString& passed)
{
    delete m_body;
    m_body = new QWidget(this);
    m_rows->addWidget(m_body);
    auto* layout = new QVBoxLayout(m_body);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    m_text.clear();
    int shown = 0;
    for (const Diagnostic& finding : findings)
        if (shown++ < kMostRows)
            addRow(finding);
    if (findings.empty() || shown > kMostRows) {
        m_text += findings.empty() ? passed : tr("and %n more", nullptr, shown - kMostRows);
        auto* row = new QHBoxLayout;
        row->setSpacing(8);
        if (findings.empty())
            row->addWidget(new Dot(&Theme::accent, m_body));
        auto* label = new PlainLabel(
            findings.empty() ? passed : tr("and %n more", nullptr, shown - kMostRows), m_body);
        label->setType(11)->setTone(Tone::muted);
        label->setWordWrap(true);
        row->addWidget(label, 1);
        layout->addLayout(row);
    }
}

void LintStrip::addRow(const Diagnostic& finding)
{
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    const bool is_error = finding.severity == Severity::error;
    row->addWidget(new Dot(is_error ? &Theme::error : &Theme::warning, m_body));
    const QString place = tr("line %1").arg(finding.line);
    if (finding.line > 0) {
        auto* jump = inlineButton(place, m_body);
        jump->setFont(Theme::of(*this).text(11));
        jump->setProperty("tone", is_error ? QStringLiteral("error") : QStringLiteral("warning"));
        jump->setFixedHeight(16);
        jump->setAccessibleName(tr("Show line %1").arg(finding.line));
        connect(jump, &QPushButton::clicked, this,
            [this, line = finding.line] { Q_EMIT lineChosen(line); });
        row->addWidget(jump);
    }
    QString words = QString::fromStdString(finding.key + ": " + finding.message);
    if (finding.fix)
        words = sentence(words) + QLatin1Char(' ') + QString::fromStdString(finding.fix->label);
    m_text += place + QLatin1Char(' ') + words + QLatin1Char('\n');
    auto* label = new PlainLabel(words, m_body);
    label->setType(11)->setTone(is_error ? Tone::error : Tone::warning);
    label->setWordWrap(true);
    row->addWidget(label, 1);
    static_cast<QVBoxLayout*>(m_body->layout())->addLayout(row);
}

} // namespace zen::ui
