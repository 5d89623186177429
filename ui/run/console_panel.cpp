#include "ui/run/console_panel.h"

#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/text_view.h"

#include <QDesktopServices>
#include <QPushButton>
#include <QUrl>
#include <QVBoxLayout>

#include <chrono>

namespace zen::ui {

namespace {

constexpr int kLinesKept = 1000;
constexpr qsizetype kPendingKept = 64 * 1024;
constexpr std::chrono::milliseconds kFlushInterval{ 200 };

} // namespace

ConsolePanel::ConsolePanel(QWidget* parent)
    : QWidget(parent)
    , m_view(new TextView(this))
    , m_open(linkButton(tr("open the whole file"), this))
{
    m_view->setObjectName(QStringLiteral("console"));
    m_view->setAccessibleName(tr("Console"));
    m_view->setMaximumBlockCount(kLinesKept);
    m_view->setPlaceholderText(tr("The run's messages appear here."));
    m_open->setObjectName(QStringLiteral("openConsoleFile"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 0, 10, 6);
    layout->setSpacing(2);
    layout->addWidget(m_view, 1);
    layout->addWidget(m_open, 0, Qt::AlignRight);
    m_timer.setSingleShot(true);
    m_timer.setInterval(kFlushInterval);
    connect(&m_timer, &QTimer::timeout, this, &ConsolePanel::flush);
    connect(m_open, &QPushButton::clicked, this, [this] {
        QDesktopServices::openUrl(QUrl::fromLocalFile(QString::fromStdString(m_file.string())));
    });
    setFile({});
}

void ConsolePanel::setFile(const std::filesystem::path& console_log)
{
    m_file = console_log;
    m_open->setVisible(!console_log.empty());
}

void ConsolePanel::append(const LogLine& line)
{
    const QString level = line.level == "info"
        ? QString()
        : QString::fromStdString(line.level) + QStringLiteral(": ");
    if (!m_pending.isEmpty())
        m_pending += QLatin1Char('\n');
    m_pending += level + shownText(line.text);
    if (m_pending.size() > 2 * kPendingKept)
        m_pending = m_pending.right(kPendingKept);
    if (!m_timer.isActive())
        m_timer.start();
}

void ConsolePanel::clear()
{
    m_timer.stop();
    m_pending.clear();
    m_view->clear();
}

void ConsolePanel::flush()
{
    m_view->appendText(m_pending.right(kPendingKept));
    m_pending.clear();
}

} // namespace zen::ui
