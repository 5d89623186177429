#pragma once

#include "core/data/dataset.h"
#include "core/data/dataset_info.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>

namespace zen {

/// Turns the rows of one file into examples. Which columns hold what is settled by the
/// configuration, then by the layout, then by the names in the file's first row; every further row
/// must have the same.
class RowColumns {
public:
    /// Errors: `first_row` has no column that could be the prompt.
    static Result<RowColumns> choose(const nlohmann::ordered_json& first_row,
        const DatasetLayout& layout, const DataSection& options);

    /// Errors say what is missing or of the wrong type. `number_texts`: see readJson. `source`
    /// stays empty.
    Result<Example> example(const nlohmann::ordered_json& row,
        const std::map<std::string, std::string>& number_texts) const;

private:
    Result<std::vector<Message>> promptOf(const nlohmann::ordered_json& row) const;
    Result<void> addHistory(const nlohmann::ordered_json& row, std::vector<Message>& prompt) const;
    Result<void> addSystem(const nlohmann::ordered_json& row, std::vector<Message>& prompt) const;
    Result<void> takeResponse(const nlohmann::ordered_json& row, Example& example) const;
    Result<void> takeTools(const nlohmann::ordered_json& row, Example& example) const;

    DatasetLayout m_layout;
    std::string m_system_prompt;
    std::string m_prompt; ///< text, or a list of messages
    std::string m_query; ///< appended to the prompt; empty: none
    std::string m_response; ///< empty: none, or the conversation's last turn
    std::string m_history; ///< pairs of earlier turns; empty: none
    bool m_response_was_named
        = false; ///< by the configuration: it counts more than the conversation's last turn
};

} // namespace zen
