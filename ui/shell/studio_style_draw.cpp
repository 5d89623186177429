#include "ui/shell/studio_style.h"

#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QFrame>
#include <QLineEdit>
#include <QPainter>
#include <QStyleOption>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr double kDrawnRadius = 7;
constexpr int kSortArrow = 12;

} // namespace

void StudioStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option,
    QPainter* painter, const QWidget* widget) const
{
    switch (element) {
    case PE_PanelLineEdit:
        if (widget
            && (qobject_cast<QComboBox*>(widget->parentWidget())
                || qobject_cast<QAbstractSpinBox*>(widget->parentWidget())))
            return;
        if (const auto* edit = qobject_cast<const QLineEdit*>(widget); edit && !edit->hasFrame())
            return;
        drawField(*painter, option->rect, *option, widget);
        return;
    case PE_FrameLineEdit:
    case PE_FrameStatusBarItem:
    case PE_PanelScrollAreaCorner:
    case PE_FrameTabWidget:
    case PE_FrameTabBarBase:
    case PE_PanelMenuBar:
        return;
    case PE_FrameFocusRect:
        if (qobject_cast<const QAbstractItemView*>(widget)
            && !(option->state & State_KeyboardFocusChange))
            return;
        paintFocusRing(*painter, option->rect, kDrawnRadius, m_theme);
        return;
    case PE_PanelButtonCommand:
        drawButton(*painter, *option, widget);
        return;
    case PE_PanelButtonTool:
        if (option->state & (State_MouseOver | State_Sunken | State_On)
            && option->state & State_Enabled)
            paintRounded(*painter, option->rect, kDrawnRadius, m_theme.accent_tint, {});
        if (option->state & State_HasFocus)
            paintFocusRing(*painter, option->rect, kDrawnRadius, m_theme);
        return;
    case PE_IndicatorCheckBox:
    case PE_IndicatorItemViewItemCheck:
        drawCheckBox(*painter, *option, false);
        return;
    case PE_IndicatorRadioButton:
        drawCheckBox(*painter, *option, true);
        return;
    case PE_IndicatorArrowDown:
    case PE_IndicatorSpinDown:
        paintChevron(*painter, option->rect, Qt::DownArrow, m_theme.muted);
        return;
    case PE_IndicatorArrowUp:
    case PE_IndicatorSpinUp:
        paintChevron(*painter, option->rect, Qt::UpArrow, m_theme.muted);
        return;
    case PE_IndicatorArrowRight:
        paintChevron(*painter, option->rect, Qt::RightArrow, m_theme.muted);
        return;
    case PE_IndicatorArrowLeft:
        paintChevron(*painter, option->rect, Qt::LeftArrow, m_theme.muted);
        return;
    case PE_IndicatorHeaderArrow:
        if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option))
            paintChevron(*painter, option->rect,
                header->sortIndicator == QStyleOptionHeader::SortDown ? Qt::DownArrow : Qt::UpArrow,
                m_theme.muted);
        return;
    case PE_PanelItemViewItem:
    case PE_PanelItemViewRow: {
        const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option);
        if (item && item->backgroundBrush.style() != Qt::NoBrush)
            painter->fillRect(option->rect, item->backgroundBrush);
        if (option->state & State_Selected)
            painter->fillRect(option->rect, m_theme.accent_tint);
        else if (option->state & State_MouseOver && element == PE_PanelItemViewItem)
            painter->fillRect(option->rect, m_theme.sunken);
        return;
    }
    case PE_PanelMenu:
    case PE_FrameMenu:
    case PE_PanelTipLabel:
        painter->fillRect(option->rect, m_theme.panel);
        painter->setPen(m_theme.line);
        painter->setBrush(Qt::NoBrush);
        painter->drawRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5));
        return;
    case PE_Frame:
    case PE_FrameWindow:
    case PE_FrameGroupBox:
        if (const auto* frame = qobject_cast<const QFrame*>(widget);
            frame && frame->frameShape() == QFrame::NoFrame)
            return;
        paintRounded(*painter, option->rect, kDrawnRadius, {}, m_theme.line);
        return;
    default:
        QProxyStyle::drawPrimitive(element, option, painter, widget);
    }
}

void StudioStyle::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
    const QWidget* widget) const
{
    switch (element) {
    case CE_PushButtonBevel:
        drawButton(*painter, *option, widget);
        return;
    case CE_PushButtonLabel:
        drawButtonLabel(*painter, *option, widget);
        return;
    case CE_TabBarTabShape:
        return;
    case CE_TabBarTabLabel:
        drawTab(*painter, *option, widget);
        return;
    case CE_MenuItem:
        drawMenuItem(*painter, *option, widget);
        return;
    case CE_MenuBarItem:
        drawMenuBarItem(*painter, *option);
        return;
    case CE_MenuBarEmptyArea:
        painter->fillRect(option->rect, m_theme.rail);
        return;
    case CE_Header:
        if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option)) {
            drawControl(CE_HeaderSection, option, painter, widget);
            const int margin = proxy()->pixelMetric(PM_HeaderMargin, option, widget);
            QStyleOptionHeader part = *header;
            part.rect.adjust(margin, 0, -margin, 0);
            if (header->sortIndicator != QStyleOptionHeader::None) {
                QStyleOptionHeader arrow = part;
                arrow.rect.setLeft(part.rect.right() - kSortArrow + 1);
                drawPrimitive(PE_IndicatorHeaderArrow, &arrow, painter, widget);
                part.rect.setRight(arrow.rect.left() - 2);
            }
            drawControl(CE_HeaderLabel, &part, painter, widget);
        }
        return;
    case CE_HeaderSection:
        drawHeader(*painter, *option);
        return;
    case CE_HeaderEmptyArea:
        drawHeader(*painter, *option);
        painter->fillRect(
            QRect(option->rect.left(), option->rect.bottom(), option->rect.width(), 1),
            m_theme.line);
        return;
    case CE_HeaderLabel:
        if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option)) {
            painter->setFont(m_theme.text(11));
            painter->setPen(m_theme.muted);
            painter->drawText(option->rect,
                static_cast<int>(header->textAlignment) | Qt::AlignVCenter | Qt::TextSingleLine,
                header->text);
        }
        return;
    case CE_ProgressBarGroove:
        paintRounded(*painter, option->rect, option->rect.height() / 2.0, m_theme.track, {});
        return;
    case CE_ProgressBarContents:
        if (const auto* bar = qstyleoption_cast<const QStyleOptionProgressBar*>(option);
            bar && bar->maximum > bar->minimum) {
            const double share
                = double(bar->progress - bar->minimum) / double(bar->maximum - bar->minimum);
            QRectF filled = option->rect;
            filled.setWidth(filled.width() * std::clamp(share, 0.0, 1.0));
            painter->save();
            painter->setClipRect(filled);
            paintRounded(*painter, option->rect, option->rect.height() / 2.0, m_theme.accent, {});
            painter->restore();
        }
        return;
    case CE_ComboBoxLabel:
        if (const auto* combo = qstyleoption_cast<const QStyleOptionComboBox*>(option)) {
            const QRect field = subControlRect(CC_ComboBox, combo, SC_ComboBoxEditField, widget);
            painter->setPen(option->state & State_Enabled ? m_theme.ink : m_theme.muted);
            painter->drawText(field, Qt::AlignVCenter | Qt::AlignLeft,
                option->fontMetrics.elidedText(combo->currentText, Qt::ElideRight, field.width()));
        }
        return;
    case CE_Splitter:
        return;
    case CE_ShapedFrame:
        if (const auto* frame = qobject_cast<const QFrame*>(widget)) {
            if (frame->frameShape() == QFrame::HLine)
                painter->fillRect(
                    QRect(option->rect.left(), option->rect.center().y(), option->rect.width(), 1),
                    m_theme.line);
            else if (frame->frameShape() == QFrame::VLine)
                painter->fillRect(
                    QRect(option->rect.center().x(), option->rect.top(), 1, option->rect.height()),
                    m_theme.line);
            else if (frame->frameShape() != QFrame::NoFrame) {
                const bool scrolls = qobject_cast<const QAbstractScrollArea*>(frame);
                paintRounded(*painter, option->rect, kDrawnRadius,
                    scrolls ? m_theme.panel : QColor(), m_theme.line);
                if (scrolls && option->state & State_HasFocus)
                    paintFocusRing(*painter, option->rect, kDrawnRadius, m_theme);
            }
            return;
        }
        break;
    default:
        break;
    }
    QProxyStyle::drawControl(element, option, painter, widget);
}

void StudioStyle::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option,
    QPainter* painter, const QWidget* widget) const
{
    switch (control) {
    case CC_ComboBox:
        drawComboBox(*painter, *option, widget);
        return;
    case CC_SpinBox:
        drawSpinBox(*painter, *option, widget);
        return;
    case CC_Slider:
        drawSlider(*painter, *option, widget);
        return;
    case CC_ScrollBar:
        drawScrollBar(*painter, *option, widget);
        return;
    default:
        QProxyStyle::drawComplexControl(control, option, painter, widget);
    }
}

} // namespace zen::ui
