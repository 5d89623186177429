#pragma once

#include "core/config/schema.h"

#include <QCoreApplication>
#include <QString>

#include <optional>

namespace zen::ui {

// What the form says about a field beyond its row in the schema. Pure functions of the
// configuration.

/// A schema text for Qt; untranslated keys and units stay as they are.
QString fromView(std::string_view text);

/// A label or unit in the language of the window.
QString shown(std::string_view text);

/// The grey words at the right inside the box: a consequence of the value where there is one, else
/// the unit. `rows`: prompts in the training data, if known.
QString hintFor(const Field& field, const TrainingConfig& config, std::optional<std::int64_t> rows);

/// What an empty optional field will be (the value that resolve() gives it); empty for the others.
QString decidedValue(const Field& field, const TrainingConfig& config);

/// Why a field has no effect at present; empty if it has one.
QString whyWithoutEffect(const Field& field, const TrainingConfig& config);

/// Help, raw key, range, default and other spellings, for a plain tooltip.
QString describe(const Field& field);

/// A value as the form shows it in its box: lists joined with commas, text without quotes.
QString displayOf(const FieldValue& value);

/// What was typed as YAML of this field's type; text that the type cannot read is kept as a quoted
/// scalar, so that the file stays valid and the finding points at it. nullopt: empty, back to the
/// default.
std::optional<std::string> yamlFromTyped(const Field& field, const QString& typed);

/// Optimiser steps of the whole run; nullopt while the number of rows is unknown.
std::optional<std::int64_t> totalSteps(
    const TrainingConfig& config, std::optional<std::int64_t> rows);

/// True where the file says something else than the default.
bool isChanged(const Field& field, const TrainingConfig& config);

} // namespace zen::ui
