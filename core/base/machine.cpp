#include "core/base/machine.h"

#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/statvfs.h>

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

std::uint64_t controlGroupLimit()
{
    for (const char* file :
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::ifstream stream(file);
        std::uint64_t bytes = 0;
        if (stream >> bytes)
            return bytes;
    }
    return 0;
}

fs::path shippedFolder(const char* variable, const char* name)
{
    std::error_code error;
    if (const char* chosen = std::getenv(variable); chosen != nullptr && *chosen != '\0')
        return chosen;
    const fs::path binary = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
        const fs::path prefix = binary.parent_path().parent_path();
        for (const fs::path& candidate : {prefix / "share" / "zen-studio" / name,
                 prefix.parent_path().parent_path() / name, fs::path(ZEN_SOURCE_DIR) / name})
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
        machine.cores = std::max(1, CPU_COUNT(&mask));
    machine.memory_total_bytes = fieldOf("/proc/meminfo", "MemTotal:");
    machine.memory_available_bytes = fieldOf("/proc/meminfo", "MemAvailable:");
    if (const std::uint64_t limit = controlGroupLimit();
        limit > 0 && limit < machine.memory_total_bytes) {
        machine.memory_total_bytes = limit;
        machine.memory_available_bytes = std::min(machine.memory_available_bytes, limit);
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

std::uint64_t freeDiskBytes(const fs::path& path)
{
    std::error_code error;
    fs::path existing = fs::absolute(path, error);
    while (!existing.empty() && !fs::exists(existing, error) && existing != existing.root_path())
        existing = existing.parent_path();
    struct statvfs info {};
    if (::statvfs(existing.c_str(), &info) != 0)
        return 0;
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

fs::path resourceFolder()
{
    return shippedFolder("ZEN_RESOURCES", "resources");
}

fs::path configFolder()
{
    return shippedFolder("ZEN_CONFIGS", "configs");
}

} // namespace zen
