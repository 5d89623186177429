#pragma once

#include "core/base/diagnostic.h"

#include <QWidget>

namespace zen::ui {

/// What is different in the other tool: each key, and below it in words what becomes of it.
class NotesList : public QWidget {
    Q_OBJECT
public:
    explicit NotesList(QWidget* parent = nullptr);

    void show(const Diagnostics& notes);
    QString text() const { return m_text; } ///< a line a note: key: words

private:
    QWidget* m_body = nullptr;
    QString m_text;
};

} // namespace zen::ui
