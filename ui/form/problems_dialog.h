#pragma once

#include "core/base/diagnostic.h"

#include <QDialog>

namespace zen::ui {

/// True if there are errors, and all say that the plan is larger than the machine: those may be
/// overridden (force_memory).
bool onlyMemoryIsShort(const Diagnostics& problems);

/// What stands in the way of a start: each finding with its field and its repair. Errors leave only
/// the way back, but for the lack of memory; warnings can be started over.
class ProblemsDialog : public QDialog {
    Q_OBJECT
public:
    ProblemsDialog(const Diagnostics& problems, QWidget* parent);

Q_SIGNALS:
    void jumpRequested(const QString& key);
    void fixAccepted(const zen::Fix& fix);

private:
    QWidget* rowFor(const Diagnostic& problem);
};

} // namespace zen::ui
