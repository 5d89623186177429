#pragma once

#include <QLabel>

namespace zen::ui {

/// A label that shows text as it is, never as HTML: for anything that comes from a model, a file or an error.
class PlainLabel : public QLabel {
public:
    explicit PlainLabel(const QString& text = {}, QWidget* parent = nullptr);
};

} // namespace zen::ui
