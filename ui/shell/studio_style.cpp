#include "ui/shell/studio_style.h"

#include "ui/shell/button.h"

#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QApplication>
#include <QComboBox>
#include <QPainter>
#include <QPainterPath>
#include <QPushButton>
#include <QScrollBar>
#include <QSlider>
#include <QStyleFactory>
#include <QStyleOption>
#include <QTabBar>
#include <QToolButton>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr int kControlHeight = 32;
constexpr int kMenuItemHeight = 30;

} // namespace

StudioStyle::StudioStyle(Theme theme)
    : QProxyStyle(QStyleFactory::create(QStringLiteral("Fusion")))
    , m_theme(std::move(theme))
{
}

void StudioStyle::polish(QWidget* widget)
{
    QProxyStyle::polish(widget);
    if (qobject_cast<QPushButton*>(widget) || qobject_cast<QComboBox*>(widget)
        || qobject_cast<QToolButton*>(widget) || qobject_cast<QTabBar*>(widget)
        || qobject_cast<QScrollBar*>(widget) || qobject_cast<QSlider*>(widget))
        widget->setAttribute(Qt::WA_Hover);
}

int StudioStyle::pixelMetric(
    PixelMetric metric, const QStyleOption* option, const QWidget* widget) const
{
    switch (metric) {
    case PM_DefaultFrameWidth: // text keeps clear of the rounded corners
        return qobject_cast<const QAbstractScrollArea*>(widget) ? 4 : 1;
    case PM_SpinBoxFrameWidth:
    case PM_ComboBoxFrameWidth:
    case PM_MenuPanelWidth:
        return 1;
    case PM_MenuVMargin:
        return 5;
    case PM_MenuHMargin:
    case PM_MenuBarItemSpacing:
        return 0;
    case PM_MenuBarPanelWidth:
        return 0;
    case PM_MenuBarHMargin:
        return 4;
    case PM_MenuBarVMargin:
        return 1;
    case PM_ButtonShiftHorizontal:
    case PM_ButtonShiftVertical:
    case PM_TabBarTabShiftVertical:
    case PM_TabBarTabShiftHorizontal:
    case PM_TabBarBaseOverlap:
    case PM_TabBarTabOverlap:
        return 0;
    case PM_ScrollBarExtent:
        return 11;
    case PM_ScrollBarSliderMin:
        return 28;
    case PM_ScrollView_ScrollBarSpacing:
        return 0;
    case PM_IndicatorWidth:
    case PM_IndicatorHeight:
    case PM_ExclusiveIndicatorWidth:
    case PM_ExclusiveIndicatorHeight:
        return m_theme.scaled(16);
    case PM_CheckBoxLabelSpacing:
    case PM_RadioButtonLabelSpacing:
        return 8;
    case PM_SliderThickness:
    case PM_SliderControlThickness:
    case PM_SliderLength:
        return 16;
    case PM_SplitterWidth:
        return 12;
    case PM_HeaderMargin:
        return 8;
    case PM_ToolTipLabelFrameWidth:
        return 8;
    case PM_SmallIconSize:
    case PM_ButtonIconSize:
        return m_theme.scaled(16);
    case PM_FocusFrameHMargin:
    case PM_FocusFrameVMargin:
        return 2;
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int StudioStyle::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
    QStyleHintReturn* result) const
{
    switch (hint) {
    case SH_EtchDisabledText:
    case SH_DitherDisabledText:
    case SH_ComboBox_Popup:
    case SH_ScrollBar_Transient:
    case SH_Menu_SloppySubMenus:
        return 0;
    case SH_ItemView_ShowDecorationSelected:
    case SH_UnderlineShortcut:
        return 1;
    case SH_ToolTip_WakeUpDelay:
        return 450;
    case SH_TabBar_Alignment:
        return Qt::AlignLeft;
    case SH_Table_GridLineColor:
        return static_cast<int>(m_theme.line.rgba());
    default:
        return QProxyStyle::styleHint(hint, option, widget, result);
    }
}

QSize StudioStyle::sizeFromContents(
    ContentsType type, const QStyleOption* option, const QSize& size, const QWidget* widget) const
{
    const int control = m_theme.scaled(kControlHeight);
    switch (type) {
    case CT_PushButton: {
        const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option);
        if (!button)
            break;
        int width = option->fontMetrics.size(Qt::TextShowMnemonic, button->text).width();
        if (!button->icon.isNull())
            width += button->iconSize.width() + (button->text.isEmpty() ? 0 : 7);
        if (button->features & QStyleOptionButton::HasMenu)
            width += 16;
        const bool quiet = widget && widget->property("quiet").toBool();
        const bool in_text = widget && widget->property("inline").toBool();
        if (in_text)
            return { width + 2, m_theme.scaled(20) };
        return { width + (button->text.isEmpty() || quiet ? 2 * kLinkPadding : 28), control };
    }
    case CT_LineEdit:
        return { size.width(), control };
    case CT_SpinBox:
        return { size.width() + 40, control };
    case CT_ComboBox:
        return { size.width() + 36, control };
    case CT_TabBarTab: {
        const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(option);
        if (!tab)
            break;
        const QFontMetrics metrics(m_theme.text(13, QFont::DemiBold));
        return { metrics.size(Qt::TextShowMnemonic, tab->text).width() + 24, m_theme.scaled(34) };
    }
    case CT_MenuItem: {
        const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option);
        if (item && item->menuItemType == QStyleOptionMenuItem::Separator)
            return { size.width(), 9 };
        const bool has_shortcut = item && item->text.contains(QLatin1Char('\t'));
        return { size.width() + 52 + (has_shortcut ? 24 : 0), m_theme.scaled(kMenuItemHeight) };
    }
    case CT_MenuBarItem:
        return { size.width() + 20, m_theme.scaled(26) };
    case CT_HeaderSection: {
        const QSize base = QProxyStyle::sizeFromContents(type, option, size, widget);
        return { base.width(), m_theme.scaled(35) };
    }
    case CT_ItemViewItem: {
        const QSize base = QProxyStyle::sizeFromContents(type, option, size, widget);
        return { base.width(), std::max(base.height(), m_theme.scaled(30)) };
    }
    default:
        break;
    }
    return QProxyStyle::sizeFromContents(type, option, size, widget);
}

QRect StudioStyle::subControlRect(ComplexControl control, const QStyleOptionComplex* option,
    SubControl sub_control, const QWidget* widget) const
{
    const QRect rect = option->rect;
    if (control == CC_ComboBox) {
        if (sub_control == SC_ComboBoxEditField)
            return visualRect(option->direction, rect, rect.adjusted(9, 1, -28, -1));
        if (sub_control == SC_ComboBoxArrow)
            return visualRect(
                option->direction, rect, QRect(rect.right() - 27, rect.top(), 28, rect.height()));
        if (sub_control == SC_ComboBoxListBoxPopup || sub_control == SC_ComboBoxFrame)
            return rect;
    }
    if (control == CC_SpinBox) {
        const int half = rect.height() / 2;
        const QRect column(rect.right() - 24, rect.top(), 24, rect.height());
        if (sub_control == SC_SpinBoxEditField)
            return rect.adjusted(7, 1, -26, -1);
        if (sub_control == SC_SpinBoxUp)
            return { column.left(), rect.top() + 1, column.width(), half - 1 };
        if (sub_control == SC_SpinBoxDown)
            return { column.left(), rect.top() + half, column.width(), half - 1 };
        return rect;
    }
    if (control == CC_ScrollBar) {
        const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(option);
        const bool across = bar && bar->orientation == Qt::Horizontal;
        const int length = across ? rect.width() : rect.height();
        if (bar && sub_control == SC_ScrollBarGroove)
            return rect;
        if (bar && (sub_control == SC_ScrollBarAddLine || sub_control == SC_ScrollBarSubLine))
            return {};
        if (bar) {
            const qint64 range = qint64(bar->maximum) - bar->minimum;
            const qint64 total = range + std::max(1, bar->pageStep);
            const int least = pixelMetric(PM_ScrollBarSliderMin, option, widget);
            int slider
                = range > 0 ? static_cast<int>(qint64(length) * bar->pageStep / total) : length;
            slider = std::clamp(slider, std::min(least, length), length);
            const int start = sliderPositionFromValue(
                bar->minimum, bar->maximum, bar->sliderPosition, length - slider, bar->upsideDown);
            const auto part = [&](int from, int size) {
                return across ? QRect(rect.left() + from, rect.top(), size, rect.height())
                              : QRect(rect.left(), rect.top() + from, rect.width(), size);
            };
            if (sub_control == SC_ScrollBarSlider)
                return part(start, slider);
            if (sub_control == SC_ScrollBarSubPage)
                return part(0, start);
            if (sub_control == SC_ScrollBarAddPage)
                return part(start + slider, length - start - slider);
        }
    }
    return QProxyStyle::subControlRect(control, option, sub_control, widget);
}

QRect StudioStyle::subElementRect(
    SubElement element, const QStyleOption* option, const QWidget* widget) const
{
    if (element == SE_LineEditContents)
        return option->rect.adjusted(8, 1, -8, -1);
    if (element == SE_ProgressBarContents || element == SE_ProgressBarGroove)
        return option->rect;
    if (element == SE_PushButtonFocusRect)
        return option->rect;
    return QProxyStyle::subElementRect(element, option, widget);
}

} // namespace zen::ui
