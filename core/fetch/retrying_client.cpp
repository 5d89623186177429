#include "core/fetch/retrying_client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace zen {

namespace {

constexpr int kMostRetryAfter = 120; ///< seconds; a server that asks for more is given up

/// False if the stop came first.
bool sleepUnlessStopped(std::chrono::milliseconds time, const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

std::string secondsText(std::chrono::milliseconds time)
{
    return std::to_string(std::max<std::int64_t>(1, (time.count() + 500) / 1000)) + " s";
}

} // namespace

RetryingClient::RetryingClient(HttpOptions options, RetryPolicy policy, ProgressMeter& meter)
    : m_client(std::move(options))
    , m_policy(policy)
    , m_meter(meter)
{
}

bool RetryingClient::isWorthAnotherTry(const HttpOutcome& outcome) const
{
    switch (outcome.end) {
    case HttpEnd::broken:
        return true;
    case HttpEnd::unreachable:
        return m_reached;
    case HttpEnd::refused: {
        const int status = outcome.head.status;
        return status == 408 || (status == 429 && outcome.head.retry_after <= kMostRetryAfter)
            || status == 500 || status == 502 || status == 503 || status == 504;
    }
    default:
        return false;
    }
}

HttpOutcome RetryingClient::get(const Download& download, const std::stop_token& stop)
{
    std::chrono::milliseconds wait = m_policy.first_wait;
    for (int tries = 1;; ++tries) {
        const std::uint64_t before = download.start();
        HttpOutcome outcome = m_client.get(download.url, before, download.body, stop);
        if (outcome.end == HttpEnd::complete && !download.is_whole()) {
            outcome.end = HttpEnd::broken;
            outcome.message = outcome.head.host + ": the file ended early";
        }
        m_reached = m_reached || outcome.head.status != 0;
        if (download.start() > before) {
            tries = 1;
            wait = m_policy.first_wait;
        }
        if (!isWorthAnotherTry(outcome) || tries >= m_policy.tries)
            return outcome;
        const auto asked = std::chrono::seconds(
            std::clamp(outcome.head.retry_after.value_or(0), 0, kMostRetryAfter));
        const auto pause = std::max<std::chrono::milliseconds>(wait, asked);
        m_meter.setNote(outcome.message + "; trying again in " + secondsText(pause));
        if (!sleepUnlessStopped(pause, stop)) {
            outcome.end = HttpEnd::stopped;
            return outcome;
        }
        wait = std::min(wait * 2, m_policy.longest_wait);
    }
}

} // namespace zen
