#pragma once

#include <QObject>

namespace zen::ui {

/// An application-wide event filter: a wheel over a spin box, combo box or slider that does not
/// have the keyboard focus scrolls the page behind it and never changes the value.
class WheelGuard : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    bool eventFilter(QObject* watched, QEvent* event) override;
};

} // namespace zen::ui
