#include "ui/rollouts/rollouts_page.h"

#include "core/config/read_config.h"
#include "core/runs/run_folder.h"
#include "core/weights/checkpoint_folder.h"
#include "ui/rollouts/completion_table.h"
#include "ui/rollouts/prompt_list.h"
#include "ui/rollouts/token_view.h"
#include "ui/run/completions_panel.h"
#include "ui/run/shown_text.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/text_view.h"

#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>

namespace zen::ui {

namespace {

struct LoadedCompletions {
    std::filesystem::path file;
    std::vector<CompletionEntry> entries;
    std::string model;
};

LoadedCompletions loadCompletions(const std::filesystem::path& folder, const std::stop_token& stop)
{
    const RunFolder run{ folder };
    LoadedCompletions loaded{ run.completionsJsonl(),
        indexCompletions(run.completionsJsonl(), stop), {} };
    if (const auto document = YamlDocument::load(run.configYaml()))
        loaded.model = readConfig(*document).config.model.model_name_or_path;
    return loaded;
}

Result<Tokenizer> tokenizerOf(const std::string& model)
{
    return findModelFolder(model).and_then([](const std::filesystem::path& folder) {
        return Tokenizer::load(folder / "tokenizer.json");
    });
}

} // namespace

void RolloutsPage::receive(const CompletionsSampled& sampled)
{
    if (!m_live)
        return;
    if (m_folder.empty())
        m_folder = m_session.options().config.run.output_dir;
    m_store.add(sampled);
    loadTokenizer(m_session.options().config.model.model_name_or_path);
    m_stack->setCurrentIndex(1);
    if (!m_latest_timer.isActive())
        m_latest_timer.start();
}

void RolloutsPage::showLatest()
{
    if (m_live && m_follow && m_store.newest() && m_step != m_store.newest())
        showStep(*m_store.newest());
    else
        updateSteps();
}

void RolloutsPage::showRun(const std::filesystem::path& folder)
{
    load(folder, false);
}

void RolloutsPage::showLiveRun()
{
    const std::filesystem::path folder = m_session.options().config.run.output_dir;
    if (!m_live || folder != m_folder || m_store.isEmpty())
        return load(folder, true);
    m_follow = true;
    showStep(*m_store.newest());
}

void RolloutsPage::load(const std::filesystem::path& folder, bool live)
{
    m_live = live;
    m_follow = true;
    m_folder = folder;
    m_step.reset();
    m_wanted.reset();
    m_store.clear();
    m_index_work.start([folder](std::stop_token stop) { return loadCompletions(folder, stop); },
        [this](const LoadedCompletions& loaded) {
            m_store.setIndex(loaded.file, loaded.entries);
            loadTokenizer(loaded.model);
            m_stack->setCurrentIndex(m_store.isEmpty() ? 0 : 1);
            const auto step = m_wanted ? m_wanted : m_store.newest();
            m_wanted.reset();
            if (step)
                showStep(*step);
        });
}

void RolloutsPage::refresh()
{
    showLatest();
}

void RolloutsPage::showStep(std::int64_t step)
{
    const auto nearest = m_store.nearest(step);
    if (!nearest) {
        m_wanted = step;
        return;
    }
    m_follow = m_live && *nearest == m_store.newest();
    auto sampled = m_store.load(*nearest);
    if (!sampled) { // the file changed under us
        updateSteps();
        return;
    }
    showSampled(std::move(*sampled));
}

void RolloutsPage::showSampled(CompletionsSampled sampled)
{
    const int row = m_step ? m_prompt_list->currentIndex().row() : 0;
    m_step = sampled.step;
    m_sampled = std::move(sampled);
    {
        const QSignalBlocker quiet(m_prompt_list->selectionModel());
        m_prompts->setGroups(m_sampled.groups);
    }
    updateSteps();
    const int last = m_prompts->rowCount() - 1;
    const int group = std::clamp(row, 0, std::max(0, last));
    m_prompt_list->setCurrentIndex(m_prompts->index(group));
    showGroup(last >= 0 ? group : -1);
}

void RolloutsPage::updateSteps()
{
    if (!m_step)
        return;
    m_step_title->setText(tr("Step %1").arg(static_cast<qint64>(*m_step)));
    const auto before = m_store.before(*m_step);
    const auto after = m_store.after(*m_step);
    m_previous->setEnabled(before.has_value());
    m_previous->setText(
        before ? QStringLiteral("‹ %1").arg(static_cast<qint64>(*before)) : QStringLiteral("‹"));
    m_next->setEnabled(after.has_value());
    m_next->setText(
        after ? QStringLiteral("%1 ›").arg(static_cast<qint64>(*after)) : QStringLiteral("›"));
    m_newest->setVisible(after.has_value());
}

void RolloutsPage::showGroup(int index)
{
    if (index < 0 || index >= static_cast<int>(m_sampled.groups.size())) {
        m_table->clear();
        m_prompt->clear();
        m_prompt_facts->clear();
        showCompletion(-1);
        return;
    }
    const SampledGroup& group = m_sampled.groups[static_cast<std::size_t>(index)];
    const GroupRewards rewards = rewardsOf(group);
    m_prompt->setText(promptLine(group.prompt, 600));
    m_prompt->setToolTip(plainToolTip(shownText(group.prompt)));
    QStringList facts;
    if (!group.answer.empty())
        facts << tr("expected answer %1").arg(shownLine(group.answer, 80));
    facts << tr("%1 completions").arg(group.completions.size());
    if (rewards.mean)
        facts << tr("mean %1 ± %2").arg(*rewards.mean, 0, 'f', 2).arg(rewards.deviation, 0, 'f', 2);
    if (!rewards.carriesSignal())
        facts << tr("all rewards equal: no signal");
    m_prompt_facts->setText(facts.join(QStringLiteral(" · ")));
    m_table->present(m_sampled.reward_names, group);
    m_table->selectFirst();
    showCompletion(m_table->currentCompletion());
}

void RolloutsPage::showCompletion(int index)
{
    const int group_row = m_prompt_list->currentIndex().row();
    const auto groups = static_cast<int>(m_sampled.groups.size());
    m_token->clear();
    if (index < 0 || group_row < 0 || group_row >= groups) {
        m_completion_title->setText(tr("Completion"));
        m_tokens->clear();
        m_text->showText({});
        return;
    }
    const SampledCompletion& completion = m_sampled.groups[static_cast<std::size_t>(group_row)]
                                              .completions[static_cast<std::size_t>(index)];
    m_completion_title->setText(tr("Completion %1").arg(index + 1));
    const bool has_tokens = m_tokenizer && !completion.ids.empty();
    m_text_stack->setCurrentIndex(has_tokens ? 0 : 1);
    if (has_tokens) {
        m_completion_hint->setText(tr("colour: log-probability under the policy that wrote it"));
        m_tokens->present(completion, *m_tokenizer);
    } else {
        m_completion_hint->setText(completion.ids.empty() ? tr("this log keeps no tokens")
                : m_tokenizer_work.isBusy()
                ? tr("the tokenizer is being read")
                : tr("plain text: the model's tokenizer is not on this machine"));
        m_text->showText(shownText(completion.text));
    }
}

void RolloutsPage::loadTokenizer(const std::string& model)
{
    if (model.empty() || model == m_model)
        return;
    m_model = model;
    m_tokenizer.reset();
    m_tokenizer_work.start([model](std::stop_token) { return tokenizerOf(model); },
        [this](const Result<Tokenizer>& tokenizer) {
            if (tokenizer)
                m_tokenizer = *tokenizer;
            if (m_step)
                showCompletion(m_table->currentCompletion());
        });
}

} // namespace zen::ui
