#pragma once

#include "core/reward/rubric.h"
#include "core/text/tokenizer.h"
#include "ui/shell/card.h"

#include <QTimer>

#include <map>
#include <optional>
#include <string>
#include <vector>

class QCheckBox;
class QGridLayout;
class QPlainTextEdit;

namespace zen::ui {

/// Tries the configuration's rewards on a pasted completion, before any training: what each term
/// says, what it weighs, what the completion would earn. "Unscored" is said as such; it is not 0.
class RewardBench : public Card {
    Q_OBJECT
public:
    explicit RewardBench(QWidget* parent = nullptr);

    void setRewards(const std::vector<RewardTermSpec>& specs);
    void setRow(
        const std::map<std::string, std::string>& columns); ///< what the rewards compare with
    void setTokenizer(std::optional<Tokenizer> tokenizer); ///< for terms that count tokens
    void setCompletion(const QString& text);

    QString totalText() const; ///< "1.20", "unscored"; empty without a rubric or text

private:
    struct Line {
        PlainLabel* name;
        PlainLabel* score;
        PlainLabel* weight;
    };
    void score();
    void showLine(
        std::size_t index, const QString& name, const QString& score, const QString& weight);
    void hideLinesFrom(std::size_t index);

    std::optional<Rubric> m_rubric;
    std::map<std::string, std::string> m_columns;
    std::optional<Tokenizer> m_tokenizer;
    QTimer m_timer;
    QPlainTextEdit* m_text = nullptr;
    QCheckBox* m_truncated = nullptr;
    PlainLabel* m_answer = nullptr;
    PlainLabel* m_problem = nullptr;
    PlainLabel* m_total = nullptr;
    QGridLayout* m_grid = nullptr;
    std::vector<Line> m_lines;
};

} // namespace zen::ui
