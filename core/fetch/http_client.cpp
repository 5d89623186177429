#include "core/fetch/http_client.h"

#include "core/base/log.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace zen {

namespace {

constexpr int kMostRedirects = 10;
constexpr long kReceiveBuffer = 256 * 1024;
constexpr std::size_t kLongestReason = 300;

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;
using CurlList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

/// Scheme, host and port of a URL, with the port always written; empty if it is none.
struct Origin {
    std::string scheme, host, port;
    bool operator==(const Origin&) const = default;
};

std::string partOf(CURLU* url, CURLUPart part)
{
    char* text = nullptr;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return {};
    std::string value(text);
    curl_free(text);
    std::transform(value.begin(), value.end(), value.begin(),
        [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value;
}

Origin originOf(const std::string& url)
{
    const CurlUrl parts(curl_url(), &curl_url_cleanup);
    if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
        return {};
    return { partOf(parts.get(), CURLUPART_SCHEME), partOf(parts.get(), CURLUPART_HOST),
        partOf(parts.get(), CURLUPART_PORT) };
}

template <class Number> std::optional<Number> numberIn(std::string_view text)
{
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// "bytes 100-199/200"
void readContentRange(std::string_view value, HttpHead& head)
{
    if (!value.starts_with("bytes "))
        return;
    value.remove_prefix(6);
    const auto dash = value.find('-');
    const auto slash = value.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos)
        return;
    head.range_start = numberIn<std::uint64_t>(value.substr(0, dash));
    head.whole_size = numberIn<std::uint64_t>(value.substr(slash + 1));
}

/// One line of a head, as curl hands it over; a status line starts a new head.
void readHeadLine(std::string_view line, HttpHead& head)
{
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' '))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        head = {};
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
        return;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
        [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' '))
        value.remove_prefix(1);
    if (name == "content-length")
        head.content_length = numberIn<std::uint64_t>(value);
    else if (name == "content-range")
        readContentRange(value, head);
    else if (name == "retry-after")
        head.retry_after = numberIn<int>(value);
    else if (name == "x-error-message")
        head.reason = printable(value.substr(0, kLongestReason));
}

/// What one request's callbacks share.
struct Exchange {
    CURL* curl = nullptr;
    const HttpBody* body = nullptr;
    const std::stop_token* stop = nullptr;
    HttpHead head;
    bool begun = false;
    std::optional<Error> refusal; ///< the body's own Error

    bool isSuccess() const { return head.status >= 200 && head.status < 300; }

    /// Hands over the head, once; false if the body wants no more.
    bool begin()
    {
        if (!begun) {
            begun = true;
            if (auto taken = body->begin(head); !taken)
                refusal = taken.error();
        }
        return !refusal;
    }
};

std::size_t takeHead(char* line, std::size_t size, std::size_t count, void* context)
{
    readHeadLine({ line, size * count }, static_cast<Exchange*>(context)->head);
    return size * count;
}

std::size_t takeBytes(char* bytes, std::size_t size, std::size_t count, void* context)
{
    auto& exchange = *static_cast<Exchange*>(context);
    long status = 0;
    curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
    exchange.head.status = static_cast<int>(status);
    if (!exchange.isSuccess())
        return size * count; // an error page, or a redirect's: read and forgotten
    if (!exchange.begin())
        return CURL_WRITEFUNC_ERROR;
    if (auto taken = exchange.body->bytes({ bytes, size * count }); !taken) {
        exchange.refusal = taken.error();
        return CURL_WRITEFUNC_ERROR;
    }
    return size * count;
}

int watchStop(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return static_cast<Exchange*>(context)->stop->stop_requested() ? 1 : 0;
}

bool isRedirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

HttpEnd endOf(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HttpEnd::complete;
    case CURLE_ABORTED_BY_CALLBACK:
        return HttpEnd::stopped;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return HttpEnd::unreachable;
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return HttpEnd::broken;
    default:
        return HttpEnd::failed;
    }
}

/// curl wants to be told once a process, before the first handle.
bool isCurlReady()
{
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    return started == CURLE_OK;
}

} // namespace

struct HttpClient::State {
    HttpOptions options;
    Origin home;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{ nullptr, &curl_easy_cleanup };
    std::array<char, CURL_ERROR_SIZE> problem{};

    CurlList prepare(const std::string& url, std::uint64_t range_start, Exchange& exchange);
    HttpOutcome once(const std::string& url, std::uint64_t range_start, Exchange& exchange);
};

HttpClient::HttpClient(HttpOptions options)
    : m_state(std::make_unique<State>())
{
    m_state->options = std::move(options);
    if (isCurlReady())
        m_state->curl.reset(curl_easy_init());
    m_state->home = originOf(m_state->options.endpoint);
}

HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

CurlList HttpClient::State::prepare(
    const std::string& url, std::uint64_t range_start, Exchange& exchange)
{
    CURL* handle = curl.get();
    curl_easy_reset(handle); // keeps the connection
    problem.fill('\0');
    // sizes and ranges are the file's own
    curl_slist* list = curl_slist_append(nullptr, "Accept-Encoding: identity");
    if (!options.token.empty() && originOf(url) == home && !home.host.empty())
        list = curl_slist_append(list, ("Authorization: Bearer " + options.token).c_str());
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "zen-studio");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kReceiveBuffer);
    curl_easy_setopt(
        handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_limit.count()));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(
        handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_limit.count()));
    if (!options.ca_file.empty())
        curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    if (range_start > 0)
        curl_easy_setopt(handle, CURLOPT_RANGE, (std::to_string(range_start) + "-").c_str());
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, problem.data());
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &takeHead);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &takeBytes);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &watchStop);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &exchange);
    return { list, &curl_slist_free_all };
}

HttpOutcome HttpClient::State::once(
    const std::string& url, std::uint64_t range_start, Exchange& exchange)
{
    exchange.head = {};
    exchange.curl = curl.get();
    const CurlList headers = prepare(url, range_start, exchange);
    const CURLcode code = curl_easy_perform(curl.get());
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.head.status = static_cast<int>(status);
    exchange.head.host = originOf(url).host;
    HttpOutcome outcome;
    outcome.end = endOf(code);
    if (exchange.stop->stop_requested())
        outcome.end = HttpEnd::stopped;
    else if (exchange.refusal)
        outcome.message = exchange.refusal->message;
    else if (code != CURLE_OK)
        outcome.message = exchange.head.host + ": "
            + printable(problem[0] != '\0' ? problem.data() : curl_easy_strerror(code))
            + (code == CURLE_PEER_FAILED_VERIFICATION
                    ? " (if a proxy signs for others here, name its certificates in SSL_CERT_FILE)"
                    : "");
    else if (exchange.isSuccess() && !exchange.begin()) { // an empty body
        outcome.end = HttpEnd::failed;
        outcome.message = exchange.refusal->message;
    } else if (!exchange.isSuccess()) {
        outcome.end = HttpEnd::refused;
        outcome.message = exchange.head.host + " answers " + std::to_string(status)
            + (exchange.head.reason.empty() ? "" : ": " + exchange.head.reason);
    }
    outcome.head = exchange.head;
    return outcome;
}

HttpOutcome HttpClient::get(const std::string& url, std::uint64_t range_start, const HttpBody& body,
    const std::stop_token& stop)
{
    if (!m_state->curl)
        return { HttpEnd::failed, {}, "libcurl cannot be started" };
    Exchange exchange;
    exchange.body = &body;
    exchange.stop = &stop;
    std::string at = url;
    for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
        HttpOutcome outcome = m_state->once(at, range_start, exchange);
        char* next = nullptr;
        if (outcome.end == HttpEnd::refused && isRedirect(outcome.head.status))
            curl_easy_getinfo(m_state->curl.get(), CURLINFO_REDIRECT_URL, &next);
        if (next == nullptr)
            return outcome;
        const Origin target = originOf(next);
        if (originOf(at).scheme == "https" && target.scheme != "https")
            return { HttpEnd::failed, outcome.head,
                outcome.head.host + " redirects from https to "
                    + (target.host.empty() ? "no address"
                                           : printable(target.scheme + "://" + target.host)) };
        at = next;
    }
    return { HttpEnd::failed, {}, url + ": more than ten redirects" };
}

} // namespace zen
