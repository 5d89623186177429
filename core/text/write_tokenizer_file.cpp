#include "core/text/write_tokenizer_file.h"

#include "core/text/pre_tokenizer.h"

#include <nlohmann/json.hpp>

namespace zen {

namespace {

std::string quoted(const std::string& text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string addedTokensJson(const std::vector<TokenizerFile::AddedToken>& added)
{
    std::string json = "[";
    const char* separator = "\n";
    for (const auto& token : added) {
        json += separator;
        json += R"(    {"id": )" + std::to_string(token.id) + R"(, "content": )"
            + quoted(token.content)
            + R"(, "single_word": false, "lstrip": false, "rstrip": false, "normalized": )"
            + (token.normalized ? "true" : "false") + R"(, "special": )"
            + (token.special ? "true}" : "false}");
        separator = ",\n";
    }
    return json + (added.empty() ? "]" : "\n  ]");
}

} // namespace

std::string writeTokenizerFile(const TokenizerFile& file)
{
    const std::string byte_level
        = R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false})";
    std::string json
        = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
    json += "  \"added_tokens\": " + addedTokensJson(file.added_tokens) + ",\n";
    json += "  \"normalizer\": ";
    json += file.normalise ? "{\"type\": \"NFC\"},\n" : "null,\n";
    json
        += R"(  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )"
        + quoted(std::string(kQwenSplitPattern))
        + R"(}, "behavior": "Isolated", "invert": false}, )" + byte_level + "]},\n";
    json += "  \"post_processor\": " + byte_level + ",\n  \"decoder\": " + byte_level + ",\n";
    json
        += R"(  "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "", )"
           R"("end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,)";
    json += "\n    \"vocab\": {";
    const char* separator = "\n";
    for (const auto& [token, id] : file.vocabulary) {
        json += separator;
        json += "      " + quoted(token) + ": " + std::to_string(id);
        separator = ",\n";
    }
    json += "\n    },\n    \"merges\": [";
    separator = "\n";
    for (const auto& [left, right] : file.merges) {
        json += separator;
        json += "      [" + quoted(left) + ", " + quoted(right) + "]";
        separator = ",\n";
    }
    return json + "\n    ]\n  }\n}\n";
}

} // namespace zen
