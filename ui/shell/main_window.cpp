#include "ui/shell/main_window.h"

#include "ui/shell/icon.h"
#include "ui/shell/rail.h"
#include "ui/shell/run_strip.h"

#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QHBoxLayout>
#include <QMimeData>
#include <QStackedWidget>
#include <QUrl>

namespace zen::ui {

namespace {

QStringList localFiles(const QMimeData& data)
{
    QStringList files;
    for (const QUrl& url : data.urls())
        if (url.isLocalFile())
            files += url.toLocalFile();
    return files;
}

} // namespace

MainWindow::MainWindow(QWidget* parent)
    : QMainWindow(parent)
    , m_rail(new Rail(this))
    , m_pages(new QStackedWidget(this))
    , m_strip(new RunStrip(this))
{
    setWindowTitle(tr("Zen Studio"));
    setWindowIcon(applicationIcon());
    setAcceptDrops(true);
    setMinimumSize(900, 560);
    resize(1280, 800);

    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    right->addWidget(m_pages, 1);
    right->addWidget(m_strip);
    auto* center = new QWidget(this);
    auto* layout = new QHBoxLayout(center);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_rail);
    layout->addLayout(right, 1);
    setCentralWidget(center);

    connect(m_rail, &Rail::chosen, this, [this](int index) {
        if (auto* chosen = qobject_cast<Page*>(m_pages->widget(index)))
            showPage(chosen->id());
    });
}

MainWindow::~MainWindow() = default;

void MainWindow::addPage(Page* page)
{
    m_pages->addWidget(page);
    m_rail->addEntry(page->title(), page->icon());
    if (m_pages->count() == 1)
        showPage(page->id());
}

Page* MainWindow::page(PageId id) const
{
    for (int index = 0; index < m_pages->count(); ++index)
        if (auto* candidate = qobject_cast<Page*>(m_pages->widget(index));
            candidate && candidate->id() == id)
            return candidate;
    return nullptr;
}

Page* MainWindow::currentPage() const
{
    return qobject_cast<Page*>(m_pages->currentWidget());
}

void MainWindow::showPage(PageId id)
{
    Page* next = page(id);
    if (!next)
        return;
    next->refresh();
    m_pages->setCurrentWidget(next);
    m_rail->setCurrent(m_pages->indexOf(next));
    m_strip->showPage(next);
    Q_EMIT pageShown(next);
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_may_close && !m_may_close())
        event->ignore();
    else
        event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!localFiles(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    const QStringList files = localFiles(*event->mimeData());
    if (files.isEmpty())
        return;
    event->acceptProposedAction();
    Q_EMIT filesDropped(files);
}

} // namespace zen::ui
