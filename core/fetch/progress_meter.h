#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace zen {

/// How far a fetch is.
struct FetchProgress {
    enum class Phase { listing, checking, fetching };
    Phase phase = Phase::listing;
    std::string file; ///< the one in work
    std::uint64_t file_bytes = 0, file_size = 0;
    std::uint64_t bytes = 0, size = 0; ///< of all files, those that were here already included
    std::size_t files = 0, files_in_all = 0; ///< complete ones, and all
    double bytes_per_second = 0; ///< from the network, over the last seconds; 0: unknown
    std::optional<double> seconds_left;
    std::string note; ///< "connection lost; trying again in 4 s"; empty while all is well
};

/// Called on the fetching thread.
using ReportProgress = std::function<void(const FetchProgress&)>;

/// Counts, measures the rate and reports at most ten times a second, and at every change of file
/// or phase.
class ProgressMeter {
public:
    explicit ProgressMeter(ReportProgress report);

    void begin(std::size_t files, std::uint64_t size);
    void startFile(const std::string& name, std::uint64_t size);
    void setPhase(FetchProgress::Phase phase);
    void received(std::uint64_t bytes); ///< of this file, from the network
    void found(std::uint64_t bytes); ///< of this file, on the disk
    void restartFile(); ///< what this file counted is void
    void finishFile();
    void setNote(const std::string& note);

private:
    using Clock = std::chrono::steady_clock;
    struct Mark {
        Clock::time_point time;
        std::uint64_t bytes = 0;
    };
    void measure(Clock::time_point now);
    void report(bool now);

    ReportProgress m_report;
    FetchProgress m_progress;
    std::uint64_t m_network_bytes = 0;
    std::deque<Mark> m_marks; ///< of the last seconds
    Clock::time_point m_reported{};
};

} // namespace zen
