#include "ui/history/history_page.h"

#include "ui/history/history_table.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/plain_label.h"

#include <QDesktopServices>
#include <QPushButton>
#include <QStackedWidget>
#include <QUrl>
#include <QVBoxLayout>

namespace zen::ui {

HistoryPage::HistoryPage(std::function<std::filesystem::path()> runs_root, QWidget* parent)
    : Page(PageId::history, tr("History"), QStringLiteral("history"), parent)
    , m_runs_root(std::move(runs_root))
    , m_stack(new QStackedWidget(this))
    , m_table(new HistoryTable)
    , m_where(new PlainLabel({}, this))
    , m_open(filledButton(tr("Open run"), QStringLiteral("run"), this))
    , m_rollouts(plainButton(tr("Rollouts"), {}, this))
    , m_resume(plainButton(tr("Resume"), {}, this))
    , m_folder(plainButton(tr("Show folder"), {}, this))
    , m_export(plainButton(tr("Export model…"), {}, this))
{
    setObjectName(QStringLiteral("historyPage"));
    m_open->setObjectName(QStringLiteral("openRun"));
    m_resume->setObjectName(QStringLiteral("resumeOldRun"));
    m_export->setObjectName(QStringLiteral("exportOldRun"));
    auto* title = new PlainLabel(tr("History"), this);
    title->setType(19, QFont::DemiBold);
    m_where->setType(11)->setTone(Tone::muted)->setElided(Qt::ElideMiddle);

    auto* empty = new EmptyState(QStringLiteral("history"), tr("No runs yet"),
        tr("Every run is kept with its settings, curves and completions, and stands here "
           "afterwards."),
        this);
    auto* choose = filledButton(tr("Choose a tier"), QStringLiteral("tiers"), this);
    connect(choose, &QPushButton::clicked, this, &HistoryPage::tiersRequested);
    empty->addAction(choose);
    auto* card = new Card(this);
    card->body()->setContentsMargins(6, 2, 6, 6);
    card->body()->addWidget(m_table);
    m_stack->addWidget(empty);
    m_stack->addWidget(card);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 16, 18, 12);
    layout->setSpacing(4);
    layout->addWidget(title);
    layout->addWidget(m_where);
    layout->addSpacing(8);
    layout->addWidget(m_stack, 1);
    setStripActions(actionRow({ m_folder, m_rollouts, m_export, m_resume, m_open }, this));

    connect(m_table, &HistoryTable::runChosen, this, &HistoryPage::showButtons);
    connect(
        m_table, &HistoryTable::opened, this, [this] { Q_EMIT openRequested(currentFolder()); });
    connect(m_open, &QPushButton::clicked, this, [this] { Q_EMIT openRequested(currentFolder()); });
    connect(m_rollouts, &QPushButton::clicked, this,
        [this] { Q_EMIT rolloutsRequested(currentFolder()); });
    connect(
        m_resume, &QPushButton::clicked, this, [this] { Q_EMIT resumeRequested(currentFolder()); });
    connect(
        m_export, &QPushButton::clicked, this, [this] { Q_EMIT exportRequested(currentFolder()); });
    connect(m_folder, &QPushButton::clicked, this,
        [this] { QDesktopServices::openUrl(QUrl::fromLocalFile(currentFolder())); });
    showButtons();
}

void HistoryPage::refresh()
{
    const std::filesystem::path root = m_runs_root();
    m_scan.start([root](std::stop_token) { return scanRuns(root); },
        [this, root](std::vector<RunRecord> runs) {
            const auto count = static_cast<int>(runs.size());
            const QString folder = shownLine(root.string(), 200);
            m_where->setText(count == 1 ? tr("1 run in %1").arg(folder)
                                        : tr("%1 runs in %2").arg(count).arg(folder));
            m_stack->setCurrentIndex(count == 0 ? 0 : 1);
            m_table->setRuns(std::move(runs));
            setStripMessage(
                count == 0 ? tr("No runs yet") : tr("Open a run to see its curves again"));
        });
}

QString HistoryPage::currentFolder() const
{
    const RunRecord* run = m_table->current();
    return run ? QString::fromStdString(run->folder.string()) : QString();
}

void HistoryPage::showButtons()
{
    const RunRecord* run = m_table->current();
    const QString none = tr("Choose a run first");
    const QString damaged = tr("This run's files are damaged");
    const bool sound = run && !run->damaged;
    setEnabledOr(m_open, sound, run ? damaged : none);
    setEnabledOr(m_rollouts, sound, run ? damaged : none);
    setEnabledOr(m_folder, run != nullptr, none);
    const bool is_running = run && run->status == "running";
    setEnabledOr(m_export, run && !is_running && holdsWeights(run->folder),
        !run             ? none
            : is_running ? tr("The run goes on; its weights are written when it ends")
                         : tr("This run has left neither an adapter nor a model"),
        tr("Write what it has learnt as files for other programs"));
    const bool complete = run && run->status == "completed";
    setEnabledOr(m_resume, sound && !complete,
        !run           ? none
            : complete ? tr("This run is complete")
                       : damaged,
        tr("Go on from its newest checkpoint"));
}

} // namespace zen::ui
