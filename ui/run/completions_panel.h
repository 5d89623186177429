#pragma once

#include "core/runs/events.h"

#include <QWidget>

class QPushButton;
class QVBoxLayout;

namespace zen::ui {

class Pill;
class PlainLabel;

/// The newest completions of a run: one prompt, what was written for it and what each earned, best
/// first.
class CompletionsPanel : public QWidget {
    Q_OBJECT
public:
    explicit CompletionsPanel(QWidget* parent = nullptr);

    void present(const CompletionsSampled& sampled);
    void clear();

    QSize minimumSizeHint() const override
    {
        return { 200, 90 };
    } ///< rows that do not fit are left out

Q_SIGNALS:
    void openRequested(qint64 step); ///< "open in Rollouts"

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    struct Row {
        QWidget* widget;
        Pill* reward;
        PlainLabel* text;
    };
    Row& row(std::size_t index);
    void showRowsThatFit();

    qint64 m_step = 0;
    PlainLabel* m_where = nullptr;
    PlainLabel* m_prompt = nullptr;
    QPushButton* m_open = nullptr;
    QVBoxLayout* m_layout = nullptr;
    std::vector<Row> m_rows;
    std::size_t m_filled = 0; ///< rows that hold a completion
};

/// A reward for people: "1.2", "–" where it could not be scored.
QString rewardText(const std::optional<double>& reward);

/// The prompt as its author wrote it: the chat template's control tokens and roles left out.
QString promptLine(const std::string& rendered, qsizetype limit = 300);

} // namespace zen::ui
