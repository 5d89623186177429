#include "core/runs/tensorboard_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kFilePrefix = "events.out.tfevents.";

constexpr std::array<std::uint32_t, 256> crcTable()
{
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit)
            value = value >> 1 ^ ((value & 1) != 0 ? 0x82f6'3b78 : 0);
        table[byte] = value;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = crcTable();

/// A protocol buffers message, field by field.
class ProtoMessage {
public:
    void addVarint(int field, std::uint64_t value)
    {
        varint(static_cast<std::uint64_t>(field) << 3);
        varint(value);
    }
    void addDouble(int field, double value)
    {
        varint(static_cast<std::uint64_t>(field) << 3 | 1);
        fixed(std::bit_cast<std::uint64_t>(value), 8);
    }
    void addFloat(int field, float value)
    {
        varint(static_cast<std::uint64_t>(field) << 3 | 5);
        fixed(std::bit_cast<std::uint32_t>(value), 4);
    }
    void addBytes(int field, std::string_view bytes)
    {
        varint(static_cast<std::uint64_t>(field) << 3 | 2);
        varint(bytes.size());
        m_bytes.append(bytes);
    }
    const std::string& bytes() const { return m_bytes; }

private:
    void varint(std::uint64_t value)
    {
        for (; value >= 0x80; value >>= 7)
            m_bytes += static_cast<char>(value | 0x80);
        m_bytes += static_cast<char>(value);
    }
    void fixed(std::uint64_t value, int bytes)
    {
        for (int i = 0; i < bytes; ++i)
            m_bytes += static_cast<char>(value >> (8 * i));
    }
    std::string m_bytes;
};

// tensorflow/core/util/event.proto and framework/summary.proto
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr int kValue = 1, kTag = 1, kSimpleValue = 2;
constexpr int kStatus = 1, kStatusStart = 1;

ProtoMessage eventAt(double wall_time, std::int64_t step)
{
    ProtoMessage event;
    event.addDouble(kWallTime, wall_time);
    event.addVarint(kStep, static_cast<std::uint64_t>(step));
    return event;
}

void addScalar(ProtoMessage& summary, const std::string& tag, double value)
{
    ProtoMessage scalar;
    scalar.addBytes(kTag, tag);
    scalar.addFloat(kSimpleValue, static_cast<float>(value));
    summary.addBytes(kValue, scalar.bytes());
}

void addInteger(std::string& to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        to += static_cast<char>(value >> (8 * i));
}

/// Length, its checksum, the message, its checksum.
std::string framed(const std::string& message)
{
    std::string frame;
    addInteger(frame, message.size(), 8);
    addInteger(frame, maskedCrc32c(frame), 4);
    frame += message;
    addInteger(frame, maskedCrc32c(message), 4);
    return frame;
}

std::vector<fs::path> eventFiles(const fs::path& folder)
{
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.path().filename().string().starts_with(kFilePrefix))
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

/// Cuts what a killed session left of its last record.
void cutTornRecord(const fs::path& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat info { };
    if (fd < 0)
        return;
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        const auto size = static_cast<std::uint64_t>(info.st_size);
        std::uint64_t end = 0;
        std::array<char, 12> head{};
        while (::pread(fd, head.data(), head.size(), static_cast<off_t>(end))
            == static_cast<ssize_t>(head.size())) {
            std::uint64_t length = 0;
            std::uint32_t sum = 0;
            std::memcpy(&length, head.data(), 8);
            std::memcpy(&sum, head.data() + 8, 4);
            if (sum != maskedCrc32c({ head.data(), 8 }) || length > size
                || end + length + 16 > size)
                break;
            end += length + 16;
        }
        if (end < size && ::ftruncate(fd, static_cast<off_t>(end)) != 0) {
            // readers stop at the torn record; nothing else is lost
        }
    }
    ::close(fd);
}

/// Seconds since 1970 in ten digits, as TensorBoard names its files, later than every file there.
std::int64_t secondsForName(const std::vector<fs::path>& files, double wall_time)
{
    auto seconds = static_cast<std::int64_t>(wall_time);
    if (!files.empty()) {
        const std::string last = files.back().filename().string().substr(kFilePrefix.size());
        seconds = std::max<std::int64_t>(seconds, std::strtoll(last.c_str(), nullptr, 10) + 1);
    }
    return seconds;
}

std::string hostName()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
        return "localhost";
    std::string host(name.data());
    std::replace(host.begin(), host.end(), '/', '-');
    return host;
}

} // namespace

std::uint32_t maskedCrc32c(std::string_view bytes)
{
    std::uint32_t crc = ~std::uint32_t{ 0 };
    for (const char byte : bytes)
        crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282'ead8;
}

Result<TensorBoardFile> TensorBoardFile::create(
    const fs::path& folder, std::int64_t first_step, double wall_time)
{
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return fail("cannot create " + folder.string() + ": " + error.message());
    const std::vector<fs::path> files = eventFiles(folder);
    if (!files.empty())
        cutTornRecord(files.back());
    char seconds[24];
    std::snprintf(seconds, sizeof seconds, "%010lld",
        static_cast<long long>(secondsForName(files, wall_time)));
    const fs::path path = folder
        / (std::string(kFilePrefix) + seconds + "." + hostName() + "." + std::to_string(::getpid())
            + ".0");
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail("cannot create " + path.string() + ": " + std::strerror(errno));
    TensorBoardFile file(path, fd);
    ProtoMessage version;
    version.addDouble(kWallTime, wall_time);
    version.addBytes(kFileVersion, "brain.Event:2");
    if (auto written = file.append(version.bytes()); !written)
        return tl::unexpected(written.error());
    if (first_step == 0 && files.empty())
        return file;
    ProtoMessage start
        = eventAt(wall_time, first_step + 1); // readers drop this step and later ones
    ProtoMessage status;
    status.addVarint(kStatus, kStatusStart);
    start.addBytes(kSessionLog, status.bytes());
    if (auto written = file.append(start.bytes()); !written)
        return tl::unexpected(written.error());
    return file;
}

TensorBoardFile::TensorBoardFile(TensorBoardFile&& other) noexcept
    : m_path(std::move(other.m_path))
    , m_fd(std::exchange(other.m_fd, -1))
{
}

TensorBoardFile& TensorBoardFile::operator=(TensorBoardFile&& other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_fd, other.m_fd);
    return *this;
}

TensorBoardFile::~TensorBoardFile()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

Result<void> TensorBoardFile::append(const std::string& message)
{
    const std::string frame = framed(message);
    const off_t before = ::lseek(m_fd, 0, SEEK_END);
    std::size_t done = 0;
    while (done < frame.size()) {
        const ssize_t written = ::write(m_fd, frame.data() + done, frame.size() - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            const int reason = errno;
            if (before >= 0 && ::ftruncate(m_fd, before) != 0) {
                // the next session cuts the torn record
            }
            return fail("cannot write " + m_path.string() + ": " + std::strerror(reason));
        }
        done += static_cast<std::size_t>(written);
    }
    return {};
}

Result<void> TensorBoardFile::add(const TimedEvent& timed)
{
    ProtoMessage summary;
    std::int64_t step = 0;
    if (const auto* finished = std::get_if<StepFinished>(&timed.event)) {
        step = finished->step;
        for (const auto& [name, value] : finished->metrics)
            addScalar(summary, "train/" + name, value);
        addScalar(summary, "train/epoch", finished->epoch);
    } else if (const auto* evaluation = std::get_if<EvaluationFinished>(&timed.event)) {
        step = evaluation->step;
        for (const auto& [name, value] : evaluation->metrics)
            addScalar(summary, name, value);
    }
    if (summary.bytes().empty())
        return {};
    ProtoMessage event = eventAt(timed.wall_time, step);
    event.addBytes(kSummary, summary.bytes());
    return append(event.bytes());
}

bool holdsEventFiles(const fs::path& folder)
{
    return !eventFiles(folder).empty();
}

} // namespace zen
