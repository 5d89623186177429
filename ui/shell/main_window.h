#pragma once

#include "ui/shell/page.h"

#include <QMainWindow>

#include <functional>

class QStackedWidget;

namespace zen::ui {

class Rail;
class RunStrip;

/// The frame: menu bar, rail of pages, one page at a time, the strip. It knows nothing of what the
/// pages do.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(QWidget* parent = nullptr);
    ~MainWindow() override;

    void addPage(Page* page); ///< in the order of the rail; the window owns it
    Page* page(PageId id) const; ///< nullptr before it was added
    Page* currentPage() const;
    void showPage(PageId id); ///< does nothing for a page that was not added

    RunStrip& strip() const { return *m_strip; }

    /// Asked before the window closes; false keeps it open. Unset: it may close.
    void setMayClose(std::function<bool()> may_close) { m_may_close = std::move(may_close); }

Q_SIGNALS:
    void pageShown(zen::ui::Page* page);
    void filesDropped(const QStringList& paths); ///< local files and folders

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    Rail* m_rail = nullptr;
    QStackedWidget* m_pages = nullptr;
    RunStrip* m_strip = nullptr;
    std::function<bool()> m_may_close;
};

} // namespace zen::ui
