#pragma once

#include "core/runs/events.h"
#include "core/text/tokenizer.h"

#include <QAbstractScrollArea>
#include <QRect>

#include <vector>

namespace zen::ui {

/// A completion token by token, each tinted by how unlikely it was under the policy that wrote it.
/// Drawn by hand, only what is visible: no text can be taken for markup, and thousands of tokens
/// cost nothing.
class TokenView : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit TokenView(QWidget* parent = nullptr);

    void present(const SampledCompletion& completion, const Tokenizer& tokenizer);
    void clear();

    std::size_t tokenCount() const { return m_tokens.size(); }
    QString tokenText(std::size_t index) const { return m_tokens[index].text; } ///< as drawn
    QString plainText() const; ///< the whole completion

Q_SIGNALS:
    void tokenPointed(int index, const QString& description); ///< -1, "": none

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    struct Token {
        QString text; ///< visible form: ⏎ for a line feed, · for spaces alone
        float logprob = 0;
        bool has_logprob = false;
        bool starts_word = false; ///< a space was before it
        bool breaks_line = false;
        bool quiet = false; ///< white space or a special token
        QRect box; ///< in the document's coordinates
    };
    void arrange();
    void point(int index);
    int tokenAt(const QPoint& viewport_position) const;
    QString describe(const Token& token) const;

    std::vector<Token> m_tokens;
    QString m_plain;
    int m_current = -1;
};

} // namespace zen::ui
