#pragma once

#include "core/base/result.h"
#include "core/runs/timed_events.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace zen {

/// CRC-32C (Castagnoli) as TFRecord files store it: rotated and offset, so that a checksum of bytes
/// that hold checksums stays good.
std::uint32_t maskedCrc32c(std::string_view bytes);

/// A TensorBoard event file (events.out.tfevents.…): TFRecord frames around Event messages. One
/// file a session; TensorBoard reads all of a folder in the order of their names. Closes itself.
class TensorBoardFile {
public:
    /// A new file in `folder`, which is created; sorts behind the ones that are there. A torn last
    /// record of an earlier, killed session is cut off. For a resumed run `first_step` says how
    /// many steps are done: readers then forget later ones.
    static Result<TensorBoardFile> create(
        const std::filesystem::path& folder, std::int64_t first_step, double wall_time);
    TensorBoardFile(TensorBoardFile&& other) noexcept;
    TensorBoardFile& operator=(TensorBoardFile&& other) noexcept;
    ~TensorBoardFile();

    /// The scalars of a StepFinished ("train/" before TRL's names, and train/epoch) or an
    /// EvaluationFinished (names as they are); nothing for other events. In the file system when it
    /// returns.
    Result<void> add(const TimedEvent& event);

    const std::filesystem::path& path() const { return m_path; }

private:
    TensorBoardFile(std::filesystem::path path, int fd)
        : m_path(std::move(path))
        , m_fd(fd)
    {
    }
    Result<void> append(const std::string& message);

    std::filesystem::path m_path;
    int m_fd = -1;
};

/// True if the folder holds an event file.
bool holdsEventFiles(const std::filesystem::path& folder);

} // namespace zen
