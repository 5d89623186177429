// RolloutsPage: what stands where.
#include "ui/rollouts/completion_table.h"
#include "ui/rollouts/prompt_list.h"
#include "ui/rollouts/rollouts_page.h"
#include "ui/rollouts/token_view.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/text_view.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <chrono>

namespace zen::ui {

namespace {
constexpr int kGap = 12;
constexpr std::chrono::milliseconds kFollowInterval{ 250 };
}

RolloutsPage::RolloutsPage(TrainingSession& session, QWidget* parent)
    : Page(PageId::rollouts, tr("Rollouts"), QStringLiteral("rollouts"), parent)
    , m_session(session)
{
    setObjectName(QStringLiteral("rolloutsPage"));
    setStripMessage(tr("What the policy wrote, with every reward"));
    auto* empty = new EmptyState(QStringLiteral("rollouts"), tr("No completions yet"),
        tr("While a run trains, every step's prompts appear here with what the policy wrote and "
           "what each completion earned."),
        this);
    auto* open = filledButton(tr("Open the Run page"), QStringLiteral("run"), this);
    connect(open, &QPushButton::clicked, this, &RolloutsPage::runRequested);
    empty->addAction(open);
    m_stack = new QStackedWidget(this);
    m_stack->addWidget(empty);
    m_stack->addWidget(buildContent());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 16, 18, 12);
    layout->addWidget(m_stack);

    m_latest_timer.setSingleShot(true);
    m_latest_timer.setInterval(kFollowInterval);
    connect(&m_latest_timer, &QTimer::timeout, this, [this] {
        if (isVisible())
            showLatest();
    });
    connect(&m_session, &TrainingSession::completionsSampled, this, &RolloutsPage::receive);
    connect(&m_session, &TrainingSession::started, this, [this](const RunStarted& event) {
        if (event.first_step > 0)
            return showLiveRun();
        m_index_work.cancel();
        m_live = m_follow = true;
        m_folder.clear();
        m_step.reset();
        m_store.clear();
        m_stack->setCurrentIndex(0);
    });
}

QWidget* RolloutsPage::buildContent()
{
    auto* splitter = new QSplitter(Qt::Horizontal, this);
    splitter->setObjectName(QStringLiteral("rolloutsSplitter"));
    splitter->setHandleWidth(kGap + 2);
    splitter->setChildrenCollapsible(false);
    splitter->addWidget(buildSteps());

    auto* right = new QWidget(splitter);
    auto* layout = new QVBoxLayout(right);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kGap);
    auto* prompt_card = new Card(right);
    auto* heading = new PlainLabel(tr("Prompt"), prompt_card);
    heading->setType(11)->setTone(Tone::muted);
    m_prompt = new PlainLabel({}, prompt_card);
    m_prompt->setType(15)->setWordWrap(true);
    m_prompt->setObjectName(QStringLiteral("rolloutPrompt"));
    m_prompt_facts = new PlainLabel({}, prompt_card);
    m_prompt_facts->setType(11)->setTone(Tone::muted)->setElided();
    m_prompt_facts->setObjectName(QStringLiteral("rolloutPromptFacts"));
    prompt_card->body()->setContentsMargins(16, 12, 16, 12);
    prompt_card->body()->setSpacing(4);
    for (PlainLabel* label : { heading, m_prompt, m_prompt_facts })
        prompt_card->body()->addWidget(label);
    layout->addWidget(prompt_card);

    auto* table_card = new Card(right);
    m_table = new CompletionTable(table_card);
    table_card->body()->setContentsMargins(6, 2, 6, 6);
    table_card->body()->addWidget(m_table);
    auto* lower = new QSplitter(Qt::Vertical, right);
    lower->setHandleWidth(kGap);
    lower->setChildrenCollapsible(false);
    lower->addWidget(table_card);
    lower->addWidget(buildCompletion());
    lower->setSizes({ 220, 390 });
    layout->addWidget(lower, 1);
    splitter->addWidget(right);
    splitter->setStretchFactor(0, 0);
    splitter->setStretchFactor(1, 1);
    splitter->setSizes({ 300, 854 });
    connect(m_table, &CompletionTable::completionChosen, this, &RolloutsPage::showCompletion);
    return splitter;
}

QWidget* RolloutsPage::buildSteps()
{
    auto* card = new Card(this);
    m_step_title = new PlainLabel(tr("Step"), card);
    m_step_title->setType(15, QFont::DemiBold);
    m_step_title->setObjectName(QStringLiteral("rolloutStep"));
    m_previous = linkButton(QStringLiteral("‹"), card);
    m_next = linkButton(QStringLiteral("›"), card);
    m_newest = linkButton(tr("newest"), card);
    m_previous->setObjectName(QStringLiteral("previousStep"));
    m_next->setObjectName(QStringLiteral("nextStep"));
    m_newest->setObjectName(QStringLiteral("newestStep"));
    m_previous->setAccessibleName(tr("Earlier step"));
    m_next->setAccessibleName(tr("Later step"));
    m_newest->setToolTip(tr("Show the newest step, and each one that follows"));
    auto* top = new QHBoxLayout;
    top->setContentsMargins(14, 8, 8, 8);
    top->setSpacing(0);
    top->addWidget(m_step_title, 1);
    for (QPushButton* button : { m_previous, m_next, m_newest })
        top->addWidget(button);

    m_prompts = new PromptModel(this);
    m_prompt_list = new PromptList(card);
    m_prompt_list->setModel(m_prompts);
    auto* legend = new PlainLabel(tr("grey: all rewards equal, no signal"), card);
    legend->setType(11)->setTone(Tone::muted);
    legend->setContentsMargins(14, 6, 14, 10);
    card->body()->setContentsMargins(0, 0, 0, 0);
    card->body()->setSpacing(0);
    card->body()->addLayout(top);
    card->body()->addWidget(m_prompt_list, 1);
    card->body()->addWidget(legend);
    card->setMinimumWidth(220);

    connect(m_previous, &QPushButton::clicked, this, [this] {
        if (const auto step = m_store.before(m_step.value_or(0)))
            showStep(*step);
    });
    connect(m_next, &QPushButton::clicked, this, [this] {
        if (const auto step = m_store.after(m_step.value_or(0)))
            showStep(*step);
    });
    connect(m_newest, &QPushButton::clicked, this, [this] {
        if (const auto step = m_store.newest())
            showStep(*step);
    });
    connect(m_prompt_list->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
        [this](const QModelIndex& current) { showGroup(current.row()); });
    return card;
}

QWidget* RolloutsPage::buildCompletion()
{
    auto* card = new Card(this);
    m_completion_title = new PlainLabel(tr("Completion"), card);
    m_completion_title->setType(13, QFont::DemiBold);
    m_completion_hint = new PlainLabel({}, card);
    m_completion_hint->setType(11)->setTone(Tone::muted)->setElided();
    auto* top = new QHBoxLayout;
    top->setContentsMargins(16, 12, 16, 4);
    top->setSpacing(10);
    top->addWidget(m_completion_title);
    top->addWidget(m_completion_hint, 1);

    m_tokens = new TokenView(card);
    m_text = new TextView(card);
    m_text->setObjectName(QStringLiteral("completionText"));
    m_text->setAccessibleName(tr("Text of the completion"));
    m_text_stack = new QStackedWidget(card);
    m_text_stack->addWidget(m_tokens);
    m_text_stack->addWidget(m_text);
    m_token = new PlainLabel({}, card);
    m_token->setType(11)->setMono()->setTone(Tone::muted);
    m_token->setObjectName(QStringLiteral("tokenFacts"));
    m_token->setContentsMargins(16, 2, 16, 10);
    card->body()->setContentsMargins(0, 0, 0, 0);
    card->body()->setSpacing(0);
    card->body()->addLayout(top);
    card->body()->addWidget(m_text_stack, 1);
    card->body()->addWidget(m_token);
    connect(m_tokens, &TokenView::tokenPointed, this,
        [this](int, const QString& text) { m_token->setText(text); });
    return card;
}

} // namespace zen::ui
