#include "ui/shell/studio_style.h"

#include <QAbstractSpinBox>
#include <QGuiApplication>
#include <QPainter>
#include <QStyleOption>
#include <QWidget>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr double kControlRadius = 7;

bool isProperty(const QWidget* widget, const char* name)
{
    return widget && widget->property(name).toBool();
}

QColor mixed(const QColor& from, const QColor& to, double share)
{
    return QColor::fromRgbF(static_cast<float>(from.redF() + (to.redF() - from.redF()) * share),
        static_cast<float>(from.greenF() + (to.greenF() - from.greenF()) * share),
        static_cast<float>(from.blueF() + (to.blueF() - from.blueF()) * share));
}

} // namespace

void paintRounded(
    QPainter& painter, const QRectF& rect, double radius, const QColor& fill, const QColor& border)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(border.isValid() ? QPen(border, 1) : QPen(Qt::NoPen));
    painter.setBrush(fill.isValid() ? QBrush(fill) : QBrush(Qt::NoBrush));
    const double inset = border.isValid() ? 0.5 : 0;
    painter.drawRoundedRect(
        rect.adjusted(inset, inset, -inset, -inset), radius - inset, radius - inset);
    painter.restore();
}

void paintFocusRing(QPainter& painter, const QRectF& rect, double radius, const Theme& theme)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(theme.accent, 2));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius - 1, radius - 1);
    painter.restore();
}

void paintChevron(
    QPainter& painter, const QRectF& rect, Qt::ArrowType direction, const QColor& color)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(color, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.translate(rect.center());
    painter.rotate(direction == Qt::UpArrow ? 180
            : direction == Qt::RightArrow   ? -90
            : direction == Qt::LeftArrow    ? 90
                                            : 0);
    painter.drawPolyline(QPolygonF{ { -3.5, -1.75 }, { 0, 1.75 }, { 3.5, -1.75 } });
    painter.restore();
}

void StudioStyle::drawField(
    QPainter& painter, const QRect& rect, const QStyleOption& option, const QWidget* widget) const
{
    const bool enabled = option.state & State_Enabled;
    const bool read_only = option.state & State_ReadOnly;
    const bool focused = enabled && (option.state & State_HasFocus);
    QColor border = m_theme.line;
    if (option.state & State_MouseOver && enabled && !read_only)
        border = mixed(m_theme.line, m_theme.muted, 0.5);
    const QString state = widget ? widget->property("state").toString() : QString();
    if (state == QLatin1String("error"))
        border = m_theme.error;
    else if (state == QLatin1String("warning"))
        border = m_theme.warning;
    paintRounded(painter, rect, kControlRadius,
        enabled && !read_only ? m_theme.panel : m_theme.sunken, border);
    if (focused) {
        Theme ring = m_theme;
        if (!state.isEmpty())
            ring.accent = border;
        paintFocusRing(painter, rect, kControlRadius, ring);
    }
}

void StudioStyle::drawButton(
    QPainter& painter, const QStyleOption& option, const QWidget* widget) const
{
    const bool enabled = option.state & State_Enabled;
    const bool over = enabled && (option.state & State_MouseOver);
    const bool down = option.state & (State_Sunken | State_On);
    QColor fill = m_theme.panel;
    QColor border = m_theme.line;
    if (isProperty(widget, "filled")) {
        fill = enabled ? m_theme.accent : m_theme.track;
        if (down || over)
            fill = mixed(
                fill, m_theme.is_dark ? QColor(Qt::white) : QColor(Qt::black), down ? 0.18 : 0.08);
        border = QColor();
    } else if (isProperty(widget, "inline")) {
        fill = border = QColor();
    } else if (isProperty(widget, "quiet")) {
        fill = down || over ? m_theme.accent_tint : QColor();
        border = QColor();
    } else {
        if (down)
            fill = m_theme.accent_tint;
        else if (over)
            fill = m_theme.sunken;
        if (!enabled)
            fill = QColor();
        if (option.state & State_On)
            border = m_theme.accent;
    }
    paintRounded(painter, option.rect, kControlRadius, fill, border);
}

QColor StudioStyle::toneColor(const QWidget* widget) const
{
    const QString tone = widget ? widget->property("tone").toString() : QString();
    return tone == QLatin1String("error")  ? m_theme.error
        : tone == QLatin1String("warning") ? m_theme.warning_text
                                           : m_theme.accent_text;
}

void StudioStyle::drawButtonLabel(
    QPainter& painter, const QStyleOption& option, const QWidget* widget) const
{
    const auto* button = qstyleoption_cast<const QStyleOptionButton*>(&option);
    if (!button)
        return;
    const bool enabled = option.state & State_Enabled;
    QColor color = enabled ? m_theme.ink : m_theme.muted;
    if (isProperty(widget, "filled") && enabled)
        color = m_theme.on_accent;
    else if (isProperty(widget, "quiet") && enabled)
        color = toneColor(widget);
    const QSize icon_size = button->icon.isNull() ? QSize(0, 0) : button->iconSize;
    const int gap = button->icon.isNull() || button->text.isEmpty() ? 0 : 7;
    const bool has_menu = button->features & QStyleOptionButton::HasMenu;
    const int room = option.rect.width() - 20 - icon_size.width() - gap;
    QString text = button->text;
    int text_width = option.fontMetrics.size(Qt::TextShowMnemonic, text).width();
    if (isProperty(widget, "leading") && text_width > room) {
        text = option.fontMetrics.elidedText(text, Qt::ElideRight, room);
        text_width = room;
    }
    const int total = icon_size.width() + gap + text_width + (has_menu ? 16 : 0);
    int x = option.rect.left() + (option.rect.width() - total) / 2;
    if (isProperty(widget, "leading"))
        x = option.rect.left() + 10;
    else if (isProperty(widget, "inline"))
        x = option.rect.left();
    if (!button->icon.isNull()) {
        const qreal ratio = painter.device()->devicePixelRatioF();
        QPixmap pixmap = button->icon.pixmap(icon_size, ratio);
        QPainter tint(&pixmap);
        tint.setCompositionMode(QPainter::CompositionMode_SourceIn);
        tint.fillRect(pixmap.rect(), color);
        tint.end();
        painter.drawPixmap(x, option.rect.center().y() - icon_size.height() / 2 + 1, pixmap);
        x += icon_size.width() + gap;
    }
    painter.setPen(color);
    QFont font = widget ? widget->font() : m_theme.text();
    font.setUnderline(isProperty(widget, "inline"));
    painter.setFont(font);
    const QRect text_rect(x, option.rect.top(), text_width + 1, option.rect.height());
    painter.drawText(text_rect, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextShowMnemonic, text);
    if (has_menu)
        paintChevron(painter,
            QRectF(x + text_width + 6, option.rect.top(), 10, option.rect.height() + 1),
            Qt::DownArrow, m_theme.muted);
}

void StudioStyle::drawCheckBox(QPainter& painter, const QStyleOption& option, bool round) const
{
    const bool enabled = option.state & State_Enabled;
    const bool on = option.state & State_On;
    const QRectF rect = QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5);
    const QColor fill = !on ? m_theme.panel : enabled ? m_theme.accent : m_theme.muted;
    paintRounded(painter, rect, round ? rect.height() / 2 : 4, fill,
        on ? fill : mixed(m_theme.line, m_theme.muted, 0.6));
    if (option.state & State_HasFocus)
        paintFocusRing(painter, rect, round ? rect.height() / 2 : 4, m_theme);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    const double unit = rect.width() / 15.0;
    painter.translate(rect.center());
    painter.scale(unit, unit);
    if (on && round) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_theme.on_accent);
        painter.drawEllipse(QPointF(0, 0), 3, 3);
    } else if (on || option.state & State_NoChange) {
        const QColor color = on ? m_theme.on_accent : m_theme.muted;
        painter.setPen(QPen(color, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        if (on)
            painter.drawPolyline(QPolygonF{ { -3.6, 0.2 }, { -1.0, 2.8 }, { 3.8, -2.6 } });
        else
            painter.drawLine(QPointF(-3, 0), QPointF(3, 0));
    }
    painter.restore();
}

void StudioStyle::drawTab(
    QPainter& painter, const QStyleOption& option, const QWidget* widget) const
{
    const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(&option);
    if (!tab)
        return;
    const bool selected = option.state & State_Selected;
    painter.setFont(m_theme.text(13, selected ? QFont::DemiBold : QFont::Normal));
    painter.setPen(selected                  ? m_theme.accent_text
            : option.state & State_MouseOver ? m_theme.ink
                                             : m_theme.muted);
    painter.drawText(option.rect, Qt::AlignCenter | Qt::TextShowMnemonic, tab->text);
    if (selected)
        painter.fillRect(
            QRect(option.rect.left() + 10, option.rect.bottom() - 1, option.rect.width() - 20, 2),
            m_theme.accent);
    if (widget && widget->hasFocus() && selected)
        paintFocusRing(painter, option.rect.adjusted(2, 3, -2, -3), kControlRadius, m_theme);
}

void StudioStyle::drawMenuItem(
    QPainter& painter, const QStyleOption& option, const QWidget* widget) const
{
    const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(&option);
    if (!item)
        return;
    if (item->menuItemType == QStyleOptionMenuItem::Separator) {
        painter.fillRect(
            QRect(option.rect.left() + 10, option.rect.center().y(), option.rect.width() - 20, 1),
            m_theme.line);
        return;
    }
    const bool enabled = option.state & State_Enabled;
    if (enabled && option.state & State_Selected)
        paintRounded(
            painter, QRectF(option.rect).adjusted(4, 1, -4, -1), 5, m_theme.accent_tint, {});
    const QColor color = enabled ? m_theme.ink : m_theme.muted;
    if (item->checkType != QStyleOptionMenuItem::NotCheckable && item->checked) {
        painter.save();
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(QPen(m_theme.accent_text, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.translate(option.rect.left() + 18, option.rect.center().y() + 0.5);
        painter.drawPolyline(QPolygonF{ { -4, 0 }, { -1.2, 2.8 }, { 4.2, -3 } });
        painter.restore();
    }
    const QStringList parts = item->text.split(QLatin1Char('\t'));
    const QRect text = option.rect.adjusted(32, 0, -16, 0);
    painter.setFont(item->font);
    painter.setPen(color);
    const int flags = Qt::AlignVCenter
        | (styleHint(SH_UnderlineShortcut, &option, widget, nullptr) ? Qt::TextShowMnemonic
                                                                     : Qt::TextHideMnemonic);
    painter.drawText(text, flags | Qt::AlignLeft, parts.value(0));
    if (parts.size() > 1) {
        painter.setPen(m_theme.muted);
        painter.drawText(text, Qt::AlignVCenter | Qt::AlignRight, parts.value(1));
    }
    if (item->menuItemType == QStyleOptionMenuItem::SubMenu)
        paintChevron(painter,
            QRectF(option.rect.right() - 20, option.rect.top(), 10, option.rect.height()),
            Qt::RightArrow, m_theme.muted);
}

void StudioStyle::drawMenuBarItem(QPainter& painter, const QStyleOption& option) const
{
    const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(&option);
    if (!item)
        return;
    painter.fillRect(option.rect, m_theme.rail);
    if (option.state & State_Selected && option.state & State_Enabled)
        paintRounded(
            painter, QRectF(option.rect).adjusted(1, 2, -1, -2), 5, m_theme.accent_tint, {});
    painter.setFont(m_theme.text(13));
    painter.setPen(option.state & State_Enabled ? m_theme.ink : m_theme.muted);
    const bool alt
        = QGuiApplication::keyboardModifiers() & Qt::AltModifier || option.state & State_Selected;
    painter.drawText(option.rect,
        Qt::AlignCenter | (alt ? Qt::TextShowMnemonic : Qt::TextHideMnemonic), item->text);
}

void StudioStyle::drawHeader(QPainter& painter, const QStyleOption& option) const
{
    const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(&option);
    painter.fillRect(option.rect, m_theme.panel);
    if (header && header->orientation == Qt::Horizontal)
        painter.fillRect(
            QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1), m_theme.line);
}

void StudioStyle::drawComboBox(
    QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const
{
    drawField(painter, option.rect, option, widget);
    const QRect arrow = subControlRect(CC_ComboBox, &option, SC_ComboBoxArrow, widget);
    paintChevron(painter, arrow.adjusted(0, 0, -4, 0), Qt::DownArrow, m_theme.muted);
}

void StudioStyle::drawSpinBox(
    QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const
{
    drawField(painter, option.rect, option, widget);
    const auto* spin = qstyleoption_cast<const QStyleOptionSpinBox*>(&option);
    if (!spin || spin->buttonSymbols == QAbstractSpinBox::NoButtons)
        return;
    const auto paint
        = [&](SubControl part, Qt::ArrowType direction, QAbstractSpinBox::StepEnabledFlag flag) {
              const QRectF rect = subControlRect(CC_SpinBox, &option, part, widget);
              const bool active = option.activeSubControls & part && option.state & State_MouseOver;
              paintChevron(painter, rect, direction,
                  !(spin->stepEnabled & flag) ? m_theme.line
                      : active                ? m_theme.ink
                                              : m_theme.muted);
          };
    paint(SC_SpinBoxUp, Qt::UpArrow, QAbstractSpinBox::StepUpEnabled);
    paint(SC_SpinBoxDown, Qt::DownArrow, QAbstractSpinBox::StepDownEnabled);
}

void StudioStyle::drawSlider(
    QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const
{
    const auto* slider = qstyleoption_cast<const QStyleOptionSlider*>(&option);
    if (!slider)
        return;
    const QRectF handle = subControlRect(CC_Slider, &option, SC_SliderHandle, widget);
    const bool across = slider->orientation == Qt::Horizontal;
    const QRectF rect = option.rect;
    const QRectF groove = across
        ? QRectF(rect.left() + 2, rect.center().y() - 1, rect.width() - 4, 4)
        : QRectF(rect.center().x() - 1, rect.top() + 2, 4, rect.height() - 4);
    paintRounded(painter, groove, 2, m_theme.track, {});
    QRectF filled = groove;
    if (across && !slider->upsideDown)
        filled.setRight(handle.center().x());
    else if (!across)
        filled.setTop(handle.center().y());
    paintRounded(
        painter, filled, 2, option.state & State_Enabled ? m_theme.accent : m_theme.muted, {});
    const QRectF knob(handle.center().x() - 6.5, handle.center().y() - 6, 14, 14);
    paintRounded(painter, knob, 7, m_theme.panel,
        option.state & State_MouseOver ? m_theme.accent : m_theme.muted);
    if (option.state & State_HasFocus)
        paintFocusRing(painter, knob.adjusted(-1, -1, 1, 1), 8, m_theme);
}

void StudioStyle::drawScrollBar(
    QPainter& painter, const QStyleOptionComplex& option, const QWidget* widget) const
{
    const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(&option);
    if (!bar || bar->maximum <= bar->minimum)
        return;
    const QRectF slider = subControlRect(CC_ScrollBar, &option, SC_ScrollBarSlider, widget);
    const QRectF thumb = bar->orientation == Qt::Horizontal ? slider.adjusted(2, 3, -2, -3)
                                                            : slider.adjusted(3, 2, -3, -2);
    const bool active = option.state & (State_MouseOver | State_Sunken);
    paintRounded(painter, thumb, 2.5, mixed(m_theme.line, m_theme.muted, active ? 0.8 : 0.35), {});
}

} // namespace zen::ui
