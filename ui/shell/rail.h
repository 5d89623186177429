#pragma once

#include <QAbstractButton>
#include <QWidget>

class QButtonGroup;
class QVBoxLayout;

namespace zen::ui {

/// One entry of the rail: an icon above a word.
class RailButton : public QAbstractButton {
    Q_OBJECT
public:
    RailButton(const QString& text, const QString& icon, QWidget* parent);
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_icon;
};

/// The strip of pages on the left: mark, then one button a page. Up and Down move along it.
class Rail : public QWidget {
    Q_OBJECT
public:
    explicit Rail(QWidget* parent = nullptr);

    void addEntry(const QString& text, const QString& icon);
    void setCurrent(int index);

Q_SIGNALS:
    void chosen(int index);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QButtonGroup* m_buttons = nullptr;
    QVBoxLayout* m_layout = nullptr;
};

} // namespace zen::ui
