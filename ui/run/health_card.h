#pragma once

#include "ui/run/health.h"
#include "ui/shell/card.h"

#include <vector>

namespace zen::ui {

/// Health in plain language: a coloured dot, what is seen, and what to do about it.
class HealthCard : public Card {
    Q_OBJECT
public:
    explicit HealthCard(QWidget* parent = nullptr);

    void present(const std::vector<HealthNote>& notes);

private:
    struct Row {
        QWidget* widget;
        Dot* dot;
        PlainLabel* finding;
        PlainLabel* advice;
    };
    Row& row(std::size_t index);

    PlainLabel* m_waiting = nullptr;
    QVBoxLayout* m_rows_layout = nullptr;
    std::vector<Row> m_rows;
    std::vector<HealthNote> m_notes;
};

} // namespace zen::ui
