#pragma once

#include "core/train/export_source.h"

#include <string>
#include <vector>

namespace zen {

/// What a card says besides what the run folder tells.
struct ModelCardFacts {
    std::string library; ///< the hub's library_name: transformers, peft, gguf
    std::string contents; ///< one sentence: what lies in this folder
    std::string how_to_load; ///< Markdown, code fences included
    std::string license; ///< licenseOf() of the base
    bool has_curve = false; ///< reward.svg lies beside the card
};

/// README.md for an exported model: front matter of the hub, results, reward curve, how to load it,
/// licence, the run's configuration.
std::string modelCard(const ExportSource& source, const ModelCardFacts& facts);

/// A small picture of a curve with its first, last, smallest and largest value; empty for fewer
/// than two values.
std::string curveSvg(const std::vector<double>& values, const std::string& title);

/// The same in one line of block characters, at most `width` of them.
std::string sparkline(const std::vector<double>& values, std::size_t width);

/// The licence that the model's own card declares ("apache-2.0"); empty if it says nothing.
std::string licenseOf(const ExportSource& source);

} // namespace zen
