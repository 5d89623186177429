#include "core/rollout/generator.h"

#include "core/rollout/decoder.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <memory>

namespace zen {

namespace {

/// A prompt whose completions are being written, or wait for their turn.
struct OpenPrompt {
    CachedTokens cache;
    at::Tensor last_hidden_D;
    std::int64_t unfinished = 0;
};

struct ActiveRow {
    DecodingRow state;
    std::size_t prompt = 0;
    Completion* completion = nullptr;
    bool is_first = false; ///< row 0 of the call, whose tokens are streamed
};

/// Writes all rows of a call, at most max_rows at a time: a finished row leaves, the next one takes
/// its place.
class Generation {
public:
    Generation(const Qwen3& model, const std::vector<std::vector<std::int64_t>>& prompts,
        const GenerationOptions& options)
        : m_prompts(prompts)
        , m_options(options)
        , m_decoder(model, options.use_adapter, longest(prompts) + options.max_new_tokens)
        , m_open(prompts.size())
        , m_groups(prompts.size())
    {
        const std::int64_t v = model.shape().vocab_size;
        m_draw = { options.sampling,
            options.vocabulary_limit > 0 ? std::min(options.vocabulary_limit, v) : v };
        for (auto& group : m_groups)
            group.resize(static_cast<std::size_t>(options.completions_per_prompt));
        m_total = prompts.size() * static_cast<std::size_t>(options.completions_per_prompt);
        if (options.cache_tokens > 0)
            reserveCache();
    }

    std::vector<std::vector<Completion>> run()
    {
        bool goes_on = m_options.max_new_tokens > 0 && m_total > 0;
        for (std::int64_t position = 0; goes_on && m_finished < m_total; ++position) {
            admitRows();
            step();
            goes_on
                = !m_options.on_progress || m_options.on_progress(m_finished, m_total, position);
        }
        for (auto& group : m_groups) { // stopped early, or never begun
            for (Completion& completion : group)
                completion.truncated = completion.ids.empty() || !isEnd(completion.ids.back());
        }
        return std::move(m_groups);
    }

private:
    static std::int64_t longest(const std::vector<std::vector<std::int64_t>>& prompts)
    {
        std::size_t most = 0;
        for (const auto& prompt : prompts) {
            TORCH_CHECK(!prompt.empty(), "generate: a prompt has no tokens");
            most = std::max(most, prompt.size());
        }
        return static_cast<std::int64_t>(most);
    }

    void reserveCache()
    {
        const auto blocks = [](std::int64_t tokens) {
            return static_cast<std::size_t>((tokens + kCacheBlock - 1) / kCacheBlock);
        };
        const std::size_t rows = std::min(
            m_total, static_cast<std::size_t>(std::max<std::int64_t>(m_options.max_rows, 1)));
        std::size_t count = rows * blocks(m_options.cache_tokens);
        for (const auto& prompt : m_prompts)
            count += blocks(static_cast<std::int64_t>(prompt.size()));
        m_decoder.blocks().reserve(count);
    }

    bool isEnd(std::int64_t id) const
    {
        return std::find(m_options.eos_ids.begin(), m_options.eos_ids.end(), id)
            != m_options.eos_ids.end();
    }

    /// Fills the free places with the next rows; their prompts are run first, together.
    void admitRows()
    {
        const auto per_prompt = static_cast<std::size_t>(m_options.completions_per_prompt);
        const auto places = static_cast<std::size_t>(std::max<std::int64_t>(m_options.max_rows, 1));
        if (m_next_row >= m_total || m_active.size() >= places)
            return;
        const std::size_t end = std::min(m_total, m_next_row + places - m_active.size());
        prefillFor(m_next_row / per_prompt, (end - 1) / per_prompt);
        std::vector<std::unique_ptr<ActiveRow>> fresh;
        std::vector<DecodingRow*> rows;
        std::vector<const float*> hidden;
        for (; m_next_row < end; ++m_next_row) {
            const std::size_t prompt = m_next_row / per_prompt;
            auto row = std::make_unique<ActiveRow>();
            row->prompt = prompt;
            row->completion = &m_groups[prompt][m_next_row % per_prompt];
            row->is_first = m_next_row == 0;
            row->state.prompt = &m_open[prompt].cache;
            row->state.key
                = { m_options.seed, m_options.step, m_options.first_row + m_next_row, 0 };
            rows.push_back(&row->state);
            hidden.push_back(m_open[prompt].last_hidden_D.data_ptr<float>());
            fresh.push_back(std::move(row));
        }
        m_decoder.drawFirst(rows, hidden, m_draw);
        for (auto& row : fresh) {
            if (accept(*row))
                m_active.push_back(std::move(row));
        }
    }

    void prefillFor(std::size_t first, std::size_t last)
    {
        first = std::max(first, m_next_prompt);
        if (last + 1 <= first)
            return;
        const std::vector<std::vector<std::int64_t>> prompts(
            m_prompts.begin() + static_cast<std::ptrdiff_t>(first),
            m_prompts.begin() + static_cast<std::ptrdiff_t>(last) + 1);
        std::vector<CachedTokens> caches;
        const at::Tensor hidden_PD = m_decoder.prefill(prompts, caches);
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            OpenPrompt& prompt = m_open[first + i];
            prompt.cache = std::move(caches[i]);
            prompt.last_hidden_D = hidden_PD[static_cast<std::int64_t>(i)];
            prompt.unfinished = m_options.completions_per_prompt;
        }
        m_next_prompt = last + 1;
    }

    /// One position for all rows under way.
    void step()
    {
        if (m_active.empty())
            return;
        std::vector<DecodingRow*> rows;
        for (const auto& row : m_active)
            rows.push_back(&row->state);
        m_decoder.step(rows, m_draw);
        std::erase_if(
            m_active, [this](const std::unique_ptr<ActiveRow>& row) { return !accept(*row); });
    }

    /// Takes the drawn token; false if it was the row's last.
    bool accept(ActiveRow& row)
    {
        const SampledToken& token = row.state.sampled;
        row.completion->ids.push_back(token.id);
        row.completion->logprobs.push_back(token.logprob);
        if (row.is_first && m_options.on_token)
            m_options.on_token(token.id);
        row.state.last_id = token.id;
        ++row.state.key.position;
        if (!isEnd(token.id)
            && static_cast<std::int64_t>(row.completion->ids.size()) < m_options.max_new_tokens)
            return true;
        ++m_finished;
        m_decoder.blocks().giveBack(std::move(row.state.own.blocks));
        OpenPrompt& prompt = m_open[row.prompt];
        if (--prompt.unfinished == 0)
            m_decoder.blocks().giveBack(std::move(prompt.cache.blocks));
        return false;
    }

    const std::vector<std::vector<std::int64_t>>& m_prompts;
    const GenerationOptions& m_options;
    Decoder m_decoder;
    DrawOptions m_draw;
    std::vector<OpenPrompt> m_open;
    std::vector<std::vector<Completion>> m_groups;
    std::vector<std::unique_ptr<ActiveRow>> m_active;
    std::size_t m_total = 0, m_finished = 0, m_next_row = 0, m_next_prompt = 0;
};

} // namespace

std::vector<std::vector<Completion>> generate(const Qwen3& model,
    const std::vector<std::vector<std::int64_t>>& prompts, const GenerationOptions& options)
{
    if (prompts.empty())
        return {};
    const c10::AutoGradMode off(false);
    return Generation(model, prompts, options).run();
}

} // namespace zen
