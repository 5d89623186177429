#pragma once

#include <QString>

#include <initializer_list>

class QWidget;

namespace zen::ui {

/// A question with its answers as buttons, the last one filled; plain text throughout. Returns the
/// index of the answer, -1 for Escape.
int ask(QWidget* parent, const QString& title, const QString& text,
    std::initializer_list<QString> answers);

/// A message with one button.
void tell(QWidget* parent, const QString& title, const QString& text);

} // namespace zen::ui
