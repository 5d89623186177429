#pragma once

#include "ui/shell/theme.h"

#include <QFrame>

class QHBoxLayout;
class QVBoxLayout;

namespace zen::ui {

class PlainLabel;

/// A panel with 10 px corners and a hairline. With a title it has a row: dot, title, subtitle, …
/// right side.
class Card : public QFrame {
    Q_OBJECT
public:
    explicit Card(QWidget* parent = nullptr);
    explicit Card(const QString& title, QWidget* parent = nullptr);

    void setTitle(const QString& title);
    void setSubtitle(const QString& subtitle);
    void setDot(ThemeColor color); ///< a metric's colour before the title
    void setTitleRule(bool visible); ///< a hairline below the title row
    void setFill(ThemeColor color); ///< panel unless told otherwise
    void addTitleWidget(QWidget* widget); ///< to the right end of the title row

    /// Where the content goes. Margins 14 by default; a table or a text view sets them to 0 and
    /// keeps its corners.
    QVBoxLayout* body() const { return m_body; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void ensureTitleRow();

    QVBoxLayout* m_outer = nullptr;
    QVBoxLayout* m_body = nullptr;
    QWidget* m_title_row = nullptr;
    QHBoxLayout* m_title_layout = nullptr;
    QWidget* m_dot = nullptr;
    PlainLabel* m_title = nullptr;
    PlainLabel* m_subtitle = nullptr;
    ThemeColor m_fill = &Theme::panel;
    bool m_rule = false;
};

/// A filled circle of 8 px in a theme colour.
class Dot : public QWidget {
    Q_OBJECT
public:
    explicit Dot(ThemeColor color, QWidget* parent = nullptr);
    void setColor(ThemeColor color);
    QSize sizeHint() const override { return { 9, 9 }; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    ThemeColor m_color;
};

} // namespace zen::ui
