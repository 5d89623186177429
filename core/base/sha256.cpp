#include "core/base/sha256.h"

#include "core/base/content_digest.h"

#include <fstream>
#include <vector>

namespace zen {

std::string sha256Hex(std::string_view bytes)
{
    ContentDigest digest = ContentDigest::sha256();
    digest.add(bytes);
    return digest.hex();
}

Result<std::string> sha256HexOfFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail("cannot open " + path.string());
    ContentDigest digest = ContentDigest::sha256();
    std::vector<char> piece(1 << 20);
    while (file) {
        file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        digest.add({ piece.data(), static_cast<std::size_t>(file.gcount()) });
    }
    if (file.bad())
        return fail("cannot read " + path.string());
    return digest.hex();
}

} // namespace zen
