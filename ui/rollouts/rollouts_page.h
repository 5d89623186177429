#pragma once

#include "core/text/tokenizer.h"
#include "ui/rollouts/completion_store.h"
#include "ui/run/background_work.h"
#include "ui/run/training_session.h"
#include "ui/shell/page.h"

#include <QTimer>

#include <filesystem>
#include <optional>

class QPushButton;
class QStackedWidget;

namespace zen::ui {

class CompletionTable;
class PlainLabel;
class PromptList;
class PromptModel;
class TextView;
class TokenView;

/// What the policy wrote, step by step: prompts on the left, the completions of one with every
/// reward term, and one completion token by token. Follows the live run until an older step is
/// chosen.
class RolloutsPage : public Page {
    Q_OBJECT
public:
    explicit RolloutsPage(TrainingSession& session, QWidget* parent = nullptr);

    void showRun(const std::filesystem::path& folder); ///< a run from its folder; its newest step
    void showLiveRun();
    void showStep(
        std::int64_t step); ///< or the nearest that has completions, as soon as they are known

    void refresh() override;

    std::optional<std::int64_t> shownStep() const { return m_step; }

Q_SIGNALS:
    void runRequested(); ///< "open the Run page"

private:
    QWidget* buildContent();
    QWidget* buildSteps();
    QWidget* buildCompletion();
    void receive(const CompletionsSampled& sampled);
    void load(const std::filesystem::path& folder, bool live);
    void loadTokenizer(const std::string& model);
    void showSampled(CompletionsSampled sampled);
    void showGroup(int index);
    void showCompletion(int index);
    void showLatest();
    void updateSteps();

    TrainingSession& m_session;
    CompletionStore m_store;
    std::filesystem::path m_folder;
    bool m_live = true;
    bool m_follow = true; ///< show each new step
    std::optional<std::int64_t> m_step; ///< shown
    std::optional<std::int64_t> m_wanted; ///< asked for before the index was there
    CompletionsSampled m_sampled;
    std::string m_model;
    std::optional<Tokenizer> m_tokenizer;
    QTimer m_latest_timer; ///< a live run is followed a few times a second, not with each event
    BackgroundWork m_index_work, m_tokenizer_work;

    QStackedWidget* m_stack = nullptr;
    PlainLabel* m_step_title = nullptr;
    QPushButton* m_previous = nullptr;
    QPushButton* m_next = nullptr;
    QPushButton* m_newest = nullptr;
    PromptModel* m_prompts = nullptr;
    PromptList* m_prompt_list = nullptr;
    PlainLabel* m_prompt = nullptr;
    PlainLabel* m_prompt_facts = nullptr;
    CompletionTable* m_table = nullptr;
    PlainLabel* m_completion_title = nullptr;
    PlainLabel* m_completion_hint = nullptr;
    QStackedWidget* m_text_stack = nullptr;
    TokenView* m_tokens = nullptr;
    TextView* m_text = nullptr;
    PlainLabel* m_token = nullptr;
};

} // namespace zen::ui
