#include "core/fetch/hub_listing.h"

#include "core/base/log.h"
#include "core/text/json_reader.h"

#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace zen {

namespace {

constexpr std::size_t kLongestId = 96; ///< the hub's own bound
constexpr std::size_t kLongestName = 255; ///< of a file or folder, in bytes
constexpr std::size_t kLongestPath = 1024;
constexpr std::uint64_t kLargestFile = std::uint64_t{ 1 } << 48;
constexpr std::string_view kIndex = "model.safetensors.index.json";

bool isPlain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
        || c == '_' || c == '.' || c == '~';
}

bool isHex(std::string_view text, std::size_t digits)
{
    return text.size() == digits
        && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string percentEncoded(std::string_view text, bool keep_slash)
{
    static constexpr std::string_view kUpperHex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (isPlain(c) || (c == '/' && keep_slash))
            encoded += c;
        else
            encoded += { '%', kUpperHex[byte >> 4U], kUpperHex[byte & 15U] };
    }
    return encoded;
}

/// Empty if joining `path` to a folder stays inside it; else what is wrong.
std::string whatIsWrongWithPath(std::string_view path)
{
    if (path.empty() || path.size() > kLongestPath)
        return "it is empty or too long";
    for (const char c : path)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\')
            return "it has a backslash or a control character";
    while (true) {
        const auto slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (part.empty() || part == "." || part == ".." || part.size() > kLongestName)
            return "it leads out of its folder";
        if (slash == std::string_view::npos)
            return {};
        path.remove_prefix(slash + 1);
    }
}

Result<HubFile> readListedFile(const nlohmann::ordered_json& item)
{
    HubFile file;
    if (!item.is_object() || !item.contains("rfilename") || !item["rfilename"].is_string())
        return fail("a file of the list has no name");
    file.name = item["rfilename"].get<std::string>();
    const std::string shown = "\"" + printable(file.name.substr(0, kLongestName)) + "\"";
    if (const std::string wrong = whatIsWrongWithPath(file.name); !wrong.empty())
        return fail("the server lists a file " + shown + ", which is refused: " + wrong);
    const bool is_large = item.contains("lfs") && item["lfs"].is_object();
    const nlohmann::ordered_json& source = is_large ? item["lfs"] : item;
    const char* hash = is_large ? "sha256" : "blobId";
    if (!source.contains("size") || !source["size"].is_number_unsigned())
        return fail("the server states no size for " + shown);
    file.size = source["size"].get<std::uint64_t>();
    if (file.size > kLargestFile)
        return fail("the server states " + std::to_string(file.size) + " bytes for " + shown
            + ", more than any file has");
    if (!source.contains(hash) || !source[hash].is_string()
        || !isHex(source[hash].get_ref<const std::string&>(), is_large ? 64 : 40))
        return fail("the server states no hash for " + shown + ", so it could not be verified");
    file.id = source[hash].get<std::string>();
    return file;
}

/// The later, the more a folder looks like a whole model.
int turnOf(std::string_view name)
{
    if (name == kIndex)
        return 3;
    if (name == "model.safetensors")
        return 2;
    return name.ends_with(".safetensors") ? 1 : 0;
}

} // namespace

ContentDigest HubFile::digest() const
{
    return id.size() == 64 ? ContentDigest::sha256() : ContentDigest::gitBlob(size);
}

std::string whatIsWrongWithId(std::string_view id)
{
    static constexpr std::string_view kForm
        = "write it as on the hub: an organisation and a name, e.g. Qwen/Qwen3-0.6B";
    const std::string shown = "\"" + printable(id.substr(0, kLongestId)) + "\"";
    if (id == "zen/starter")
        return "zen/starter ships with the program; there is nothing to fetch";
    bool fits = !id.empty() && id.size() <= kLongestId && std::count(id.begin(), id.end(), '/') <= 1
        && id.find("..") == std::string_view::npos && id.find("--") == std::string_view::npos;
    for (std::string_view rest = id; fits;) {
        const auto slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        fits = !part.empty() && part.front() != '-' && part.front() != '.' && part.back() != '-'
            && part.back() != '.'
            && std::all_of(part.begin(), part.end(), [](char c) { return isPlain(c) && c != '~'; });
        if (slash == std::string_view::npos)
            break;
        rest.remove_prefix(slash + 1);
    }
    return fits ? std::string() : shown + " is no repository: " + std::string(kForm);
}

std::string whatIsWrongWithRevision(std::string_view revision)
{
    const std::string wrong = whatIsWrongWithPath(revision);
    if (wrong.empty() && revision.find_first_of(" ~^:?*[") == std::string_view::npos)
        return {};
    return "\"" + printable(revision.substr(0, kLongestName))
        + "\" is no revision: give a branch, a tag or a commit, e.g. main";
}

std::string listingUrl(
    const std::string& endpoint, const std::string& id, const std::string& revision)
{
    return endpoint + "/api/models/" + percentEncoded(id, true) + "/revision/"
        + percentEncoded(revision, false) + "?blobs=true";
}

std::string fileUrl(const std::string& endpoint, const std::string& id, const std::string& commit,
    const std::string& file)
{
    return endpoint + "/" + percentEncoded(id, true) + "/resolve/" + commit + "/"
        + percentEncoded(file, true);
}

Result<HubListing> parseListing(std::string_view json)
{
    const auto read = readJson(json);
    if (!read)
        return fail("the server's list of files is not JSON: " + read.error().message);
    if (!read->is_object() || !read->contains("sha") || !(*read)["sha"].is_string()
        || !isHex((*read)["sha"].get_ref<const std::string&>(), 40))
        return fail("the server's list of files names no commit");
    HubListing listing;
    listing.commit = (*read)["sha"].get<std::string>();
    if (!read->contains("siblings") || !(*read)["siblings"].is_array())
        return fail("the server's answer has no list of files");
    std::set<std::string> names;
    std::uint64_t bytes = 0;
    for (const auto& item : (*read)["siblings"]) {
        auto file = readListedFile(item);
        if (!file)
            return tl::unexpected(file.error());
        if (!names.insert(file->name).second)
            return fail("the server lists " + printable(file->name) + " twice");
        if (__builtin_add_overflow(bytes, file->size, &bytes))
            return fail("the server lists more bytes than can be counted");
        listing.files.push_back(std::move(*file));
    }
    return listing;
}

bool isNeeded(std::string_view name)
{
    if (name.find('/') != std::string_view::npos)
        return false;
    for (const std::string_view wanted :
        { std::string_view("config.json"), std::string_view("generation_config.json"),
            std::string_view("special_tokens_map.json"), std::string_view("added_tokens.json"),
            kIndex })
        if (name == wanted)
            return true;
    return name.starts_with("tokenizer") || name.starts_with("chat_template.")
        || name.starts_with("LICENSE") || name.ends_with(".safetensors");
}

Result<std::vector<HubFile>> selectFiles(
    const HubListing& listing, const std::vector<std::string>& patterns)
{
    std::vector<HubFile> selected;
    bool has_weights = false;
    for (const HubFile& file : listing.files) {
        const bool wanted = patterns.empty()
            ? isNeeded(file.name)
            : std::any_of(patterns.begin(), patterns.end(), [&file](const std::string& pattern) {
                  return ::fnmatch(pattern.c_str(), file.name.c_str(), 0) == 0;
              });
        if (!wanted)
            continue;
        has_weights = has_weights || file.name.ends_with(".safetensors");
        selected.push_back(file);
    }
    if (patterns.empty() && !has_weights)
        return fail("the repository has no .safetensors files, so there are no weights to train "
                    "(it has "
            + std::to_string(listing.files.size()) + " other files; --include takes some of them)");
    if (selected.empty())
        return fail("no file of the repository matches " + patterns.front()
            + (patterns.size() > 1 ? " or the other patterns" : ""));
    std::stable_sort(selected.begin(), selected.end(),
        [](const HubFile& a, const HubFile& b) { return turnOf(a.name) < turnOf(b.name); });
    return selected;
}

} // namespace zen
