#include "core/train/state_file.h"

#include "core/base/durable_file.h"
#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

namespace zen {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kAdapterWeights = "adapter_model.safetensors";
constexpr const char* kFullWeights = "weights.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kRollouts = "rollouts.safetensors";
constexpr const char* kState = "state.json";
constexpr std::size_t kStateLimit = std::size_t{ 1 } << 26;

json toJson(const std::optional<double>& value)
{
    return value ? json(*value) : json();
}

std::optional<double> optionalNumber(const json& object, const char* key)
{
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? std::nullopt
                                                     : std::optional<double>(found->get<double>());
}

json toJson(const Snapshot& snapshot)
{
    const TrainingState& state = snapshot.state;
    json window = json::object();
    for (const auto& [name, entry] : state.window.entries())
        window[name] = { entry.sum, entry.count };
    return { { "step", state.step }, { "generations", state.generations },
        { "buffer_cursor", state.buffer_cursor }, { "buffer_metrics", state.buffer_metrics },
        { "unscored_in_a_row", state.unscored_in_a_row }, { "num_tokens", state.num_tokens },
        { "seconds", state.seconds }, { "non_finite_steps", state.non_finite_steps },
        { "non_finite_in_a_row", state.non_finite_in_a_row }, { "metric_window", window },
        { "reward_first", toJson(state.reward_first) },
        { "reward_last", toJson(state.reward_last) },
        { "eval_accuracy_before", toJson(state.eval_accuracy_before) },
        { "eval_ppl_base", toJson(state.eval_ppl_base) }, { "optimizer_updates", snapshot.updates },
        { "weight_type", snapshot.weight_type },
        { "identity",
            { { "model", snapshot.identity.model }, { "data", snapshot.identity.data },
                { "fields", snapshot.identity.fields } } } };
}

void fromJson(const json& object, Snapshot& snapshot)
{
    TrainingState& state = snapshot.state;
    object.at("step").get_to(state.step);
    object.at("generations").get_to(state.generations);
    object.at("buffer_cursor").get_to(state.buffer_cursor);
    object.at("buffer_metrics").get_to(state.buffer_metrics);
    object.at("unscored_in_a_row").get_to(state.unscored_in_a_row);
    object.at("num_tokens").get_to(state.num_tokens);
    object.at("seconds").get_to(state.seconds);
    object.at("non_finite_steps").get_to(state.non_finite_steps);
    object.at("non_finite_in_a_row").get_to(state.non_finite_in_a_row);
    std::map<std::string, MetricWindow::Entry> window;
    for (const auto& [name, entry] : object.at("metric_window").items())
        window[name] = { entry.at(0).get<double>(), entry.at(1).get<std::int64_t>() };
    state.window.restore(std::move(window));
    state.reward_first = optionalNumber(object, "reward_first");
    state.reward_last = optionalNumber(object, "reward_last");
    state.eval_accuracy_before = optionalNumber(object, "eval_accuracy_before");
    state.eval_ppl_base = optionalNumber(object, "eval_ppl_base");
    object.at("optimizer_updates").get_to(snapshot.updates);
    object.at("weight_type").get_to(snapshot.weight_type);
    const json& identity = object.at("identity");
    identity.at("model").get_to(snapshot.identity.model);
    identity.at("data").get_to(snapshot.identity.data);
    identity.at("fields").get_to(snapshot.identity.fields);
}

template <class Values> void append(Values& all, const Values& more)
{
    all.insert(all.end(), more.begin(), more.end());
}

/// The rows of a generation batch end to end, with their lengths.
NamedTensors toTensors(const std::vector<RolloutRow>& rows)
{
    std::vector<std::int64_t> prompt_lengths, completion_lengths, prompt_ids, completion_ids,
        masked;
    std::vector<float> old_logprobs, reference_logprobs;
    std::vector<double> advantages;
    for (const RolloutRow& row : rows) {
        prompt_lengths.push_back(static_cast<std::int64_t>(row.prompt_ids.size()));
        completion_lengths.push_back(static_cast<std::int64_t>(row.completion_ids.size()));
        append(prompt_ids, row.prompt_ids);
        append(completion_ids, row.completion_ids);
        append(old_logprobs, row.old_logprobs);
        append(reference_logprobs, row.reference_logprobs);
        advantages.push_back(row.advantage);
        masked.push_back(row.masked ? 1 : 0);
    }
    return { { "prompt_lengths", at::tensor(prompt_lengths, at::kLong) },
        { "completion_lengths", at::tensor(completion_lengths, at::kLong) },
        { "prompt_ids", at::tensor(prompt_ids, at::kLong) },
        { "completion_ids", at::tensor(completion_ids, at::kLong) },
        { "masked", at::tensor(masked, at::kLong) },
        { "old_logprobs", at::tensor(old_logprobs, at::kFloat) },
        { "reference_logprobs", at::tensor(reference_logprobs, at::kFloat) },
        { "advantages", at::tensor(advantages, at::kDouble) } };
}

/// Hands out the next `count` numbers of a tensor; throws when there are not as many.
template <class Number> class Reader {
public:
    explicit Reader(const at::Tensor& tensor)
        : m_tensor(tensor.contiguous())
    {
    }
    std::vector<Number> take(std::int64_t count)
    {
        TORCH_CHECK(count >= 0 && m_next + count <= m_tensor.numel(), "rollouts end too early");
        const Number* begin = m_tensor.data_ptr<Number>() + m_next;
        m_next += count;
        return { begin, begin + count };
    }
    bool empty() const { return m_tensor.numel() == 0; }

private:
    at::Tensor m_tensor;
    std::int64_t m_next = 0;
};

std::vector<RolloutRow> fromTensors(const NamedTensors& tensors)
{
    Reader<std::int64_t> prompt_lengths(tensors.at("prompt_lengths")),
        completion_lengths(tensors.at("completion_lengths")), prompt_ids(tensors.at("prompt_ids")),
        completion_ids(tensors.at("completion_ids")), masked(tensors.at("masked"));
    Reader<float> old_logprobs(tensors.at("old_logprobs")),
        reference_logprobs(tensors.at("reference_logprobs"));
    Reader<double> advantages(tensors.at("advantages"));
    const std::int64_t count = tensors.at("advantages").numel();
    std::vector<RolloutRow> rows(static_cast<std::size_t>(count));
    for (RolloutRow& row : rows) {
        row.prompt_ids = prompt_ids.take(prompt_lengths.take(1).front());
        const std::int64_t length = completion_lengths.take(1).front();
        row.completion_ids = completion_ids.take(length);
        if (!old_logprobs.empty())
            row.old_logprobs = old_logprobs.take(length);
        if (!reference_logprobs.empty())
            row.reference_logprobs = reference_logprobs.take(length);
        row.advantage = advantages.take(1).front();
        row.masked = masked.take(1).front() != 0;
    }
    return rows;
}

Result<void> readState(const fs::path& path, Snapshot& snapshot)
{
    const auto text = readFile(path, kStateLimit);
    if (!text)
        return tl::unexpected(text.error());
    try {
        fromJson(json::parse(*text), snapshot);
    } catch (const json::exception& problem) {
        return fail(path.string() + ": " + problem.what());
    }
    return {};
}

Result<void> readRollouts(const fs::path& path, Snapshot& snapshot)
{
    auto tensors = readTensors(path);
    if (!tensors)
        return tl::unexpected(tensors.error());
    try {
        snapshot.state.buffer
            = std::make_shared<const std::vector<RolloutRow>>(fromTensors(*tensors));
    } catch (const std::exception&) {
        return fail(path.string() + " does not hold a generation batch");
    }
    return {};
}

} // namespace

Result<void> writeSnapshot(const fs::path& folder, const Snapshot& snapshot, const Adapter* adapter)
{
    auto weights = adapter != nullptr
        ? writeAdapter(folder, *adapter)
        : writeTensors(folder / kFullWeights, snapshot.parameters, { { "format", "pt" } });
    if (!weights)
        return weights;
    const NamedTensors moments{ { "first_moment", snapshot.first_moment },
        { "second_moment", snapshot.second_moment } };
    if (auto written = writeTensors(folder / kOptimizer, moments, {}); !written)
        return written;
    if (snapshot.state.buffer)
        if (auto written = writeTensors(folder / kRollouts, toTensors(*snapshot.state.buffer), {});
            !written)
            return written;
    return writeDurably(folder / kState, toJson(snapshot).dump(1) + "\n");
}

Result<Snapshot> readSnapshot(const fs::path& folder)
{
    Snapshot snapshot;
    if (auto read = readState(folder / kState, snapshot); !read)
        return tl::unexpected(read.error());
    const bool is_adapter = fs::exists(folder / kAdapterWeights);
    auto parameters = readTensors(folder / (is_adapter ? kAdapterWeights : kFullWeights));
    if (!parameters)
        return tl::unexpected(parameters.error());
    snapshot.parameters = std::move(*parameters);
    auto moments = readTensors(folder / kOptimizer);
    if (!moments)
        return tl::unexpected(moments.error());
    if (!moments->contains("first_moment") || !moments->contains("second_moment"))
        return fail((folder / kOptimizer).string() + " does not hold the optimizer's moments");
    snapshot.first_moment = moments->at("first_moment");
    snapshot.second_moment = moments->at("second_moment");
    if (fs::exists(folder / kRollouts))
        if (auto read = readRollouts(folder / kRollouts, snapshot); !read)
            return tl::unexpected(read.error());
    return snapshot;
}

} // namespace zen
