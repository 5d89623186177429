#pragma once

#include "core/text/chat_template.h"

#include <QScrollArea>

#include <string>
#include <vector>

class QHBoxLayout;
class QVBoxLayout;

namespace zen::ui {

class PlainLabel;

/// The turns of a conversation, one below the other; a reply may stand in two columns, one a model.
/// Plain text.
class ConversationView : public QScrollArea {
    Q_OBJECT
public:
    explicit ConversationView(QWidget* parent = nullptr);

    void addQuestion(const QString& text);
    /// One column for each name; returns the turn's number.
    std::size_t addReply(const std::vector<QString>& names);
    void setReply(
        std::size_t turn, std::size_t column, const std::string& text, const QString& note = {});
    QString replyText(std::size_t turn, std::size_t column) const;
    std::size_t replies() const { return m_replies.size(); }
    void clear();

private:
    struct Column {
        PlainLabel* text;
        PlainLabel* note;
    };
    void scrollToEnd();

    QVBoxLayout* m_layout = nullptr;
    std::vector<QWidget*> m_turns;
    std::vector<std::vector<Column>> m_replies;
};

} // namespace zen::ui
