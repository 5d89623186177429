#pragma once

#include "core/config/training_config.h"

#include <QString>

#include <string>

namespace zen::ui {

/// "Starter · GSPO" from a model id or folder and a stage.
QString runTitle(const std::string& model, const std::string& stage);

/// "run 14 · rank 8 · temperature 1.0 · 8 completions a prompt"
QString runFacts(const std::string& run_name, const TrainingConfig& config);

/// The name that a stage has in configurations: gspo, grpo, sft.
std::string stageName(Stage stage);

} // namespace zen::ui
