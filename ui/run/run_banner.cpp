#include "ui/run/run_banner.h"

#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>

namespace zen::ui {

RunBanner::RunBanner(QWidget* parent)
    : Card(parent)
    , m_mark(new Dot(&Theme::error, this))
    , m_headline(new PlainLabel({}, this))
    , m_message(new PlainLabel({}, this))
    , m_resume(plainButton(tr("Resume from the checkpoint"), {}, this))
    , m_console(linkButton(tr("show the console"), this))
{
    setObjectName(QStringLiteral("runBanner"));
    m_headline->setType(13, QFont::DemiBold);
    m_headline->setObjectName(QStringLiteral("runBannerHeadline"));
    m_message->setTone(Tone::muted)->setWordWrap(true);
    m_message->setObjectName(QStringLiteral("runBannerMessage"));
    m_message->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_resume->setObjectName(QStringLiteral("resumeFailedRun"));
    auto* row = new QHBoxLayout;
    row->setSpacing(10);
    row->addWidget(m_mark, 0, Qt::AlignVCenter);
    row->addWidget(m_headline, 0, Qt::AlignVCenter);
    row->addWidget(m_message, 1);
    row->addWidget(m_console);
    row->addWidget(m_resume);
    body()->setContentsMargins(14, 8, 14, 8);
    body()->addLayout(row);
    connect(m_resume, &QPushButton::clicked, this, &RunBanner::resumeRequested);
    connect(m_console, &QPushButton::clicked, this, &RunBanner::consoleRequested);
    hide();
}

void RunBanner::showLoading(const QString& what)
{
    m_mark->setColor(&Theme::accent);
    m_headline->setText(tr("Loading"));
    m_message->setText(what);
    m_resume->hide();
    m_console->hide();
    show();
}

void RunBanner::showFailure(const QString& message, const QString& checkpoint)
{
    m_mark->setColor(&Theme::error);
    m_headline->setText(tr("The run failed"));
    const QString what_to_do = checkpoint.isEmpty()
        ? tr("No checkpoint was written; change the settings and start again.")
        : tr("Everything up to its newest checkpoint is safe.");
    m_message->setText(shownLine(message.toStdString(), 600) + QLatin1Char('\n') + what_to_do);
    m_resume->setVisible(!checkpoint.isEmpty());
    m_console->show();
    show();
}

} // namespace zen::ui
