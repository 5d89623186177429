#pragma once

#include "core/config/tiers.h"

#include <QDialog>

namespace zen::ui {

/// Says where the weights of a tier were looked for and how to get them, with the command to copy.
class WeightsDialog : public QDialog {
    Q_OBJECT
public:
    WeightsDialog(const Tier& tier, const QString& help, QWidget* parent);
};

} // namespace zen::ui
