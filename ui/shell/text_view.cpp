#include "ui/shell/text_view.h"

#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QEvent>
#include <QScrollBar>

namespace zen::ui {

TextView::TextView(QWidget* parent)
    : QPlainTextEdit(parent)
{
    setReadOnly(true);
    setFrameShape(QFrame::NoFrame);
    setUndoRedoEnabled(false);
    setMaximumBlockCount(20000);
    document()->setDocumentMargin(12);
    viewport()->setAutoFillBackground(false);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    applyFont();
}

void TextView::showText(const QString& text)
{
    const int down = verticalScrollBar()->value(), right = horizontalScrollBar()->value();
    setPlainText(displayText(text));
    verticalScrollBar()->setValue(down);
    horizontalScrollBar()->setValue(right);
}

void TextView::appendText(const QString& text)
{
    const bool at_end = verticalScrollBar()->value() >= verticalScrollBar()->maximum() - 2;
    appendPlainText(displayText(text));
    if (at_end)
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
}

void TextView::applyFont()
{
    setFont(Theme::of(*this).mono(12));
}

void TextView::changeEvent(QEvent* event)
{
    QPlainTextEdit::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        applyFont();
}

} // namespace zen::ui
