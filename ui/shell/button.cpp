#include "ui/shell/button.h"

#include "ui/shell/icon.h"
#include "ui/shell/plain_label.h"

namespace zen::ui {

namespace {

QPushButton* buttonWith(const QString& text, const QString& icon, QWidget* parent)
{
    auto* button = new QPushButton(text, parent);
    button->setAutoDefault(false);
    button->setCursor(Qt::PointingHandCursor);
    if (!icon.isEmpty())
        button->setIcon(lineIcon(icon));
    return button;
}

} // namespace

QPushButton* plainButton(const QString& text, const QString& icon, QWidget* parent)
{
    return buttonWith(text, icon, parent);
}

QPushButton* filledButton(const QString& text, const QString& icon, QWidget* parent)
{
    auto* button = buttonWith(text, icon, parent);
    button->setProperty("filled", true);
    return button;
}

QPushButton* linkButton(const QString& text, QWidget* parent)
{
    auto* button = buttonWith(text, {}, parent);
    button->setProperty("quiet", true);
    return button;
}

QPushButton* inlineButton(const QString& text, QWidget* parent)
{
    QPushButton* button = linkButton(text, parent);
    button->setProperty("inline", true);
    return button;
}

void setEnabledOr(QWidget* control, bool enabled, const QString& reason, const QString& tip)
{
    control->setEnabled(enabled);
    control->setToolTip(plainToolTip(enabled ? tip : reason));
    control->setAccessibleDescription(enabled ? tip : reason);
}

} // namespace zen::ui
