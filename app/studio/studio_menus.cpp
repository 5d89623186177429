#include "app/studio/studio_window.h"
#include "ui/form/configure_page.h"
#include "ui/form/recent_files.h"
#include "ui/shell/ask.h"

#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QDesktopServices>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenuBar>
#include <QSettings>
#include <QUrl>

namespace zen::ui {

namespace {

/// The seed's resources; GRPO is cited from the paper that introduced it.
constexpr struct {
    const char* text;
    const char* url;
} kResources[] = {
    { QT_TRANSLATE_NOOP("Help", "GSPO paper (arXiv 2507.18071)"),
        "https://arxiv.org/abs/2507.18071" },
    { QT_TRANSLATE_NOOP("Help", "GRPO paper (arXiv 2402.03300)"),
        "https://arxiv.org/abs/2402.03300" },
    { QT_TRANSLATE_NOOP("Help", "Qwen3 documentation"), "https://github.com/QwenLM/Qwen" },
    { QT_TRANSLATE_NOOP("Help", "Zoo Labs Foundation"), "https://zoo.ngo" },
    { QT_TRANSLATE_NOOP("Help", "Gym documentation"), "https://github.com/zooai/gym" },
};

} // namespace

void StudioWindow::addMenus()
{
    addFileMenu();
    addEditMenu();
    addRunMenu();
    addViewMenu();
    addHelpMenu();
}

void StudioWindow::addFileMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    menu->addAction(tr("&New"), QKeySequence::New, this, [this] {
        if (!mayLoseEdits())
            return;
        m_config.startFrom(QString(), QStringLiteral("untitled.yaml"));
        showPage(PageId::configure);
    });
    menu->addAction(tr("&Open…"), QKeySequence::Open, this, &StudioWindow::openDialog);
    m_recent = menu->addMenu(tr("Open &recent"));
    connect(m_recent, &QMenu::aboutToShow, this, &StudioWindow::fillRecentFiles);
    menu->addAction(tr("Open a r&un folder…"), this, [this] {
        const QString folder = QFileDialog::getExistingDirectory(
            this, tr("Open a run folder"), QStringLiteral("runs"));
        if (!folder.isEmpty())
            showRunFolder(folder);
    });
    menu->addSeparator();
    menu->addAction(tr("&Save"), QKeySequence::Save, this, &StudioWindow::save);
    menu->addAction(tr("Save &as…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S), this,
        &StudioWindow::saveAs);
    QAction* revert = menu->addAction(tr("Re&vert"), this, [this] { m_config.revert(); });
    connect(menu, &QMenu::aboutToShow, revert,
        [this, revert] { revert->setEnabled(m_config.isDirty()); });
    menu->addSeparator();
    menu->addAction(tr("&Export"), QKeySequence(Qt::CTRL | Qt::Key_E), this,
        [this] { showPage(PageId::export_config); });
    menu->addSeparator();
    menu->addAction(tr("&Quit"), QKeySequence(Qt::CTRL | Qt::Key_Q), this, &QWidget::close);
}

void StudioWindow::fillRecentFiles()
{
    m_recent->clear();
    for (const QString& path : recentFiles(m_settings)) {
        QString label = path;
        QAction* action = m_recent->addAction(label.replace(QLatin1Char('&'), QStringLiteral("&&")),
            this, [this, path] { openFile(path); });
        action->setEnabled(QFileInfo::exists(path));
    }
    if (m_recent->isEmpty())
        m_recent->addAction(tr("No files yet"))->setEnabled(false);
}

void StudioWindow::addEditMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Edit"));
    QAction* undo = menu->addAction(
        tr("&Undo"), QKeySequence::Undo, &m_config.undoStack(), &QUndoStack::undo);
    QAction* redo = menu->addAction(
        tr("&Redo"), QKeySequence::Redo, &m_config.undoStack(), &QUndoStack::redo);
    const auto label = [this, undo, redo] {
        const QUndoStack& stack = m_config.undoStack();
        undo->setEnabled(stack.canUndo());
        redo->setEnabled(stack.canRedo());
        undo->setText(stack.canUndo() ? tr("&Undo %1").arg(stack.undoText()) : tr("&Undo"));
        redo->setText(stack.canRedo() ? tr("&Redo %1").arg(stack.redoText()) : tr("&Redo"));
    };
    connect(&m_config.undoStack(), &QUndoStack::indexChanged, this, label);
    label();
    menu->addSeparator();
    menu->addAction(tr("&Copy the YAML"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), this,
        [this] { QGuiApplication::clipboard()->setText(m_config.text()); });
    menu->addSeparator();
    menu->addAction(tr("&Find a field"), QKeySequence::Find, this, [this] {
        showPage(PageId::configure);
        m_configure_page->focusSearch();
    });
}

void StudioWindow::addRunMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Run"));
    m_start_action = menu->addAction(tr("&Start training"), QKeySequence(Qt::CTRL | Qt::Key_R),
        m_configure_page, &ConfigurePage::start);
    m_pause_action = menu->addAction(
        tr("&Pause"), QKeySequence(Qt::CTRL | Qt::Key_P), this, &StudioWindow::pauseOrResume);
    m_stop_action = menu->addAction(
        tr("S&top"), QKeySequence(Qt::CTRL | Qt::Key_Period), &m_training, &TrainingSession::stop);
    menu->addSeparator();
    m_save_now_action
        = menu->addAction(tr("Save a &checkpoint now"), &m_training, &TrainingSession::saveNow);
    m_sample_action = menu->addAction(
        tr("Keep all completions of this &step"), &m_training, &TrainingSession::sampleNow);
}

void StudioWindow::refreshRunActions()
{
    const TrainingSession::State state = m_training.state();
    const bool active = m_training.isActive();
    m_start_action->setEnabled(!active);
    m_pause_action->setEnabled(
        state == TrainingSession::State::running || state == TrainingSession::State::paused);
    m_pause_action->setText(state == TrainingSession::State::paused ? tr("&Resume") : tr("&Pause"));
    m_stop_action->setEnabled(active);
    m_save_now_action->setEnabled(active);
    m_sample_action->setEnabled(active);
}

void StudioWindow::addViewMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&View"));
    const PageId pages[] = { PageId::tiers, PageId::configure, PageId::data, PageId::run,
        PageId::rollouts, PageId::history, PageId::export_config, PageId::chat };
    int number = 0;
    for (const PageId id : pages) {
        ++number;
        if (const Page* shown = page(id))
            menu->addAction(shown->title(),
                QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_0 + number)), this,
                [this, id] { showPage(id); });
    }
    menu->addSeparator();
    QMenu* themes = menu->addMenu(tr("&Theme"));
    auto* group = new QActionGroup(themes);
    const std::pair<QString, ThemeMode> modes[] = { { tr("&System"), ThemeMode::system },
        { tr("&Light"), ThemeMode::light }, { tr("&Dark"), ThemeMode::dark } };
    for (const auto& [text, mode] : modes) {
        QAction* action = themes->addAction(text, this, [this, chosen = mode] {
            m_themes.setMode(chosen);
            m_settings.setValue(QStringLiteral("theme"), static_cast<int>(chosen));
        });
        action->setCheckable(true);
        action->setChecked(m_themes.mode() == mode);
        group->addAction(action);
    }
    const auto zoom = [this](double factor) {
        m_themes.setZoom(factor);
        m_settings.setValue(QStringLiteral("zoom"), m_themes.zoom());
    };
    menu->addAction(tr("&Larger text"), QKeySequence::ZoomIn, this,
        [this, zoom] { zoom(m_themes.zoom() + 0.1); });
    menu->addAction(tr("S&maller text"), QKeySequence::ZoomOut, this,
        [this, zoom] { zoom(m_themes.zoom() - 0.1); });
    menu->addAction(
        tr("&Normal text"), QKeySequence(Qt::CTRL | Qt::Key_0), this, [zoom] { zoom(1.0); });
    menu->addSeparator();
    menu->addAction(tr("&Full screen"), QKeySequence(Qt::Key_F11), this,
        [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
    menu->addAction(tr("&Reset layout"), this, &StudioWindow::resetLayout);
}

void StudioWindow::resetLayout()
{
    setWindowState(Qt::WindowNoState);
    resize(1280, 800);
    m_themes.setZoom(1.0);
    for (const char* key : { "window/geometry", "window/page", "zoom" })
        m_settings.remove(QLatin1String(key));
}

void StudioWindow::addHelpMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Help"));
    for (const auto& resource : kResources)
        menu->addAction(QCoreApplication::translate("Help", resource.text), this,
                [url = QString::fromLatin1(resource.url)] { QDesktopServices::openUrl(QUrl(url)); })
            ->setStatusTip(QString::fromLatin1(resource.url));
    menu->addSeparator();
    menu->addAction(tr("&About Zen Studio"), this, &StudioWindow::showAbout);
}

void StudioWindow::showAbout()
{
    tell(this, tr("Zen Studio %1").arg(QApplication::applicationVersion()),
        tr("Fine-tunes Qwen3-family models by GSPO and GRPO, on this machine.\n\n"
           "Free software under the GNU General Public License, version 3 or later. It comes with "
           "no warranty.\n\n"
           "Zen models: Zoo Labs Foundation, https://zoo.ngo. Built with Qt %1, QCustomPlot, "
           "libtorch, yaml-cpp, spdlog, RE2, PCRE2 and SQLite.")
            .arg(QLatin1String(qVersion())));
}

} // namespace zen::ui
