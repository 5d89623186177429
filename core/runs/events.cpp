#include "core/runs/events.h"

#include "core/runs/json_fields.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

namespace zen {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPhases[] = { "loading", "generating", "scoring", "updating",
    "evaluating", "saving", "paused", "finished" };

/// The shortest decimal that reads back as this float, as a double: halves the size of logged
/// logprobs.
double shortest(float value)
{
    char text[32];
    const auto written = std::to_chars(text, text + sizeof text, value);
    double decimal = 0;
    std::from_chars(text, written.ptr, decimal);
    return static_cast<float>(decimal) == value ? decimal : static_cast<double>(value);
}

/// nlohmann writes non-finite numbers as null by itself; this says that it is meant.
Json number(double value)
{
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json optionalNumber(const std::optional<double>& value)
{
    return value ? number(*value) : Json(nullptr);
}

Json metricsToJson(const Metrics& metrics)
{
    Json object = Json::object();
    for (const auto& [name, value] : metrics)
        object[name] = number(value);
    return object;
}

Json completionToJson(const SampledCompletion& completion)
{
    Json terms = Json::array();
    for (const auto& term : completion.reward_terms)
        terms.push_back(optionalNumber(term));
    Json logprobs = Json::array();
    for (const float logprob : completion.logprobs)
        logprobs.push_back(std::isfinite(logprob) ? Json(shortest(logprob)) : Json(nullptr));
    Json object;
    object["text"] = completion.text;
    object["reward"] = optionalNumber(completion.reward);
    object["reward_terms"] = std::move(terms);
    object["advantage"] = number(completion.advantage);
    object["truncated"] = completion.truncated;
    object["ids"] = completion.ids;
    object["logprobs"] = std::move(logprobs);
    return object;
}

/// Fills a JSON object with an event's name and fields, one overload an event.
struct Writer {
    Json& object;

    void name(const char* event) const { object["event"] = event; }

    void operator()(const RunStarted& event) const
    {
        name("run_started");
        object["run_name"] = event.run_name;
        object["stage"] = event.stage;
        object["model"] = event.model;
        object["first_step"] = event.first_step;
        object["total_steps"] = event.total_steps;
        object["planned_memory_bytes"] = event.planned_memory_bytes;
        object["parameters"] = event.parameters;
        object["trainable_parameters"] = event.trainable_parameters;
        object["weight_type"] = event.weight_type;
    }
    void operator()(const PhaseChanged& event) const
    {
        name("phase_changed");
        object["phase"] = nameOf(event.phase);
        object["step"] = event.step;
        object["fraction"] = number(event.fraction);
    }
    void operator()(const StepFinished& event) const
    {
        name("step_finished");
        object["step"] = event.step;
        object["total_steps"] = event.total_steps;
        object["epoch"] = number(event.epoch);
        object["metrics"] = metricsToJson(event.metrics);
    }
    void operator()(const EvaluationFinished& event) const
    {
        name("evaluation_finished");
        object["step"] = event.step;
        object["metrics"] = metricsToJson(event.metrics);
    }
    void operator()(const CompletionsSampled& event) const
    {
        name("completions_sampled");
        object["step"] = event.step;
        object["reward_names"] = event.reward_names;
        object["groups"] = Json::array();
        for (const SampledGroup& group : event.groups) {
            Json completions = Json::array();
            for (const SampledCompletion& completion : group.completions)
                completions.push_back(completionToJson(completion));
            object["groups"].push_back(Json{ { "prompt", group.prompt }, { "answer", group.answer },
                { "completions", std::move(completions) } });
        }
    }
    void operator()(const LogLine& event) const
    {
        name("log_line");
        object["level"] = event.level;
        object["text"] = event.text;
    }
    void operator()(const CheckpointSaved& event) const
    {
        name("checkpoint_saved");
        object["step"] = event.step;
        object["path"] = event.path;
        object["bytes"] = event.bytes;
    }
    void operator()(const RunFinished& event) const
    {
        name("run_finished");
        object["status"] = event.status;
        object["steps"] = event.steps;
        object["seconds"] = number(event.seconds);
        object["eval_accuracy_before"] = optionalNumber(event.eval_accuracy_before);
        object["eval_accuracy_after"] = optionalNumber(event.eval_accuracy_after);
        object["reward_first"] = optionalNumber(event.reward_first);
        object["reward_last"] = optionalNumber(event.reward_last);
        object["planned_memory_bytes"] = event.planned_memory_bytes;
        object["peak_memory_bytes"] = event.peak_memory_bytes;
    }
    void operator()(const RunFailed& event) const
    {
        name("run_failed");
        object["message"] = event.message;
        object["checkpoint"] = event.checkpoint;
    }
};

RunStarted readRunStarted(JsonFields& fields)
{
    RunStarted event;
    event.run_name = fields.text("run_name");
    event.stage = fields.text("stage");
    event.model = fields.text("model");
    event.first_step = fields.integer("first_step");
    event.total_steps = fields.integer("total_steps");
    event.planned_memory_bytes = fields.size("planned_memory_bytes");
    event.parameters = fields.size("parameters");
    event.trainable_parameters = fields.size("trainable_parameters");
    event.weight_type = fields.text("weight_type");
    return event;
}

PhaseChanged readPhaseChanged(JsonFields& fields)
{
    PhaseChanged event;
    const std::string phase = fields.text("phase");
    const auto* known = std::find(std::begin(kPhases), std::end(kPhases), phase);
    if (known == std::end(kPhases))
        fields.complain("phase", "a known phase");
    else
        event.phase = static_cast<Phase>(known - std::begin(kPhases));
    event.step = fields.integer("step");
    event.fraction = fields.number("fraction");
    return event;
}

SampledCompletion readCompletion(JsonFields fields, std::string& problem)
{
    SampledCompletion completion;
    completion.text = fields.text("text");
    completion.reward = fields.optionalNumber("reward");
    completion.advantage = fields.number("advantage");
    completion.truncated = fields.boolean("truncated");
    fields.forEach("reward_terms", [&](const nlohmann::json& term) {
        completion.reward_terms.push_back(
            term.is_number() ? std::optional(term.get<double>()) : std::nullopt);
    });
    fields.forEach("ids", [&](const nlohmann::json& id) {
        if (id.is_number_integer())
            completion.ids.push_back(id.get<std::int64_t>());
        else
            fields.complain("ids", "a list of integers");
    });
    fields.forEach("logprobs", [&](const nlohmann::json& logprob) {
        completion.logprobs.push_back(logprob.is_number()
                ? static_cast<float>(logprob.get<double>())
                : std::numeric_limits<float>::quiet_NaN());
    });
    if (problem.empty())
        problem = fields.problem();
    return completion;
}

CompletionsSampled readCompletionsSampled(JsonFields& fields)
{
    CompletionsSampled event;
    event.step = fields.integer("step");
    fields.forEach("reward_names", [&](const nlohmann::json& name) {
        event.reward_names.push_back(name.is_string() ? name.get<std::string>() : std::string());
    });
    std::string problem;
    fields.forEach("groups", [&](const nlohmann::json& entry) {
        JsonFields group_fields(entry);
        SampledGroup group;
        group.prompt = group_fields.text("prompt");
        group.answer = group_fields.text("answer");
        group_fields.forEach("completions", [&](const nlohmann::json& completion) {
            group.completions.push_back(readCompletion(JsonFields(completion), problem));
        });
        if (problem.empty())
            problem = group_fields.problem();
        event.groups.push_back(std::move(group));
    });
    if (!problem.empty())
        fields.complain("groups", "well-formed (" + problem + ")");
    return event;
}

Result<Event> readEvent(const std::string& name, JsonFields& fields)
{
    if (name == "run_started")
        return readRunStarted(fields);
    if (name == "phase_changed")
        return readPhaseChanged(fields);
    if (name == "step_finished")
        return StepFinished{ fields.integer("step"), fields.integer("total_steps"),
            fields.number("epoch"), fields.metrics("metrics") };
    if (name == "evaluation_finished")
        return EvaluationFinished{ fields.integer("step"), fields.metrics("metrics") };
    if (name == "completions_sampled")
        return readCompletionsSampled(fields);
    if (name == "log_line")
        return LogLine{ fields.text("level"), fields.text("text") };
    if (name == "checkpoint_saved")
        return CheckpointSaved{ fields.integer("step"), fields.text("path"), fields.size("bytes") };
    if (name == "run_finished")
        return readRunFinished(fields);
    if (name == "run_failed")
        return RunFailed{ fields.text("message"), fields.text("checkpoint") };
    return fail(name.empty() ? "the line has no \"event\"" : "unknown event \"" + name + "\"");
}

} // namespace

std::string_view nameOf(Phase phase)
{
    return kPhases[static_cast<std::size_t>(phase)];
}

RunFinished readRunFinished(JsonFields& fields)
{
    RunFinished event;
    event.status = fields.text("status");
    event.steps = fields.integer("steps");
    event.seconds = fields.number("seconds");
    event.eval_accuracy_before = fields.optionalNumber("eval_accuracy_before");
    event.eval_accuracy_after = fields.optionalNumber("eval_accuracy_after");
    event.reward_first = fields.optionalNumber("reward_first");
    event.reward_last = fields.optionalNumber("reward_last");
    event.planned_memory_bytes = fields.size("planned_memory_bytes");
    event.peak_memory_bytes = fields.size("peak_memory_bytes");
    return event;
}

std::string toJsonLine(const Event& event, std::string_view utc_time)
{
    Json object;
    object["event"] = "";
    object["time"] = utc_time;
    std::visit(Writer{ object }, event);
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Event> fromJsonLine(std::string_view line)
{
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded())
        return fail("not a JSON object");
    if (!object.is_object())
        return fail("a JSON object is expected, not " + std::string(object.type_name()));
    JsonFields fields(object);
    Result<Event> event = readEvent(fields.text("event"), fields);
    if (event && !fields.problem().empty())
        return fail(fields.problem());
    return event;
}

std::string utcNow()
{
    using namespace std::chrono;
    const auto now = system_clock::now();
    const std::time_t seconds = system_clock::to_time_t(now);
    const auto milliseconds
        = duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[40];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(milliseconds));
    return text;
}

} // namespace zen
