// RunPage: what stands where.
#include "ui/plots/metric_plot.h"
#include "ui/run/completions_panel.h"
#include "ui/run/console_panel.h"
#include "ui/run/health_card.h"
#include "ui/run/run_banner.h"
#include "ui/run/run_page.h"
#include "ui/run/run_plots.h"
#include "ui/shell/button.h"
#include "ui/shell/empty_state.h"

#include <QDesktopServices>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabBar>
#include <QUrl>
#include <QVBoxLayout>

namespace zen::ui {

namespace {
constexpr int kGap = 12;
}

RunPage::RunPage(TrainingSession& session, QWidget* parent)
    : Page(PageId::run, tr("Run"), QStringLiteral("run"), parent)
    , m_session(session)
    , m_plots(new RunPlots(this))
    , m_start(filledButton(tr("Start training"), QStringLiteral("play"), this))
    , m_resume(plainButton(tr("Resume"), QStringLiteral("play"), this))
    , m_export(plainButton(tr("Export model…"), QStringLiteral("export"), this))
{
    setObjectName(QStringLiteral("runPage"));
    m_start->setObjectName(QStringLiteral("startRun"));
    m_resume->setObjectName(QStringLiteral("resumeRun"));
    m_resume->hide();
    m_export->setObjectName(QStringLiteral("exportRun"));
    m_export->setToolTip(tr("Write what it has learnt as files for other programs"));
    m_export->hide();
    connect(m_export, &QPushButton::clicked, this,
        [this] { Q_EMIT exportRequested(QString::fromStdString(m_folder.string())); });
    connect(m_start, &QPushButton::clicked, this, &RunPage::startRequested);
    connect(m_resume, &QPushButton::clicked, this,
        [this] { Q_EMIT resumeRequested(QString::fromStdString(m_folder.string())); });
    setStripActions(actionRow({ m_export, m_resume, m_start }, this));
    setStripMessage(tr("No run yet"));

    m_stack = new QStackedWidget(this);
    m_stack->addWidget(buildEmpty());
    m_stack->addWidget(buildContent());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 14, 18, 12);
    layout->addWidget(m_stack);
    connectSession();
}

QWidget* RunPage::buildEmpty()
{
    auto* empty = new EmptyState(QStringLiteral("run"), tr("No run yet"),
        tr("Choose a tier, look over its settings and start. The starter shows a rising reward "
           "within a minute on this machine."),
        this);
    empty->setObjectName(QStringLiteral("runEmpty"));
    auto* choose = filledButton(tr("Choose a tier"), QStringLiteral("tiers"), this);
    choose->setObjectName(QStringLiteral("chooseTier"));
    connect(choose, &QPushButton::clicked, this, &RunPage::tiersRequested);
    empty->addAction(choose);
    return empty;
}

QWidget* RunPage::buildContent()
{
    auto* content = new QWidget(this);
    m_header = new RunHeader(content);
    m_banner = new RunBanner(content);
    connect(m_header, &RunHeader::smoothingChanged, &m_plots->group(), &PlotGroup::setSmoothing);
    connect(m_header, &RunHeader::xAxisChosen, &m_plots->group(), &PlotGroup::setXAxis);
    connect(m_header, &RunHeader::followRequested, &m_plots->group(), &PlotGroup::follow);
    connect(m_header, &RunHeader::overlayChosen, this, &RunPage::showOverlay);
    connect(m_header, &RunHeader::exportPlotsRequested, this, &RunPage::exportPlots);
    connect(m_header, &RunHeader::saveNowRequested, &m_session, &TrainingSession::saveNow);
    connect(m_header, &RunHeader::folderRequested, this, [this] {
        QDesktopServices::openUrl(QUrl::fromLocalFile(QString::fromStdString(m_folder.string())));
    });
    connect(&m_plots->group(), &PlotGroup::followingChanged, m_header, &RunHeader::setFollowing);
    connect(&m_plots->group(), &PlotGroup::stepPicked, this, [this](qint64 step) {
        Q_EMIT rolloutsRequested(
            m_live ? QString() : QString::fromStdString(m_folder.string()), step);
    });
    connect(m_banner, &RunBanner::resumeRequested, this,
        [this] { Q_EMIT resumeRequested(QString::fromStdString(m_folder.string())); });
    connect(m_banner, &RunBanner::consoleRequested, this,
        [this] { m_tabs->setCurrentIndex(m_tabs->count() - 1); });

    auto* pair = new QWidget(content);
    auto* pair_layout = new QHBoxLayout(pair);
    pair_layout->setContentsMargins(0, 0, 0, 0);
    pair_layout->setSpacing(kGap);
    pair_layout->addWidget(m_plots->perplexity());
    pair_layout->addWidget(m_plots->loss());

    auto* bottom = new QWidget(content);
    auto* bottom_layout = new QHBoxLayout(bottom);
    bottom_layout->setContentsMargins(0, 0, 0, 0);
    bottom_layout->setSpacing(kGap);
    m_health = new HealthCard(bottom);
    bottom_layout->addWidget(buildDetails(), 58);
    bottom_layout->addWidget(m_health, 42);

    m_splitter = new QSplitter(Qt::Vertical, content);
    m_splitter->setObjectName(QStringLiteral("runSplitter"));
    m_splitter->setHandleWidth(kGap);
    m_splitter->setChildrenCollapsible(false);
    m_splitter->addWidget(m_plots->reward());
    m_splitter->addWidget(pair);
    m_splitter->addWidget(bottom);
    for (int i = 0; i < 3; ++i)
        m_splitter->setStretchFactor(i, i == 0 ? 13 : i == 1 ? 10 : 9);
    m_splitter->setSizes({ 265, 205, 184 });

    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kGap);
    layout->addWidget(m_header);
    layout->addWidget(m_banner);
    layout->addWidget(m_splitter, 1);
    return content;
}

/// Newest completions, the further metrics and the console share one card, behind tabs.
QWidget* RunPage::buildDetails()
{
    auto* card = new Card;
    m_tabs = new QTabBar(card);
    m_tabs->setObjectName(QStringLiteral("runTabs"));
    m_tabs->setAccessibleName(tr("Details"));
    m_tabs->setExpanding(false);
    m_tabs->setDrawBase(false);
    m_details = new QStackedWidget(card);
    m_completions = new CompletionsPanel(card);
    m_console = new ConsolePanel(card);
    m_sample = linkButton(tr("show this step"), card);
    m_sample->setObjectName(QStringLiteral("sampleNow"));
    m_sample->setToolTip(tr("Publish all completions of the step that is going on"));
    m_sample->hide();

    m_tabs->addTab(tr("Completions"));
    m_details->addWidget(m_completions);
    for (MetricPlot* plot : m_plots->others()) {
        m_tabs->addTab(plot->description().title);
        plot->setFrame(false);
        m_details->addWidget(plot);
    }
    m_tabs->addTab(tr("Console"));
    m_details->addWidget(m_console);

    auto* top = new QHBoxLayout;
    top->setContentsMargins(4, 2, 8, 0);
    top->addWidget(m_tabs, 1);
    top->addWidget(m_sample);
    card->body()->setContentsMargins(0, 0, 0, 0);
    card->body()->setSpacing(2);
    card->body()->addLayout(top);
    card->body()->addWidget(m_details, 1);
    connect(m_tabs, &QTabBar::currentChanged, m_details, &QStackedWidget::setCurrentIndex);
    connect(m_sample, &QPushButton::clicked, &m_session, &TrainingSession::sampleNow);
    connect(m_completions, &CompletionsPanel::openRequested, this, [this](qint64 step) {
        Q_EMIT rolloutsRequested(
            m_live ? QString() : QString::fromStdString(m_folder.string()), step);
    });
    return card;
}

/// One file a plot: name-<metric>.png beside the chosen name.
void RunPage::exportPlots(const QString& suffix)
{
    const QString folder
        = QFileDialog::getExistingDirectory(this, tr("Choose a folder for the plots"));
    if (folder.isEmpty())
        return;
    for (MetricPlot* plot : m_plots->group().plots()) {
        if (plot->series().isEmpty())
            continue;
        QString name = QString::fromStdString(plot->description().metric)
                           .replace(QLatin1Char('/'), QLatin1Char('-'));
        const auto path = std::filesystem::path(folder.toStdString())
            / (name + QLatin1Char('.') + suffix).toStdString();
        if (const auto saved = plot->save(path); !saved) {
            Q_EMIT loadFailed(QString::fromStdString(saved.error().message));
            return;
        }
    }
}

void RunPage::keyPressEvent(QKeyEvent* event)
{
    if (event->key() != Qt::Key_Space || !m_session.isActive())
        return Page::keyPressEvent(event);
    if (m_session.state() == TrainingSession::State::paused)
        m_session.resume();
    else
        m_session.pause();
}

QByteArray RunPage::saveLayout() const
{
    return m_splitter->saveState();
}

void RunPage::restoreLayout(const QByteArray& state)
{
    m_splitter->restoreState(state);
}

} // namespace zen::ui
