#pragma once

#include "core/runs/events.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace zen {

/// Reads the members of a JSON object leniently: an absent one gives the default, one of another
/// type is noted as the problem and gives the default. For sources of core/runs only.
class JsonFields {
public:
    explicit JsonFields(const nlohmann::json& object)
        : m_object(object)
    {
        if (!object.is_object())
            m_problem = "an object is expected";
    }

    const std::string& problem() const { return m_problem; }
    void complain(const std::string& key, const std::string& expected)
    {
        if (m_problem.empty())
            m_problem = "\"" + key + "\" is not " + expected;
    }

    std::string text(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr)
            return {};
        if (value->is_string())
            return value->get<std::string>();
        complain(key, "text");
        return {};
    }
    std::int64_t integer(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr || value->is_null())
            return 0;
        if (value->is_number_integer())
            return value->get<std::int64_t>();
        complain(key, "an integer");
        return 0;
    }
    std::uint64_t size(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr || value->is_null())
            return 0;
        if (value->is_number_unsigned())
            return value->get<std::uint64_t>();
        complain(key, "a size");
        return 0;
    }
    bool boolean(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr)
            return false;
        if (value->is_boolean())
            return value->get<bool>();
        complain(key, "true or false");
        return false;
    }
    /// null stands for a number that was not finite.
    double number(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr)
            return 0;
        if (value->is_null())
            return std::numeric_limits<double>::quiet_NaN();
        if (value->is_number())
            return value->get<double>();
        complain(key, "a number");
        return 0;
    }
    std::optional<double> optionalNumber(const char* key)
    {
        const auto* value = find(key);
        if (value == nullptr || value->is_null())
            return std::nullopt;
        return number(key);
    }
    Metrics metrics(const char* key)
    {
        Metrics metrics;
        const auto* value = find(key);
        if (value == nullptr)
            return metrics;
        if (!value->is_object())
            complain(key, "an object");
        else
            for (const auto& [name, entry] : value->items())
                if (entry.is_null())
                    metrics[name] = std::numeric_limits<double>::quiet_NaN();
                else if (entry.is_number())
                    metrics[name] = entry.get<double>();
                else
                    complain(name, "a number");
        return metrics;
    }
    template <class Visit> void forEach(const char* key, Visit visit)
    {
        const auto* value = find(key);
        if (value == nullptr)
            return;
        if (!value->is_array())
            complain(key, "a list");
        else
            for (const auto& entry : *value)
                visit(entry);
    }

private:
    const nlohmann::json* find(const char* key) const
    {
        if (!m_object.is_object())
            return nullptr;
        const auto found = m_object.find(key);
        return found == m_object.end() ? nullptr : &*found;
    }

    const nlohmann::json& m_object;
    std::string m_problem;
};

/// The members that run_finished and summary.json share.
RunFinished readRunFinished(JsonFields& fields);

} // namespace zen
