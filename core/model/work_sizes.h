#pragma once

#include <cstdint>

namespace zen {

// How large the pieces are that work is cut into, and where one way of working gives way to
// another. Plain, so that core/plan counts with the engine's own numbers.

/// Models of up to so many parameters (64 MB of float32) are written with from a second layout, and
/// keep the memory that they free.
constexpr std::int64_t kSmallModel = 16'000'000;

/// Below this (hidden x intermediate size) a matrix stays in the cache, and bfloat16 gains nothing.
constexpr std::int64_t kSmallestBf16Matrix = std::int64_t{ 1 } << 20;

/// Numbers that go through a buffer at the same time while weights are made, read or written.
constexpr std::int64_t kWeightPiece = std::int64_t{ 1 } << 21;

/// Tokens that go through a layer's bfloat16 or packed products together …
constexpr std::int64_t kLayerPiece = 1024;
/// … of one thread in float32 …
constexpr std::int64_t kFloatPiece = 128;
/// … and through one expert.
constexpr std::int64_t kExpertPiece = 2048;

/// Queries that attention takes together.
constexpr std::int64_t kQueryBlock = 64;

/// Partial sums of a float32 layer's gradients; of an adapter, and where all weights train.
constexpr std::int64_t kGradientLanes = 16;
constexpr std::int64_t kGradientLanesOfWeights = 4;

/// Numbers of a bfloat16 head that are float32 at the same time: 16 MB.
constexpr std::int64_t kHeadTile = std::int64_t{ 1 } << 22;

/// Numbers of a packed matrix that are bfloat16 at the same time: 4 MB, which the library's product
/// reads from the cache.
constexpr std::int64_t kNf4Tile = std::int64_t{ 1 } << 21;

/// Tokens in a block of the key-value cache; a multiple of every panel width.
constexpr std::int64_t kCacheBlock = 32;

/// Prompts' tokens in one forward pass; a longer prompt goes alone.
constexpr std::int64_t kPrefillTokens = 8192;

} // namespace zen
