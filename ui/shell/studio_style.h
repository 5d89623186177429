#pragma once

#include "ui/shell/theme.h"

#include <QProxyStyle>

namespace zen::ui {

/// Draws every standard control in the studio's manner, over Fusion: hairlines, 7 px corners, no
/// gradients.
///
/// Dynamic properties it reads from widgets:
///   filled  true    the one button that a page needs next
///   quiet   true    a button without border until the pointer is over it; with `inline`:
///   underlined words within text tone    error | warning   colours a quiet button's words leading
///   true    a button whose words stand left, as in a field state   error | warning   colours a
///   field's border
class StudioStyle : public QProxyStyle {
    Q_OBJECT
public:
    explicit StudioStyle(Theme theme);

    const Theme& theme() const { return m_theme; }

    int pixelMetric(
        PixelMetric metric, const QStyleOption* option, const QWidget* widget) const override;
    int styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
        QStyleHintReturn* result) const override;
    QSize sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size,
        const QWidget* widget) const override;
    QRect subControlRect(ComplexControl control, const QStyleOptionComplex* option,
        SubControl sub_control, const QWidget* widget) const override;
    QRect subElementRect(
        SubElement element, const QStyleOption* option, const QWidget* widget) const override;
    QPalette standardPalette() const override { return m_theme.palette(); }

    void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
        const QWidget* widget) const override;
    void drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
        const QWidget* widget) const override;
    void drawComplexControl(ComplexControl control, const QStyleOptionComplex* option,
        QPainter* painter, const QWidget* widget) const override;

    using QProxyStyle::polish;
    void polish(QWidget* widget) override;

private:
    void drawField(QPainter& painter, const QRect& rect, const QStyleOption& option,
        const QWidget* widget) const;
    void drawButton(QPainter& painter, const QStyleOption& option, const QWidget* widget) const;
    QColor toneColor(const QWidget* widget) const;
    void drawButtonLabel(
        QPainter& painter, const QStyleOption& option, const QWidget* widget) const;
    void drawCheckBox(QPainter& painter, const QStyleOption& option, bool round) const;
    void drawTab(QPainter& painter, const QStyleOption& option, const QWidget* widget) const;
    void drawMenuItem(QPainter& painter, const QStyleOption& option, const QWidget* widget) const;
    void drawMenuBarItem(QPainter& painter, const QStyleOption& option) const;
    void drawHeader(QPainter& painter, const QStyleOption& option) const;
    void drawComboBox(
        QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const;
    void drawSpinBox(
        QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const;
    void drawSlider(
        QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const;
    void drawScrollBar(
        QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const;

    Theme m_theme;
};

/// Fills a rounded rectangle and strokes its 1 px border inside `rect`.
void paintRounded(
    QPainter& painter, const QRectF& rect, double radius, const QColor& fill, const QColor& border);

/// A 2 px ring in the accent colour round `rect`, for whoever has the keyboard.
void paintFocusRing(QPainter& painter, const QRectF& rect, double radius, const Theme& theme);

/// A chevron of 1.6 px strokes, centred in `rect`.
void paintChevron(
    QPainter& painter, const QRectF& rect, Qt::ArrowType direction, const QColor& color);

} // namespace zen::ui
