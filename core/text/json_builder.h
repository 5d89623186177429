#pragma once

#include "core/text/json_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zen {

/// Walks a text and notes how far the parser has read, so that refusals have a place as syntax
/// errors do.
class JsonTextIterator {
public:
    using Reached = std::size_t;
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    JsonTextIterator(std::string_view text, std::size_t at, Reached* reached)
        : m_begin(text.data())
        , m_at(text.data() + at)
        , m_reached(reached)
    {
    }
    reference operator*() const { return *m_at; }
    JsonTextIterator& operator++()
    {
        ++m_at;
        *m_reached = static_cast<std::size_t>(m_at - m_begin);
        return *this;
    }
    bool operator==(const JsonTextIterator& other) const { return m_at == other.m_at; }
    bool operator!=(const JsonTextIterator& other) const { return m_at != other.m_at; }

private:
    const char* m_begin;
    const char* m_at;
    Reached* m_reached;
};

/// Receives nlohmann-json's parse events and builds an ordered value within limits; refuses keys
/// given twice. Internal to core/text: the tokenizer's reader puts its own filter in front of it.
class JsonBuilder {
public:
    using Json = nlohmann::ordered_json;

    explicit JsonBuilder(
        const JsonLimits& limits, std::map<std::string, std::string>* number_texts = nullptr)
        : m_limits(limits)
        , m_number_texts(number_texts)
    {
    }

    bool null() { return add(Json(nullptr)); }
    bool boolean(bool value) { return add(Json(value)); }
    bool number_integer(std::int64_t value) { return add(Json(value)); }
    bool number_unsigned(std::uint64_t value) { return add(Json(value)); }
    bool number_float(double value, const std::string& spelling)
    {
        if (m_number_texts && m_open.size() == 1 && m_open.back()->is_object())
            (*m_number_texts)[m_key] = spelling;
        return add(Json(value));
    }
    bool string(std::string& value) { return add(Json(std::move(value))); }
    bool binary(Json::binary_t&) { return refuse("binary values are not JSON"); }
    bool start_object(std::size_t) { return open(Json(Json::value_t::object)); }
    bool start_array(std::size_t) { return open(Json(Json::value_t::array)); }
    bool key(std::string& name)
    {
        m_key = std::move(name);
        return true;
    }
    bool end_object()
    {
        if (const std::optional<std::string> twice = repeatedKey(*m_open.back()))
            return refuse("the key \"" + *twice + "\" is given twice");
        m_open.pop_back();
        return true;
    }
    bool end_array()
    {
        m_open.pop_back();
        return true;
    }
    bool parse_error(
        std::size_t position, const std::string&, const nlohmann::detail::exception& error)
    {
        m_fault = JsonFault{ position == 0 ? 0 : position - 1, jsonFaultText(error.what()) };
        return false;
    }

    /// Ends the parse with a reason; for the filter in front as well.
    bool refuse(std::string message)
    {
        m_refusal = std::move(message);
        return false;
    }

    std::size_t depth() const { return m_open.size(); }

    /// Why the parse ended, for a text of `size` bytes of which `reached` had been read.
    JsonFault fault(std::size_t size, std::size_t reached) const
    {
        JsonFault fault = m_fault.value_or(JsonFault{ reached == 0 ? 0 : reached - 1, m_refusal });
        fault.offset = std::min(fault.offset, size);
        return fault;
    }
    Json take() { return std::move(m_root); }

private:
    bool add(Json&& value) { return place(std::move(value)) != nullptr; }

    bool open(Json&& container)
    {
        if (m_open.size() >= m_limits.max_depth)
            return refuse("nested deeper than " + std::to_string(m_limits.max_depth) + " levels");
        Json* placed = place(std::move(container));
        if (!placed)
            return false;
        m_open.push_back(placed);
        return true;
    }

    Json* place(Json&& value)
    {
        if (++m_values > m_limits.max_values) {
            refuse("more than " + std::to_string(m_limits.max_values) + " values");
            return nullptr;
        }
        if (m_open.empty()) {
            m_root = std::move(value);
            return &m_root;
        }
        Json& parent = *m_open.back();
        if (parent.is_array()) {
            auto& items = parent.get_ref<Json::array_t&>();
            items.push_back(std::move(value));
            return &items.back();
        }
        // The object is a vector of pairs: appended without its linear search, checked when it is
        // closed.
        auto& members = static_cast<Json::object_t::Container&>(parent.get_ref<Json::object_t&>());
        members.emplace_back(std::move(m_key), std::move(value));
        m_key.clear();
        return &members.back().second;
    }

    static std::optional<std::string> repeatedKey(const Json& object)
    {
        const auto& members = object.get_ref<const Json::object_t&>();
        if (members.size() < 2)
            return std::nullopt;
        std::vector<std::string_view> names;
        names.reserve(members.size());
        for (const auto& member : members)
            names.push_back(member.first);
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        return twice == names.end() ? std::nullopt : std::optional<std::string>(*twice);
    }

    JsonLimits m_limits;
    std::map<std::string, std::string>* m_number_texts;
    Json m_root;
    std::vector<Json*> m_open;
    std::string m_key;
    std::size_t m_values = 0;
    std::optional<JsonFault> m_fault;
    std::string m_refusal = "not JSON";
};

} // namespace zen
