#include "app/gym/unpacked_model.h"

#include "app/gym/signal_watch.h"
#include "core/train/export_weights.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace zen::gym {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "gym-gguf-";
constexpr int kAttempts = 8;
constexpr std::chrono::milliseconds kBetweenLooks(50);

/// A folder of ours that nobody else holds; the kernel frees it when the process ends, however.
class HeldFolder {
public:
    static std::optional<HeldFolder> hold(const fs::path& path)
    {
        const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return std::nullopt;
        HeldFolder held(fd);
        struct stat own {
        }, there{};
        const bool is_held = ::fstat(fd, &own) == 0 && own.st_uid == ::geteuid()
            && ::flock(fd, LOCK_EX | LOCK_NB) == 0
            && ::lstat(path.c_str(), &there) == 0 // not removed before it was held
            && there.st_dev == own.st_dev && there.st_ino == own.st_ino;
        return is_held ? std::optional(std::move(held)) : std::nullopt;
    }
    HeldFolder(HeldFolder&& other) noexcept
        : m_fd(std::exchange(other.m_fd, -1))
    {
    }
    HeldFolder& operator=(HeldFolder&&) = delete;
    ~HeldFolder()
    {
        if (m_fd >= 0)
            ::close(m_fd);
    }

private:
    explicit HeldFolder(int fd)
        : m_fd(fd)
    {
    }
    int m_fd;
};

/// False for what the program was started to ignore, as nohup does.
bool endsProgram(int number)
{
    struct sigaction now { };
    return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN;
}

/// What killed programs have left.
void removeStaleFolders(const fs::path& parent)
{
    std::error_code error;
    auto entry = fs::directory_iterator(parent, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (!entry->path().filename().string().starts_with(kPrefix))
            continue;
        std::error_code ignored;
        if (const auto held = HeldFolder::hold(entry->path()))
            fs::remove_all(entry->path(), ignored);
    }
}

} // namespace

/// A temporary folder that is gone when the program is.
class UnpackedModel::Folder {
public:
    static std::unique_ptr<Folder> make(const fs::path& parent)
    {
        for (int attempt = 0; attempt < kAttempts; ++attempt) {
            std::string path = (parent / (std::string(kPrefix) + "XXXXXX")).string();
            if (::mkdtemp(path.data()) == nullptr)
                return nullptr;
            if (auto held = HeldFolder::hold(path)) // else another call took it for a stale one
                return std::unique_ptr<Folder>(new Folder(path, std::move(*held)));
        }
        return nullptr;
    }
    ~Folder()
    {
        m_watcher = {}; // asked to stop, and waited for
        remove();
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const fs::path& path() const { return m_path; }

    /// The signal that came and ends the program, or 0.
    int signalled()
    {
        if (m_signal == 0)
            if (const int number = m_signals.wait(std::chrono::milliseconds(0));
                number != 0 && endsProgram(number))
                m_signal = number;
        return m_signal;
    }

    /// From here on a thread hears signals.
    void watch()
    {
        m_watcher = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested())
                if (const int number = m_signals.wait(kBetweenLooks);
                    number != 0 && endsProgram(number))
                    endBy(number);
        });
    }

    /// Removes the folder and ends the program as the signal would have.
    void endBy(int number)
    {
        remove();
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, number);
        pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
        ::raise(number);
    }

private:
    Folder(fs::path path, HeldFolder held)
        : m_path(std::move(path))
        , m_held(std::move(held))
    {
        std::signal(SIGPIPE, SIG_DFL); // a reader that went away ends the program, as always
    }
    void remove() const
    {
        std::error_code ignored;
        fs::remove_all(m_path, ignored);
    }

    fs::path m_path;
    HeldFolder m_held;
    SignalWatch m_signals;
    int m_signal = 0;
    std::jthread m_watcher;
};

UnpackedModel::UnpackedModel() = default;
UnpackedModel::UnpackedModel(UnpackedModel&& other) noexcept = default;
UnpackedModel& UnpackedModel::operator=(UnpackedModel&& other) noexcept = default;
UnpackedModel::~UnpackedModel() = default;

Result<UnpackedModel> UnpackedModel::open(const std::string& model)
{
    UnpackedModel unpacked;
    unpacked.m_name = model;
    std::error_code error;
    const fs::path parent = fs::temp_directory_path(error);
    if (!error)
        removeStaleFolders(parent);
    std::error_code ignored;
    if (!model.ends_with(".gguf") || !fs::is_regular_file(model, ignored))
        return unpacked;
    if (!error)
        unpacked.m_folder = Folder::make(parent);
    if (!unpacked.m_folder)
        return fail("cannot make a temporary folder to unpack " + model + ": set TMPDIR");
    Folder& folder = *unpacked.m_folder;
    WeightExportOptions options;
    options.source = model;
    options.output = folder.path() / "model";
    options.is_cancelled = [&folder] { return folder.signalled() != 0; };
    const auto written = exportWeights(options);
    if (const int number = folder.signalled(); number != 0)
        folder.endBy(number);
    if (!written)
        return tl::unexpected(written.error());
    unpacked.m_name = options.output.string();
    folder.watch();
    return unpacked;
}

} // namespace zen::gym
