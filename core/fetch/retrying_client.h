#pragma once

#include "core/fetch/http_client.h"
#include "core/fetch/progress_meter.h"

namespace zen {

/// How patient a fetch is with servers and lines.
struct RetryPolicy {
    int tries = 6; ///< in a row without a single new byte
    std::chrono::milliseconds first_wait{ 1000 }; ///< doubled after each
    std::chrono::milliseconds longest_wait{ 30'000 };
};

/// What is to be got, over as many connections as it takes.
struct Download {
    std::string url;
    std::function<std::uint64_t()> start; ///< the byte to go on from
    std::function<bool()> is_whole; ///< asked when a reply has ended
    HttpBody body;
};

/// Goes on after broken connections, stalls and passing troubles of a server (408, 429, 5xx), with
/// growing waits that the meter's note announces.
class RetryingClient {
public:
    RetryingClient(HttpOptions options, RetryPolicy policy, ProgressMeter& meter);

    /// The outcome of the last try. `complete` means that the download is whole.
    HttpOutcome get(const Download& download, const std::stop_token& stop);

private:
    bool isWorthAnotherTry(const HttpOutcome& outcome) const;

    HttpClient m_client;
    RetryPolicy m_policy;
    ProgressMeter& m_meter;
    bool m_reached = false; ///< some server has answered, so that the line is there
};

} // namespace zen
