#pragma once

#include "core/model/packed_rows.h"
#include "core/model/projection.h"
#include "core/model/qwen3.h"
#include "core/rollout/key_value_cache.h"
#include "core/rollout/sample_row.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace zen {

// R rows, D hidden size, V vocabulary

/// A matrix for decoding: in ready panels where the model is small (the adapter added in), else as
/// it is stored.
class DecodeMatrix {
public:
    DecodeMatrix(const WeightMatrix& weight, const LoraPair& pair, double scale, bool in_panels);
    std::int64_t out() const { return m_weight.out(); }
    /// y [R, O] = this times x [R, I] (+ y)
    void apply(const float* x, std::int64_t rows, float* y, bool accumulate) const;

private:
    void applyStored(const float* x, std::int64_t rows, float* y) const;
    void applyLibrary(const float* x, std::int64_t rows, float* y) const;

    WeightMatrix m_weight;
    std::shared_ptr<PreparedProjection> m_panels; ///< null: as stored
    at::Tensor m_a_RI, m_b_OR; ///< as stored only: the pair apart
    float m_scale = 1;
};

/// A row that is being written.
struct DecodingRow {
    const CachedTokens* prompt = nullptr;
    CachedTokens own;
    std::int64_t last_id = 0;
    NoiseKey key;
    SampledToken sampled; ///< what the last step drew
};

struct DrawOptions {
    SamplingOptions sampling;
    std::int64_t limit = 0; ///< ids from here on are never drawn
};

/// A model made ready to write: weights laid out once, then one call a position.
class Decoder {
public:
    /// @param longest tokens of the longest prompt with its completion
    Decoder(const Qwen3& model, bool use_adapter, std::int64_t longest);

    /// Runs the prompts, fills their caches, and returns the hidden state after each one's last
    /// token, [prompts, D].
    at::Tensor prefill(
        const std::vector<std::vector<std::int64_t>>& prompts, std::vector<CachedTokens>& caches);

    /// Draws a first token for every row from its prompt's hidden state.
    void drawFirst(const std::vector<DecodingRow*>& rows, const std::vector<const float*>& hidden_D,
        const DrawOptions& options) const;

    /// Feeds each row its last id and draws the next one. Rows do not influence each other.
    void step(const std::vector<DecodingRow*>& rows, const DrawOptions& options);

    CacheBlocks& blocks() { return m_blocks; }

private:
    struct Layer {
        const LayerWeights* weights;
        std::array<std::shared_ptr<DecodeMatrix>, kProjections>
            matrices; ///< null: a sparse layer's
        std::shared_ptr<DecodeMatrix> router; ///< null: dense
        std::vector<std::array<std::shared_ptr<DecodeMatrix>, kExpertProjections>> experts;
        const DecodeMatrix& at(Projection projection) const
        {
            return *matrices[static_cast<std::size_t>(projection)];
        }
    };
    void stepTile(DecodingRow* const* rows, std::int64_t count, const DrawOptions& options) const;
    void mlpTile(const Layer& layer, const float* normed, std::int64_t count, float* x) const;
    void expertsTile(const Layer& layer, const float* normed, std::int64_t count, float* x) const;
    void attendTile(std::int64_t layer, DecodingRow* const* rows, std::int64_t count,
        const float* normed, float* attention) const;
    void attend(std::int64_t layer, std::int64_t kv_head, const DecodingRow& row,
        const float* queries, float* attention) const;
    void draw(const float* hidden, DecodingRow* const* rows, std::int64_t count,
        const DrawOptions& options) const;
    void normed(const float* x, const at::Tensor& weight_D, float* y, std::int64_t rows) const;

    const Qwen3& m_model;
    bool m_use_adapter;
    bool m_in_panels; ///< a small float32 model: copied into panels with its adapter added in, and
                      ///< each thread writes rows of its own
    RotaryTable m_rotary;
    std::vector<Layer> m_layers;
    std::unique_ptr<DecodeMatrix> m_head;
    CacheBlocks m_blocks;
};

} // namespace zen
