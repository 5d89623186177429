#include "ui/shell/wheel_guard.h"

#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QScrollBar>
#include <QWheelEvent>

namespace zen::ui {

namespace {

/// The control that a wheel event on `widget` would change; nullptr if it changes none.
QWidget* guardedControl(QWidget* widget)
{
    for (int depth = 0; widget && depth < 3; ++depth, widget = widget->parentWidget()) {
        if (qobject_cast<QAbstractSpinBox*>(widget) || qobject_cast<QComboBox*>(widget))
            return widget;
        if (qobject_cast<QAbstractSlider*>(widget) && !qobject_cast<QScrollBar*>(widget))
            return widget;
        if (widget->isWindow())
            break;
    }
    return nullptr;
}

} // namespace

bool WheelGuard::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() != QEvent::Wheel || !watched->isWidgetType())
        return false;
    QWidget* control = guardedControl(static_cast<QWidget*>(watched));
    if (!control || control->hasFocus())
        return false;
    event->ignore(); // and it goes on to the parent
    return true;
}

} // namespace zen::ui
