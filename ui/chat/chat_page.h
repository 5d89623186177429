#pragma once

#include "core/config/training_config.h"
#include "ui/chat/chat_partner.h"
#include "ui/run/background_work.h"
#include "ui/shell/page.h"

#include <QTimer>

#include <filesystem>
#include <functional>
#include <memory>

class QComboBox;
class QDoubleSpinBox;
class QPlainTextEdit;
class QPushButton;
class QSpinBox;
class QStackedWidget;

namespace zen::ui {

class ConversationView;
class PlainLabel;

/// What the page may ask of the application.
struct ChatContext {
    std::function<TrainingConfig()> config; ///< names the model
    std::function<std::filesystem::path()> runs_root; ///< runs whose adapters can be tried
    OpenChat open = openChatWithEngine();
};

/// Talks to the model as it is, to a run's tuned adapter, or to both side by side. Replies stream
/// in; Stop ends one.
class ChatPage : public Page {
    Q_OBJECT
public:
    explicit ChatPage(ChatContext context, QWidget* parent = nullptr);
    ~ChatPage() override;

    void refresh() override;
    void chooseRun(const std::filesystem::path& folder); ///< its adapter, beside the base model

    bool isBusy() const { return m_work.isBusy(); }

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    /// A partner that can be chosen: the base model, an adapter, or both.
    struct Choice {
        QString name;
        std::string model;
        std::filesystem::path adapter; ///< empty: the model alone
        bool beside_base = false;
    };
    QWidget* buildControls();
    QWidget* buildInput();
    void setChoices(std::vector<Choice> choices);
    void send();
    void askNext(); ///< the next column of the turn
    void finishColumn(const Result<std::string>& reply);
    void stop();
    void startAnew();
    void showStreaming();
    void showButtons();

    ChatContext m_context;
    std::shared_ptr<ChatPartner> m_partner;
    std::vector<Choice> m_choices;
    std::filesystem::path m_wanted_run;
    std::vector<Message> m_base_messages, m_tuned_messages; ///< each partner sees its own replies
    std::vector<ChatRequest> m_pending; ///< columns still to ask, the next one first
    std::vector<bool> m_pending_is_base;
    std::size_t m_turn = 0, m_column = 0;
    std::shared_ptr<SharedText> m_streaming;
    QTimer m_stream_timer;

    QStackedWidget* m_stack = nullptr;
    ConversationView* m_conversation = nullptr;
    QComboBox* m_choice = nullptr;
    QDoubleSpinBox* m_temperature = nullptr;
    QSpinBox* m_max_tokens = nullptr;
    QPlainTextEdit* m_input = nullptr;
    QPushButton* m_send = nullptr;
    QPushButton* m_stop_button = nullptr;
    QPushButton* m_anew = nullptr;
    BackgroundWork m_scan;
    BackgroundWork m_work; // last: joined before what its work uses dies
};

} // namespace zen::ui
