#include "core/fetch/hub_settings.h"

#include "core/base/durable_file.h"
#include "core/weights/checkpoint_folder.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <initializer_list>
#include <vector>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestToken = 4096;

/// The first of these variables that is set and not empty.
std::string firstOf(std::initializer_list<const char*> names)
{
    for (const char* name : names)
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
            return value;
    return {};
}

bool isTrue(std::string value)
{
    std::transform(value.begin(), value.end(), value.begin(),
        [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string trimmed(const std::string& text)
{
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

fs::path tokenFile()
{
    if (const std::string path = firstOf({ "HF_TOKEN_PATH" }); !path.empty())
        return path;
    const std::vector<fs::path> homes = hubHomes();
    return homes.empty() ? fs::path() : homes.front() / "token";
}

Result<std::string> readToken()
{
    if (isTrue(firstOf({ "HF_HUB_DISABLE_IMPLICIT_TOKEN" })))
        return std::string();
    std::string source = "HF_TOKEN";
    std::string token = trimmed(firstOf({ "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN" }));
    if (token.empty()) {
        const fs::path file = tokenFile();
        std::error_code ignored;
        if (file.empty() || !fs::exists(file, ignored))
            return std::string();
        const auto text = readFile(file, kLongestToken);
        if (!text)
            return tl::unexpected(text.error());
        source = file.string();
        token = trimmed(*text);
    }
    if (token.size() > kLongestToken
        || std::any_of(
            token.begin(), token.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }))
        return fail("the token in " + source + " has characters that no token has");
    return token;
}

} // namespace

Result<HubSettings> hubSettings()
{
    HubSettings settings;
    if (std::string endpoint = trimmed(firstOf({ "HF_ENDPOINT" })); !endpoint.empty()) {
        while (endpoint.ends_with('/'))
            endpoint.pop_back();
        if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://"))
            return fail("HF_ENDPOINT is " + endpoint
                + "; it must begin with https:// or http://, e.g. https://huggingface.co");
        settings.endpoint = std::move(endpoint);
    }
    auto token = readToken();
    if (!token)
        return tl::unexpected(token.error());
    settings.token = std::move(*token);
    const std::vector<fs::path> caches = hubCacheFolders();
    if (caches.empty())
        return fail("no place to keep weights: set HF_HOME (or HOME) to a folder, or name one");
    settings.cache = caches.front();
    settings.ca_file = firstOf({ "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE" });
    settings.offline = isTrue(firstOf({ "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE" }));
    return settings;
}

} // namespace zen
