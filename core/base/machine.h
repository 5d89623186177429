#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace zen {

/// What this machine has, as the program may use it (affinity mask and container limits included).
struct Machine {
    int cores = 1;
    std::uint64_t memory_total_bytes = 0; ///< the smaller of the machine's and the control group's
    std::uint64_t memory_available_bytes = 0;
    bool has_bf16_instructions = false; ///< AVX512-BF16 or AMX-BF16
    std::string cpu_name;
};

/// Reads /proc and the affinity mask; never fails (unknown values stay 0).
Machine thisMachine();

/// Resident memory of this process now, and its peak since start, in bytes.
std::uint64_t residentBytes();
std::uint64_t peakResidentBytes();

/// Begins the peak anew at what is resident now, where the system allows it.
void resetPeakResidentBytes();

/// Keeps memory that is given back for the next use instead of returning it to the system: a small
/// model's step frees and takes the same pages hundreds of times, which took half of its time. For
/// the whole process; blocks over 32 MiB still go back. All threads share one pool if this is
/// called before the first of them starts.
void keepFreedMemory();

/// Returns what is free in the process's pool to the system, in spite of keepFreedMemory.
void returnFreedMemory();

/// Free bytes on the file system that holds `path` (its nearest existing parent); 0 if unknown.
std::uint64_t freeDiskBytes(const std::filesystem::path& path);

/// The folder with the program's shipped data (tiers, presets, starter): $ZEN_RESOURCES, else the
/// installed share folder beside the binary, else the source tree that it was built from. Empty if
/// none exists.
std::filesystem::path resourceFolder();

/// Where a person keeps settings of their own: $XDG_CONFIG_HOME/zen-studio, else
/// ~/.config/zen-studio. Need not exist.
std::filesystem::path userConfigFolder();

/// The folder of shipped configurations (`configs/`), found in the same way.
std::filesystem::path configFolder();

} // namespace zen
