#pragma once

#include <QWidget>

namespace zen::ui {

enum class PageId { tiers, configure, data, run, rollouts, history, export_config, chat };

/// One of the pages that the rail leads to.
class Page : public QWidget {
    Q_OBJECT
public:
    Page(PageId id, const QString& title, const QString& icon, QWidget* parent = nullptr);

    PageId id() const { return m_id; }
    const QString& title() const { return m_title; } ///< the word in the rail
    const QString& icon() const { return m_icon; } ///< a name for lineIcon()

    /// Called when the page is about to be shown: read again what may have changed on disk.
    virtual void refresh() { }

    /// Left part of the strip while no run is going on.
    const QString& stripMessage() const { return m_strip_message; }

    /// Right part of the strip while no run is going on: the page's own buttons; nullptr for none.
    /// The strip shows and hides it.
    QWidget* stripActions() const { return m_strip_actions; }

Q_SIGNALS:
    void stripMessageChanged(const QString& message);

protected:
    void setStripMessage(const QString& message);
    void setStripActions(QWidget* actions)
    {
        m_strip_actions = actions;
    } ///< once, in the constructor

private:
    PageId m_id;
    QString m_title;
    QString m_icon;
    QString m_strip_message;
    QWidget* m_strip_actions = nullptr;
};

/// A row for stripActions(): the widgets side by side, the filled button last.
QWidget* actionRow(std::initializer_list<QWidget*> widgets, QWidget* parent);

} // namespace zen::ui
