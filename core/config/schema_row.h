#pragma once

#include "core/config/schema.h"

#include <array>
#include <cassert>
#include <type_traits>
#include <utility>

// How a row of the schema is deduced from the member it describes. Only the schema_rows_*.cpp files
// and schema.cpp include this.

namespace zen {

// The words of each choice, in the order of the form.

template <class E> struct ChoiceWord {
    E value;
    std::string_view word;
};

template <class E> inline constexpr auto kChoiceWords = std::array<ChoiceWord<E>, 0>{};

template <>
inline constexpr auto kChoiceWords<Stage> = std::to_array<ChoiceWord<Stage>>(
    { { Stage::gspo, "gspo" }, { Stage::grpo, "grpo" }, { Stage::sft, "sft" } });

template <>
inline constexpr auto kChoiceWords<FinetuningType> = std::to_array<ChoiceWord<FinetuningType>>(
    { { FinetuningType::lora, "lora" }, { FinetuningType::full, "full" } });

template <>
inline constexpr auto kChoiceWords<LossType> = std::to_array<ChoiceWord<LossType>>(
    { { LossType::grpo, "grpo" }, { LossType::bnpo, "bnpo" }, { LossType::dr_grpo, "dr_grpo" },
        { LossType::dapo, "dapo" } });

template <>
inline constexpr auto kChoiceWords<ImportanceLevel> = std::to_array<ChoiceWord<ImportanceLevel>>(
    { { ImportanceLevel::token, "token" }, { ImportanceLevel::sequence, "sequence" } });

template <>
inline constexpr auto kChoiceWords<ScaleRewards> = std::to_array<ChoiceWord<ScaleRewards>>(
    { { ScaleRewards::group, "group" }, { ScaleRewards::batch, "batch" },
        { ScaleRewards::none, "none" } });

template <>
inline constexpr auto
    kChoiceWords<RewardAggregation> = std::to_array<ChoiceWord<RewardAggregation>>(
        { { RewardAggregation::sum_then_normalize, "sum_then_normalize" },
            { RewardAggregation::normalize_then_sum, "normalize_then_sum" } });

template <>
inline constexpr auto kChoiceWords<SchedulerType> = std::to_array<ChoiceWord<SchedulerType>>(
    { { SchedulerType::linear, "linear" }, { SchedulerType::cosine, "cosine" },
        { SchedulerType::cosine_with_min_lr, "cosine_with_min_lr" },
        { SchedulerType::constant, "constant" },
        { SchedulerType::constant_with_warmup, "constant_with_warmup" } });

template <>
inline constexpr auto kChoiceWords<WeightType> = std::to_array<ChoiceWord<WeightType>>(
    { { WeightType::automatic, "auto" }, { WeightType::bfloat16, "bfloat16" },
        { WeightType::float32, "float32" } });

template <>
inline constexpr auto kChoiceWords<Quantization> = std::to_array<ChoiceWord<Quantization>>(
    { { Quantization::none, "none" }, { Quantization::nf4, "4bit" } });

template <>
inline constexpr auto kChoiceWords<EvalStrategy> = std::to_array<ChoiceWord<EvalStrategy>>(
    { { EvalStrategy::no, "no" }, { EvalStrategy::steps, "steps" },
        { EvalStrategy::epoch, "epoch" } });

template <class T> struct OptionalOf {
    using Value = T;
    static constexpr bool is_optional = false;
};
template <class T> struct OptionalOf<std::optional<T>> {
    using Value = T;
    static constexpr bool is_optional = true;
};

template <class T> constexpr FieldType fieldTypeOf()
{
    if constexpr (std::is_same_v<T, bool>)
        return FieldType::boolean;
    else if constexpr (std::is_same_v<T, std::int64_t>)
        return FieldType::integer;
    else if constexpr (std::is_same_v<T, double>)
        return FieldType::real;
    else if constexpr (std::is_same_v<T, std::string>)
        return FieldType::text;
    else if constexpr (std::is_same_v<T, std::vector<std::string>>)
        return FieldType::text_list;
    else if constexpr (std::is_same_v<T, std::vector<RewardTermSpec>>)
        return FieldType::rewards;
    else {
        static_assert(std::is_enum_v<T> && !kChoiceWords<T>.empty(),
            "a choice needs its words in kChoiceWords");
        return FieldType::choice;
    }
}

template <class T> FieldValue toFieldValue(const T& value)
{
    if constexpr (OptionalOf<T>::is_optional) {
        return value ? toFieldValue(*value) : FieldValue{};
    } else if constexpr (std::is_enum_v<T>) {
        for (const auto& choice : kChoiceWords<T>)
            if (choice.value == value)
                return std::string(choice.word);
        return {};
    } else {
        return value;
    }
}

template <class T> void assignFieldValue(T& target, const FieldValue& value)
{
    if constexpr (OptionalOf<T>::is_optional) {
        if (std::holds_alternative<std::monostate>(value)) {
            target.reset();
            return;
        }
        typename OptionalOf<T>::Value inner{};
        assignFieldValue(inner, value);
        target = inner;
    } else if constexpr (std::is_enum_v<T>) {
        const auto* word = std::get_if<std::string>(&value);
        assert(word);
        for (const auto& choice : kChoiceWords<T>)
            if (word && choice.word == *word)
                target = choice.value;
    } else {
        if constexpr (std::is_same_v<T, double>)
            if (const auto* whole = std::get_if<std::int64_t>(&value)) {
                target = static_cast<double>(*whole);
                return;
            }
        const auto* typed = std::get_if<T>(&value);
        assert(typed);
        if (typed)
            target = *typed;
    }
}

/// What a person writes about one member; the rest of the Field is deduced from `Member`.
template <auto Member> struct Row {
    std::string_view key;
    std::string_view label;
    std::string_view unit = "";
    std::string_view help;
    double minimum = 0;
    double maximum = 0;
    bool minimum_open = false;
    bool advanced = false;
    bool rl_only = false;
    bool is_path = false;
    std::string_view group = ""; ///< empty: the section's
    std::vector<std::string_view> suggestions = {};
    std::vector<std::string_view> aliases = {};
};

template <auto Member> struct MemberOf;
template <class Section, class T, T Section::*Member> struct MemberOf<Member> {
    using Type = T;
    using Owner = Section;
};

template <auto Section, auto Member> Field makeField(std::string_view group, Row<Member> row)
{
    using T = typename MemberOf<Member>::Type;
    using Value = typename OptionalOf<T>::Value;
    Field field;
    field.key = row.key;
    field.type = row.is_path ? FieldType::path : fieldTypeOf<Value>();
    field.group = row.group.empty() ? group : row.group;
    field.label = row.label;
    field.unit = row.unit;
    field.help = row.help;
    field.minimum = row.minimum;
    field.maximum = row.maximum;
    field.minimum_open = row.minimum_open;
    field.choices = std::move(row.suggestions);
    if constexpr (std::is_enum_v<Value>)
        for (const auto& choice : kChoiceWords<Value>)
            field.choices.push_back(choice.word);
    field.aliases = std::move(row.aliases);
    field.optional = OptionalOf<T>::is_optional;
    field.advanced = row.advanced;
    field.rl_only = row.rl_only;
    field.get
        = [](const TrainingConfig& config) { return toFieldValue((config.*Section).*Member); };
    field.set = [](TrainingConfig& config, const FieldValue& value) {
        assignFieldValue((config.*Section).*Member, value);
    };
    return field;
}

struct AnyMember {
    template <class T> constexpr operator T() const { return T{}; }
};

template <class Section, std::size_t... I> constexpr bool takesMembers(std::index_sequence<I...>)
{
    return requires
    {
        Section{ ((void)I, AnyMember{})... };
    };
}

/// How many members an aggregate has.
template <class Section, std::size_t N = 1> constexpr std::size_t memberCount()
{
    if constexpr (takesMembers<Section>(std::make_index_sequence<N + 1>{}))
        return memberCount<Section, N + 1>();
    else
        return N;
}

template <auto Member, auto... Others> constexpr bool occursOnce()
{
    return ((std::is_same_v<Row<Member>, Row<Others>> ? 1 : 0) + ...) == 1;
}

/// The fields of one section of TrainingConfig. Does not compile if a member has no row, or two.
template <auto Section, auto... Members>
std::vector<Field> fieldsOf(std::string_view group, Row<Members>... rows)
{
    using Type = typename MemberOf<Section>::Type;
    static_assert((std::is_same_v<typename MemberOf<Members>::Owner, Type> && ...),
        "a row of another section");
    static_assert(sizeof...(Members) == memberCount<Type>(), "a member of this section has no row");
    static_assert((occursOnce<Members, Members...>() && ...), "two rows for one member");
    std::vector<Field> fields;
    fields.reserve(sizeof...(Members));
    (fields.push_back(makeField<Section, Members>(group, std::move(rows))), ...);
    return fields;
}

std::vector<Field> modelFields();
std::vector<Field> adapterFields();
std::vector<Field> dataFields();
std::vector<Field> batchFields();
std::vector<Field> algorithmFields();
std::vector<Field> samplingFields();
std::vector<Field> optimizerFields();
std::vector<Field> memoryFields();
std::vector<Field> runFields();

} // namespace zen
