#include "core/base/machine.h"

#include <malloc.h>
#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace zen {

namespace fs = std::filesystem;

namespace {

std::uint64_t fieldOf(const char* file, const std::string& name)
{
    std::ifstream stream(file);
    std::string line;
    while (std::getline(stream, line))
        if (line.starts_with(name)) {
            std::istringstream rest(line.substr(name.size()));
            std::uint64_t kilobytes = 0;
            rest >> kilobytes;
            return kilobytes * 1024;
        }
    return 0;
}

std::uint64_t numberIn(const char* file)
{
    std::ifstream stream(file);
    std::uint64_t number = 0;
    return stream >> number ? number : 0;
}

/// The value behind a name in a file of "name value" lines; 0 if absent.
std::uint64_t numberBehind(const char* file, const std::string& name)
{
    std::ifstream stream(file);
    std::string key;
    std::uint64_t value = 0;
    while (stream >> key >> value)
        if (key == name)
            return value;
    return 0;
}

struct ControlGroup {
    std::uint64_t limit = 0; ///< bytes; 0: none
    std::uint64_t used = 0; ///< bytes that cannot be dropped
};

ControlGroup controlGroup()
{
    ControlGroup group;
    group.limit = numberIn("/sys/fs/cgroup/memory.max"); // version 2; "max" reads as 0
    group.used = numberIn("/sys/fs/cgroup/memory.current");
    std::uint64_t cached = numberBehind("/sys/fs/cgroup/memory.stat", "inactive_file");
    if (group.limit == 0 && group.used == 0) {
        group.limit = numberIn("/sys/fs/cgroup/memory/memory.limit_in_bytes");
        group.used = numberIn("/sys/fs/cgroup/memory/memory.usage_in_bytes");
        cached = numberBehind("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file");
    }
    group.used -= std::min(group.used, cached);
    return group;
}

/// Cores that a container's quota allows; a large number where there is none.
int coresOfQuota()
{
    std::ifstream stream("/sys/fs/cgroup/cpu.max");
    double quota = 0;
    double period = 0;
    if (stream >> quota >> period && quota > 0 && period > 0)
        return std::max(1, static_cast<int>((quota + period / 2) / period));
    return 1 << 20;
}

fs::path shippedFolder(const char* variable, const char* name)
{
    std::error_code error;
    if (const char* chosen = std::getenv(variable); chosen != nullptr && *chosen != '\0')
        return chosen;
    const fs::path binary = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
        const fs::path prefix = binary.parent_path().parent_path();
        for (const fs::path& candidate : { prefix / "share" / "zen-studio" / name,
                 prefix.parent_path().parent_path() / name, fs::path(ZEN_SOURCE_DIR) / name })
            if (fs::is_directory(candidate, error))
                return candidate;
    }
    return {};
}

} // namespace

Machine thisMachine()
{
    Machine machine;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        machine.cores = std::clamp(CPU_COUNT(&mask), 1, coresOfQuota());
    machine.memory_total_bytes = fieldOf("/proc/meminfo", "MemTotal:");
    machine.memory_available_bytes = fieldOf("/proc/meminfo", "MemAvailable:");
    if (const ControlGroup group = controlGroup();
        group.limit > 0 && group.limit < machine.memory_total_bytes) {
        machine.memory_total_bytes = group.limit;
        machine.memory_available_bytes = std::min(
            machine.memory_available_bytes, group.limit - std::min(group.limit, group.used));
    }
    std::ifstream cpuinfo("/proc/cpuinfo");
    std::string line;
    while (std::getline(cpuinfo, line)) {
        if (line.starts_with("model name") && machine.cpu_name.empty())
            if (const auto colon = line.find(": "); colon != std::string::npos)
                machine.cpu_name = line.substr(colon + 2);
        if (line.starts_with("flags")) {
            machine.has_bf16_instructions = line.find("avx512_bf16") != std::string::npos
                || line.find("amx_bf16") != std::string::npos;
            break;
        }
    }
    return machine;
}

std::uint64_t residentBytes()
{
    return fieldOf("/proc/self/status", "VmRSS:");
}

std::uint64_t peakResidentBytes()
{
    return fieldOf("/proc/self/status", "VmHWM:");
}

void resetPeakResidentBytes()
{
    std::ofstream("/proc/self/clear_refs") << "5"; // proc(5): resets VmHWM
}

void keepFreedMemory()
{
#ifdef __GLIBC__
    constexpr int kLargestKeptBlock = 32 << 20; // the most that glibc accepts
    constexpr int kKeptBytes = 512 << 20;
    ::mallopt(M_MMAP_THRESHOLD, kLargestKeptBlock);
    ::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
    ::mallopt(M_ARENA_MAX, 1);
#endif
}

void returnFreedMemory()
{
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
}

std::uint64_t freeDiskBytes(const fs::path& path)
{
    std::error_code error;
    fs::path existing = fs::absolute(path, error);
    while (!existing.empty() && !fs::exists(existing, error) && existing != existing.root_path())
        existing = existing.parent_path();
    struct statvfs info { };
    if (::statvfs(existing.c_str(), &info) != 0)
        return 0;
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

fs::path resourceFolder()
{
    return shippedFolder("ZEN_RESOURCES", "resources");
}

fs::path userConfigFolder()
{
    if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder != nullptr && *folder == '/')
        return fs::path(folder) / "zen-studio";
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr ? home : ".") / ".config" / "zen-studio";
}

fs::path configFolder()
{
    return shippedFolder("ZEN_CONFIGS", "configs");
}

} // namespace zen
