#include "core/fetch/fetch_model.h"

#include "core/base/byte_text.h"
#include "core/base/durable_file.h"
#include "core/base/log.h"
#include "core/base/machine.h"
#include "core/fetch/fetch_file.h"
#include "core/fetch/hub_cache.h"
#include "core/fetch/hub_listing.h"
#include "core/plan/memory_plan.h"

#include <nlohmann/json.hpp>

#include <set>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestListing = std::size_t{ 64 } << 20;
constexpr std::uint64_t kSpareBytes = std::uint64_t{ 64 } << 20; ///< left free on the disk

/// What a server's refusal means for whoever asked for `what`.
std::string explain(const HttpOutcome& answer, const FetchRequest& request,
    const HubSettings& settings, const std::string& file)
{
    const std::string& id = request.id;
    const int status = answer.head.status;
    if (status == 401 || status == 403)
        return answer.message + ". "
            + (settings.token.empty()
                    ? "To read " + id + " the hub wants a token: make one at " + settings.endpoint
                        + "/settings/tokens and set HF_TOKEN to it, or write it into the file "
                          "`token` of HF_HOME (~/.cache/huggingface/token). "
                    : "The token that was sent does not open " + id + ". ")
            + "If its licence has to be accepted, do that first, signed in, at " + settings.endpoint
            + "/" + id + ". A repository that does not exist gives the same answer: check the name";
    if (status == 404 && file.empty())
        return "there is no repository " + id + " with a revision " + request.revision + " at "
            + settings.endpoint + " (" + answer.message + "); check the name and --revision";
    if (status == 404)
        return id + " has no file " + file + " (" + answer.message
            + "), though the hub lists it; fetch again later";
    return answer.message + " for " + (file.empty() ? id : file) + "; fetch again later";
}

/// One fetch from its list of files to its last one.
class ModelFetch {
public:
    ModelFetch(const FetchRequest& request, const HubSettings& settings,
        const ReportProgress& report, const std::stop_token& stop, const RetryPolicy& patience)
        : m_request(request)
        , m_settings(settings)
        , m_stop(stop)
        , m_meter(report)
        , m_client(
              HttpOptions{ settings.endpoint, settings.token, settings.ca_file }, patience, m_meter)
    {
    }

    Result<FetchedModel> run();

private:
    Result<HubListing> list(); ///< empty commit: stopped
    Result<std::vector<HubFile>> findMissing(
        const std::vector<HubFile>& files, const ModelPlace& place);
    Result<void> checkSpace(const std::vector<HubFile>& missing, const ModelPlace& place) const;
    Result<bool> fetch(const HubFile& file, const ModelPlace& place); ///< false: stopped

    const FetchRequest& m_request;
    const HubSettings& m_settings;
    const std::stop_token& m_stop;
    ProgressMeter m_meter;
    RetryingClient m_client;
    FetchedModel m_result;
};

Result<HubListing> ModelFetch::list()
{
    std::string text;
    Download download;
    download.url = listingUrl(m_settings.endpoint, m_request.id, m_request.revision);
    download.start = [] { return std::uint64_t{ 0 }; };
    download.is_whole = [] { return true; };
    download.body.begin = [&text](const HttpHead&) -> Result<void> {
        text.clear();
        return {};
    };
    download.body.bytes = [&text](std::string_view bytes) -> Result<void> {
        if (text.size() + bytes.size() > kLongestListing)
            return fail("the server's list of files does not end");
        text += bytes;
        return {};
    };
    m_meter.setPhase(FetchProgress::Phase::listing);
    const HttpOutcome answer = m_client.get(download, m_stop);
    if (answer.end == HttpEnd::stopped)
        return HubListing{};
    if (answer.end == HttpEnd::refused)
        return fail(explain(answer, m_request, m_settings, {}));
    if (answer.end == HttpEnd::unreachable)
        return fail(m_settings.endpoint + " cannot be reached (" + answer.message
            + "); check the network, the proxy variables and HF_ENDPOINT");
    if (answer.end != HttpEnd::complete)
        return fail(answer.message);
    auto listing = parseListing(text);
    if (!listing)
        return fail(m_settings.endpoint + ": " + listing.error().message);
    return listing;
}

Result<std::vector<HubFile>> ModelFetch::findMissing(
    const std::vector<HubFile>& files, const ModelPlace& place)
{
    std::vector<HubFile> missing;
    std::string strangers;
    for (const HubFile& file : files) {
        const fs::path shown = place.placeOf(file).shown;
        std::error_code ignored;
        bool is_here = place.hasInCache(file);
        if (!place.isCache() && fs::exists(fs::symlink_status(shown, ignored))) {
            const auto same = isSameFile(file, shown, m_meter, m_stop);
            if (!same)
                return tl::unexpected(same.error());
            if (!same->has_value())
                return missing; // stopped
            is_here = **same;
            if (!is_here)
                strangers += (strangers.empty() ? "" : ", ") + file.name;
        }
        if (!is_here) {
            missing.push_back(file);
            continue;
        }
        if (auto shown_now = place.show(file); !shown_now)
            return tl::unexpected(shown_now.error());
        if (place.isCache()) {
            m_meter.startFile(file.name, file.size);
            m_meter.setPhase(FetchProgress::Phase::checking);
        }
        m_meter.finishFile();
    }
    if (!strangers.empty())
        return otherFilesThere(place.folder(), strangers);
    return missing;
}

Result<void> ModelFetch::checkSpace(
    const std::vector<HubFile>& missing, const ModelPlace& place) const
{
    std::uint64_t needed = 0;
    std::set<fs::path> counted; // two names may share a blob
    for (const HubFile& file : missing) {
        const FilePlace on_disk = place.placeOf(file);
        if (!counted.insert(on_disk.final).second)
            continue;
        std::error_code error;
        const auto there = fs::file_size(on_disk.incomplete, error);
        needed += error || there > file.size ? file.size : file.size - there;
    }
    const std::uint64_t free_bytes = freeDiskBytes(place.folder());
    if (needed == 0 || free_bytes == 0 || needed + kSpareBytes <= free_bytes)
        return {};
    return fail("too little space: " + formatBytes(needed) + " are to be fetched and "
        + formatBytes(free_bytes) + " are free where " + place.folder().string()
        + " lies; make room, or choose another disk with HF_HOME or --to");
}

Result<bool> ModelFetch::fetch(const HubFile& file, const ModelPlace& place)
{
    m_meter.startFile(file.name, file.size);
    const std::string url = fileUrl(m_settings.endpoint, m_request.id, m_result.commit, file.name);
    const bool was_here = place.hasInCache(file); // under another name, a moment ago
    if (!was_here) {
        const auto outcome = fetchFile(file, place.placeOf(file), url, m_client, m_meter, m_stop);
        if (!outcome)
            return tl::unexpected(outcome.error());
        if (outcome->end == FileEnd::stopped)
            return false;
        if (outcome->end == FileEnd::refused)
            return fail(explain(outcome->answer, m_request, m_settings, file.name));
        m_result.fetched_bytes += file.size;
    }
    if (auto shown = place.show(file); !shown)
        return tl::unexpected(shown.error());
    m_meter.finishFile();
    return true;
}

Result<FetchedModel> ModelFetch::run()
{
    const auto listing = list();
    if (!listing)
        return tl::unexpected(listing.error());
    m_result.stopped = m_stop.stop_requested();
    if (m_result.stopped)
        return m_result;
    m_result.commit = listing->commit;
    const auto files = selectFiles(*listing, m_request.patterns);
    if (!files)
        return fail(m_request.id + ": " + files.error().message);
    for (const HubFile& file : *files)
        m_result.bytes += file.size;
    m_result.files = files->size();
    const ModelPlace place = m_request.folder.empty()
        ? ModelPlace::inCache(m_settings.cache, m_request.id, listing->commit)
        : ModelPlace::inFolder(m_request.folder);
    m_result.folder = place.folder();
    m_meter.begin(files->size(), m_result.bytes);
    const auto missing = findMissing(*files, place);
    if (!missing)
        return tl::unexpected(missing.error());
    m_result.stopped = m_stop.stop_requested();
    if (m_result.stopped)
        return m_result;
    if (auto fits = checkSpace(*missing, place); !fits)
        return tl::unexpected(fits.error());
    for (const HubFile& file : *missing) {
        const auto done = fetch(file, place);
        if (!done)
            return tl::unexpected(done.error());
        m_result.stopped = !*done;
        if (m_result.stopped)
            return m_result;
    }
    if (auto named = place.nameRevision(m_request.revision); !named)
        return tl::unexpected(named.error());
    return m_result;
}

/// The first file of a whole model that a folder has not; empty if it has all.
std::string missingIn(const fs::path& folder)
{
    const auto isThere = [&folder](const std::string& name) {
        std::error_code ignored;
        return fs::is_regular_file(folder / name, ignored); // a link to nowhere is none
    };
    if (!isThere("config.json"))
        return "config.json";
    if (isThere("model.safetensors"))
        return {};
    const auto text = readFile(folder / "model.safetensors.index.json", kLongestListing);
    const auto index = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
    if (!index.is_object() || !index.contains("weight_map"))
        return "model.safetensors";
    for (const auto& [tensor, shard] : index["weight_map"].items())
        if (shard.is_string() && !isThere(shard.get<std::string>()))
            return shard.get<std::string>();
    return {};
}

Result<FetchedModel> findOffline(const FetchRequest& request, const HubSettings& settings)
{
    const std::string commit = request.folder.empty()
        ? cachedCommit(settings.cache, request.id, request.revision)
        : std::string();
    if (commit.empty())
        return fail("HF_HUB_OFFLINE is set, so nothing is fetched, and " + request.id
            + " is not in " + settings.cache.string() + " with a revision " + request.revision
            + ". Unset it to fetch");
    FetchedModel model;
    model.folder = ModelPlace::inCache(settings.cache, request.id, commit).folder();
    model.commit = commit;
    if (const std::string missing = missingIn(model.folder);
        !missing.empty() && request.patterns.empty())
        return fail("HF_HUB_OFFLINE is set, so nothing is fetched, and " + request.id
            + " is not whole in " + model.folder.string() + ": " + missing
            + " is missing. Unset it to fetch the rest");
    return model;
}

} // namespace

std::string whatIsWrongWith(const FetchRequest& request)
{
    if (std::string wrong = whatIsWrongWithId(request.id); !wrong.empty())
        return wrong;
    if (std::string wrong = whatIsWrongWithRevision(request.revision); !wrong.empty())
        return wrong;
    std::error_code ignored;
    if (!request.folder.empty() && fs::exists(request.folder, ignored)
        && !fs::is_directory(request.folder, ignored))
        return request.folder.string() + " is not a folder";
    return {};
}

Result<FetchedModel> fetchModel(const FetchRequest& request, const HubSettings& settings,
    const ReportProgress& report, const std::stop_token& stop, const RetryPolicy& patience)
{
    if (std::string wrong = whatIsWrongWith(request); !wrong.empty())
        return fail(std::move(wrong));
    if (settings.offline)
        return findOffline(request, settings);
    return ModelFetch(request, settings, report, stop, patience).run();
}

} // namespace zen
