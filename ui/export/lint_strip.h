#pragma once

#include "core/base/diagnostic.h"

#include <QWidget>

class QVBoxLayout;

namespace zen::ui {

/// Under a preview: that a file is accepted, or each finding with its line and repair. A click on a
/// line number asks to see the line.
class LintStrip : public QWidget {
    Q_OBJECT
public:
    explicit LintStrip(QWidget* parent = nullptr);

    /// `passed`: the words when there is no finding.
    void show(const Diagnostics& findings, const QString& passed);

    QString text() const { return m_text; } ///< all that it says

Q_SIGNALS:
    void lineChosen(int line);

private:
    void addRow(const Diagnostic& finding);

    QVBoxLayout* m_rows = nullptr;
    QWidget* m_body = nullptr;
    QString m_text;
};

} // namespace zen::ui
