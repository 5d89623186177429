#pragma once

#include <QWidget>

class QVBoxLayout;

namespace zen::ui {

class PlainLabel;

/// What a page shows when it has nothing to show: an icon, what this place is for, what to do, and
/// perhaps a button.
class EmptyState : public QWidget {
    Q_OBJECT
public:
    EmptyState(
        const QString& icon, const QString& title, const QString& text, QWidget* parent = nullptr);

    void setTexts(const QString& title, const QString& text);
    void addAction(QWidget* button);

protected:
    void changeEvent(QEvent* event) override;

private:
    void applyIcon();

    QString m_icon;
    QVBoxLayout* m_layout = nullptr;
    PlainLabel* m_picture = nullptr;
    PlainLabel* m_title = nullptr;
    PlainLabel* m_text = nullptr;
};

} // namespace zen::ui
