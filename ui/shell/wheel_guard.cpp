#include "ui/shell/wheel_guard.h"

#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QScrollBar>
#include <QWheelEvent>

namespace zen::ui {

namespace {

bool turnsWithTheWheel(const QWidget* widget)
{
    return qobject_cast<const QAbstractSpinBox*>(widget) || qobject_cast<const QComboBox*>(widget)
        || (qobject_cast<const QAbstractSlider*>(widget)
            && !qobject_cast<const QScrollBar*>(widget));
}

/// The control that a wheel event on `widget` would change; nullptr if it changes none.
QWidget* guardedControl(QWidget* widget)
{
    for (int depth = 0; widget && depth < 3; ++depth, widget = widget->parentWidget()) {
        if (turnsWithTheWheel(widget))
            return widget;
        if (widget->isWindow())
            break;
    }
    return nullptr;
}

} // namespace

bool WheelGuard::eventFilter(QObject* watched, QEvent* event)
{
    if (!watched->isWidgetType())
        return false;
    if (event->type() == QEvent::Polish) {
        auto* widget = static_cast<QWidget*>(watched);
        if (turnsWithTheWheel(widget) && widget->focusPolicy() == Qt::WheelFocus)
            widget->setFocusPolicy(Qt::StrongFocus); // the wheel itself must not give focus
        return false;
    }
    if (event->type() != QEvent::Wheel)
        return false;
    QWidget* control = guardedControl(static_cast<QWidget*>(watched));
    if (!control || control->hasFocus())
        return false;
    event->ignore(); // and it goes on to the parent
    return true;
}

} // namespace zen::ui
