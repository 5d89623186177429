#include "ui/chat/chat_page.h"

#include "core/runs/run_folder.h"
#include "ui/chat/conversation.h"
#include "ui/run/run_facts.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/plain_label.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <chrono>

namespace zen::ui {

namespace {

constexpr std::chrono::milliseconds kStreamInterval{ 50 };
constexpr qsizetype kLongestQuestion = 64 * 1024;
constexpr std::size_t kMostRuns = 20;

} // namespace

ChatPage::ChatPage(ChatContext context, QWidget* parent)
    : Page(PageId::chat, tr("Chat"), QStringLiteral("chat"), parent)
    , m_context(std::move(context))
    , m_partner(std::make_shared<ChatPartner>(m_context.open))
    , m_stack(new QStackedWidget(this))
    , m_conversation(new ConversationView(this))
{
    setObjectName(QStringLiteral("chatPage"));
    m_stack->addWidget(new EmptyState(QStringLiteral("chat"), tr("Ask the model something"),
        tr("Talk to the model as it is, to a run's adapter, or to both side by side with the same "
           "words."),
        this));
    m_stack->addWidget(m_conversation);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 16, 18, 12);
    layout->setSpacing(12);
    layout->addWidget(buildControls());
    layout->addWidget(m_stack, 1);
    layout->addWidget(buildInput());
    setStripMessage(tr("The first question loads the model"));
    m_stream_timer.setInterval(kStreamInterval);
    connect(&m_stream_timer, &QTimer::timeout, this, &ChatPage::showStreaming);
    connect(&m_work, &BackgroundWork::busyChanged, this, &ChatPage::showButtons);
    setChoices({});
    showButtons();
}

ChatPage::~ChatPage() = default;

QWidget* ChatPage::buildControls()
{
    auto* row = new QWidget(this);
    auto* title = new PlainLabel(tr("Chat"), row);
    title->setType(19, QFont::DemiBold);
    m_choice = new QComboBox(row);
    m_choice->setObjectName(QStringLiteral("chatPartner"));
    m_choice->setAccessibleName(tr("Whom to talk to"));
    m_choice->setMinimumWidth(260);
    m_temperature = new QDoubleSpinBox(row);
    m_temperature->setObjectName(QStringLiteral("chatTemperature"));
    m_temperature->setAccessibleName(tr("Temperature"));
    m_temperature->setRange(0.0, 2.0);
    m_temperature->setSingleStep(0.1);
    m_temperature->setDecimals(1);
    m_temperature->setMinimumWidth(72);
    m_temperature->setValue(0.7);
    m_temperature->setToolTip(tr("0 always takes the likeliest token"));
    m_max_tokens = new QSpinBox(row);
    m_max_tokens->setObjectName(QStringLiteral("chatMaxTokens"));
    m_max_tokens->setAccessibleName(tr("Longest reply, tokens"));
    m_max_tokens->setRange(16, 8192);
    m_max_tokens->setSingleStep(64);
    m_max_tokens->setMinimumWidth(84);
    m_max_tokens->setValue(256);
    m_anew = plainButton(tr("New conversation"), {}, row);
    m_anew->setObjectName(QStringLiteral("chatAnew"));
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(10);
    const auto quiet = [row](const QString& text) {
        auto* label = new PlainLabel(text, row);
        label->setType(11)->setTone(Tone::muted);
        return label;
    };
    layout->addWidget(title);
    layout->addSpacing(8);
    layout->addWidget(m_choice);
    layout->addStretch(1);
    layout->addWidget(quiet(tr("temperature")));
    layout->addWidget(m_temperature);
    layout->addWidget(quiet(tr("at most")));
    layout->addWidget(m_max_tokens);
    layout->addWidget(quiet(tr("tokens")));
    layout->addWidget(m_anew);
    connect(m_choice, &QComboBox::currentIndexChanged, this, &ChatPage::startAnew);
    connect(m_anew, &QPushButton::clicked, this, &ChatPage::startAnew);
    return row;
}

QWidget* ChatPage::buildInput()
{
    auto* row = new QWidget(this);
    m_input = new QPlainTextEdit(row);
    m_input->setObjectName(QStringLiteral("chatInput"));
    m_input->setAccessibleName(tr("Your message"));
    m_input->setPlaceholderText(tr("Your message. Enter sends it, Shift+Enter starts a line."));
    m_input->setTabChangesFocus(true);
    m_input->document()->setDocumentMargin(8);
    m_input->viewport()->setAutoFillBackground(false);
    m_input->setFixedHeight(76);
    m_input->installEventFilter(this);
    m_send = filledButton(tr("Send"), QStringLiteral("send"), row);
    m_send->setObjectName(QStringLiteral("chatSend"));
    m_stop_button = plainButton(tr("Stop"), QStringLiteral("stop"), row);
    m_stop_button->setObjectName(QStringLiteral("chatStop"));
    auto* buttons = new QVBoxLayout;
    buttons->addWidget(m_send);
    buttons->addWidget(m_stop_button);
    buttons->addStretch(1);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    layout->addWidget(m_input, 1);
    layout->addLayout(buttons);
    connect(m_send, &QPushButton::clicked, this, &ChatPage::send);
    connect(m_stop_button, &QPushButton::clicked, this, &ChatPage::stop);
    connect(m_input, &QPlainTextEdit::textChanged, this, &ChatPage::showButtons);
    return row;
}

void ChatPage::refresh()
{
    const std::string model = m_context.config().model.model_name_or_path;
    m_scan.start([root = m_context.runs_root()](std::stop_token) { return scanRuns(root); },
        [this, model](const std::vector<RunRecord>& runs) {
            std::vector<Choice> choices;
            for (const RunRecord& run : runs) {
                std::error_code error;
                const auto adapter = RunFolder{ run.folder }.adapter();
                if (run.damaged || choices.size() >= kMostRuns
                    || !std::filesystem::is_directory(adapter, error))
                    continue;
                const QString name
                    = shownLine(run.name.empty() ? run.folder.filename().string() : run.name, 60);
                const std::string& base = run.model.empty() ? model : run.model;
                choices.push_back({ name, base, adapter, false });
                choices.push_back(
                    { tr("%1 beside %2").arg(name, runTitle(base, {})), base, adapter, true });
            }
            choices.insert(choices.begin(),
                { tr("%1, not tuned").arg(runTitle(model, {})), model, {}, false });
            setChoices(std::move(choices));
        });
}

void ChatPage::setChoices(std::vector<Choice> choices)
{
    const QString before = m_choice->currentText();
    const QSignalBlocker quiet(m_choice);
    m_choices = std::move(choices);
    m_choice->clear();
    int chosen = 0;
    for (std::size_t i = 0; i < m_choices.size(); ++i) {
        m_choice->addItem(m_choices[i].name);
        const bool wanted = m_wanted_run.empty() ? m_choices[i].name == before
                                                 : m_choices[i].beside_base
                && m_choices[i].adapter == RunFolder{ m_wanted_run }.adapter();
        if (wanted)
            chosen = static_cast<int>(i);
    }
    m_wanted_run.clear();
    m_choice->setCurrentIndex(m_choices.empty() ? -1 : chosen);
    if (m_choice->currentText() != before)
        startAnew();
    showButtons();
}

void ChatPage::chooseRun(const std::filesystem::path& folder)
{
    m_wanted_run = folder;
    refresh();
}

bool ChatPage::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_input && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool enter = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
        if (enter && !(key->modifiers() & Qt::ShiftModifier)) {
            if (m_send->isEnabled())
                send();
            return true;
        }
    }
    return Page::eventFilter(watched, event);
}

void ChatPage::send()
{
    const int index = m_choice->currentIndex();
    const QString text = m_input->toPlainText().left(kLongestQuestion).trimmed();
    if (index < 0 || text.isEmpty() || isBusy())
        return;
    const Choice& choice = m_choices[static_cast<std::size_t>(index)];
    m_stack->setCurrentIndex(1);
    m_conversation->addQuestion(text);
    m_input->clear();
    m_pending.clear();
    m_pending_is_base.clear();
    std::vector<QString> names;
    const auto ask = [&](bool is_base, const QString& name) {
        std::vector<Message>& messages = is_base ? m_base_messages : m_tuned_messages;
        Message question;
        question.role = "user";
        question.content = text.toStdString();
        messages.push_back(question);
        ChatRequest request;
        request.model.model_name_or_path = choice.model;
        request.model.adapter = is_base ? std::filesystem::path() : choice.adapter;
        request.messages = messages;
        request.sampling.temperature = m_temperature->value();
        request.max_new_tokens = m_max_tokens->value();
        m_pending.push_back(std::move(request));
        m_pending_is_base.push_back(is_base);
        names.push_back(name);
    };
    if (choice.adapter.empty() || choice.beside_base)
        ask(true, tr("%1, not tuned").arg(runTitle(choice.model, {})));
    if (!choice.adapter.empty())
        ask(false, choice.beside_base ? tr("tuned") : choice.name);
    m_turn = m_conversation->addReply(names);
    m_column = 0;
    for (std::size_t column = 0; column < names.size(); ++column)
        m_conversation->setReply(m_turn, column, {}, tr("waiting…"));
    askNext();
}

void ChatPage::askNext()
{
    m_streaming = std::make_shared<SharedText>();
    m_stream_timer.start();
    m_work.start([partner = m_partner, text = m_streaming, request = m_pending.front()](
                     std::stop_token stop) { return partner->reply(request, *text, stop); },
        [this](const Result<std::string>& reply) { finishColumn(reply); });
}

void ChatPage::finishColumn(const Result<std::string>& reply)
{
    m_stream_timer.stop();
    const bool is_base = m_pending_is_base.front();
    std::vector<Message>& messages = is_base ? m_base_messages : m_tuned_messages;
    if (reply) {
        Message answer;
        answer.role = "assistant";
        answer.content = *reply;
        messages.push_back(answer);
        m_conversation->setReply(
            m_turn, m_column, *reply, reply->empty() ? tr("nothing was said") : QString());
    } else {
        messages.pop_back(); // the question that was not answered
        m_conversation->setReply(m_turn, m_column, {}, shownLine(reply.error().message, 600));
    }
    m_pending.erase(m_pending.begin());
    m_pending_is_base.erase(m_pending_is_base.begin());
    ++m_column;
    if (!m_pending.empty())
        askNext();
    else
        showButtons();
}

void ChatPage::showStreaming()
{
    const std::string text = m_streaming->value();
    m_conversation->setReply(m_turn, m_column, text,
        text.empty() ? tr("loading the model, reading the question…") : tr("writing…"));
}

/// What has been said so far stands, and counts as the reply.
void ChatPage::stop()
{
    if (!isBusy())
        return;
    const std::string said = m_streaming->value();
    m_work.cancel();
    m_stream_timer.stop();
    const std::size_t columns = m_pending.size();
    for (std::size_t i = 0; i < columns; ++i) {
        std::vector<Message>& messages = m_pending_is_base[i] ? m_base_messages : m_tuned_messages;
        if (i == 0 && !said.empty()) {
            Message answer;
            answer.role = "assistant";
            answer.content = said;
            messages.push_back(answer);
        } else {
            messages.pop_back();
        }
        m_conversation->setReply(
            m_turn, m_column + i, i == 0 ? said : std::string(), tr("stopped"));
    }
    m_pending.clear();
    m_pending_is_base.clear();
    showButtons();
}

void ChatPage::startAnew()
{
    stop();
    m_base_messages.clear();
    m_tuned_messages.clear();
    m_conversation->clear();
    m_stack->setCurrentIndex(0);
}

void ChatPage::showButtons()
{
    const bool has_text = !m_input->toPlainText().trimmed().isEmpty();
    setEnabledOr(m_send, !isBusy() && has_text && m_choice->currentIndex() >= 0,
        isBusy()       ? tr("A reply is being written")
            : has_text ? tr("No model to talk to")
                       : tr("Write a message first"));
    setEnabledOr(m_stop_button, isBusy(), tr("Nothing is being written"));
}

} // namespace zen::ui
