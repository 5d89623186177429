#include "core/model/qwen3_shape.h"

#include "core/base/durable_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace zen {

namespace {

using Json = nlohmann::json;

/// A value as a message shows it; nested ones only by kind (they may be deeper than the stack).
std::string shown(const Json& value)
{
    if (value.is_structured())
        return value.is_array() ? "a list" : "an object";
    const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() > 80 ? text.substr(0, 80) + "..." : text;
}

const Json* present(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// Reads keys and keeps the first problem, so that the callers read like a table.
class ConfigReader {
public:
    explicit ConfigReader(const Json& object)
        : m_object(object)
    {
    }
    const std::string& problem() const { return m_problem; }
    const Json& object() const { return m_object; }

    void refuse(const std::string& what)
    {
        if (m_problem.empty())
            m_problem = "config.json: " + what;
    }

    std::int64_t integer(const char* key, std::int64_t low, std::int64_t high)
    {
        if (present(m_object, key) == nullptr) {
            refuse(std::string(key) + " is missing");
            return low;
        }
        return integer(key, low, high, low);
    }

    std::int64_t integer(
        const char* key, std::int64_t low, std::int64_t high, std::int64_t otherwise)
    {
        const Json* value = present(m_object, key);
        if (value == nullptr)
            return otherwise;
        const bool fits = value->is_number_integer()
            && !(value->is_number_unsigned()
                && value->get<std::uint64_t>() > std::uint64_t(INT64_MAX))
            && value->get<std::int64_t>() >= low && value->get<std::int64_t>() <= high;
        if (!fits) {
            refuse(std::string(key) + " = " + shown(*value) + "; allowed are whole numbers from "
                + std::to_string(low) + " to " + std::to_string(high));
            return low;
        }
        return value->get<std::int64_t>();
    }

    double number(const Json& object, const char* key, double low, double high, double otherwise)
    {
        const Json* value = present(object, key);
        if (value == nullptr)
            return otherwise;
        if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high)) {
            refuse(std::string(key) + " = " + shown(*value) + "; allowed are numbers from "
                + Json(low).dump() + " to " + Json(high).dump());
            return otherwise;
        }
        return value->get<double>();
    }

    bool flag(const char* key, bool otherwise)
    {
        const Json* value = present(m_object, key);
        if (value == nullptr)
            return otherwise;
        if (!value->is_boolean()) {
            refuse(std::string(key) + " = " + shown(*value) + "; allowed are true and false");
            return otherwise;
        }
        return value->get<bool>();
    }

    std::string text(const char* key)
    {
        const Json* value = present(m_object, key);
        if (value == nullptr)
            return {};
        if (!value->is_string()) {
            refuse(std::string(key) + " = " + shown(*value) + "; a text is expected");
            return {};
        }
        return value->get<std::string>();
    }

private:
    const Json& m_object;
    std::string m_problem;
};

/// Which family the file describes; true for a mixture of experts.
bool readFamily(ConfigReader& config)
{
    std::string family = config.text("model_type");
    if (const Json* architectures = present(config.object(), "architectures"); family.empty()
        && architectures != nullptr && architectures->is_array() && !architectures->empty()
        && architectures->front().is_string()) {
        const std::string name = architectures->front().get<std::string>();
        family = name == "Qwen3ForCausalLM" ? "qwen3"
            : name == "Qwen3MoeForCausalLM" ? "qwen3_moe"
                                            : name;
    }
    if (family != "qwen3" && family != "qwen3_moe")
        config.refuse("model_type = \"" + family.substr(0, 80)
            + "\"; Qwen3 models are read (qwen3, qwen3_moe)");
    return family == "qwen3_moe";
}

/// rope_theta at the top (transformers 4) or in rope_parameters (5); only unscaled positions.
double readRopeTheta(ConfigReader& config)
{
    double theta = config.number(config.object(), "rope_theta", 1.0, 1e12, 1e6);
    for (const char* key : { "rope_scaling", "rope_parameters" }) {
        const Json* rope = present(config.object(), key);
        if (rope == nullptr)
            continue;
        if (!rope->is_object()) {
            config.refuse(std::string(key) + " = " + shown(*rope) + "; an object is expected");
            continue;
        }
        theta = config.number(*rope, "rope_theta", 1.0, 1e12, theta);
        for (const char* type_key : { "rope_type", "type" }) {
            const Json* type = present(*rope, type_key);
            if (type != nullptr && *type != "default")
                config.refuse(std::string(key) + " asks for " + shown(*type)
                    + " scaling of positions; only \"default\" is computed here. Remove " + key
                    + " to use the model up to its own context length.");
        }
    }
    return theta;
}

void readIds(ConfigReader& config, const Json& object, Qwen3Shape& shape)
{
    const auto valid = [&](const Json& id) {
        return id.is_number_integer() && id.get<std::int64_t>() >= 0
            && id.get<std::int64_t>() < shape.vocab_size;
    };
    const auto add = [&](const Json& id) {
        if (!valid(id))
            return config.refuse("eos_token_id = " + shown(id) + "; ids are from 0 to "
                + std::to_string(shape.vocab_size - 1));
        const auto value = id.get<std::int64_t>();
        if (std::find(shape.eos_ids.begin(), shape.eos_ids.end(), value) == shape.eos_ids.end())
            shape.eos_ids.push_back(value);
    };
    if (const Json* eos = present(object, "eos_token_id")) {
        if (eos->is_array())
            std::for_each(eos->begin(), eos->end(), add);
        else
            add(*eos);
    }
    const Json* pad = present(object, "pad_token_id");
    if (pad != nullptr && shape.pad_id < 0 && valid(*pad))
        shape.pad_id = pad->get<std::int64_t>();
}

void readExperts(ConfigReader& config, Qwen3Shape& shape)
{
    const char* count
        = present(config.object(), "num_experts") != nullptr ? "num_experts" : "num_local_experts";
    shape.num_experts = config.integer(count, 1, 4096);
    shape.experts_per_token
        = config.integer("num_experts_per_tok", 1, std::max<std::int64_t>(shape.num_experts, 1));
    shape.moe_intermediate_size = config.integer("moe_intermediate_size", 1, 1 << 20);
    shape.decoder_sparse_step = config.integer("decoder_sparse_step", 1, 512, 1);
    shape.norm_topk_prob = config.flag("norm_topk_prob", false);
    shape.router_aux_loss_coef
        = config.number(config.object(), "router_aux_loss_coef", 0.0, 1e3, 0.001);
    const Json* dense = present(config.object(), "mlp_only_layers");
    if (dense == nullptr)
        return;
    const bool fits
        = dense->is_array() && std::all_of(dense->begin(), dense->end(), [&](const Json& layer) {
              return layer.is_number_integer() && layer.get<std::int64_t>() >= 0
                  && layer.get<std::int64_t>() < shape.num_layers;
          });
    if (!fits)
        return config.refuse(
            "mlp_only_layers = " + shown(*dense) + "; a list of layer numbers is expected");
    shape.mlp_only_layers = dense->get<std::vector<std::int64_t>>();
}

void refuseUnknownFeatures(ConfigReader& config)
{
    if (const std::string act = config.text("hidden_act"); !act.empty() && act != "silu")
        config.refuse("hidden_act = \"" + act.substr(0, 80) + "\"; silu is computed here");
    if (config.flag("use_sliding_window", false))
        config.refuse("use_sliding_window = true; only full attention is computed here");
    if (config.flag("attention_bias", false))
        config.refuse(
            "attention_bias = true; Qwen3's projections without a bias are computed here");
}

/// True for weights that bitsandbytes packed to NF4; other ways of packing are refused.
bool readPacking(ConfigReader& config)
{
    const Json* packing = present(config.object(), "quantization_config");
    if (packing == nullptr)
        return false;
    const auto says = [&](const char* key, const Json& value) {
        const Json* found = packing->is_object() ? present(*packing, key) : nullptr;
        return found != nullptr && *found == value;
    };
    if (says("quant_method", "bitsandbytes") && says("load_in_4bit", true)
        && says("bnb_4bit_quant_type", "nf4"))
        return true;
    config.refuse("quantization_config is " + shown(*packing)
        + "; of packed weights, only those of bitsandbytes (load_in_4bit, bnb_4bit_quant_type "
          "nf4) are read. Give the unquantised checkpoint (quantization: 4bit packs it while "
          "loading)");
    return false;
}

Qwen3Shape readSizes(ConfigReader& config)
{
    const bool is_moe = readFamily(config);
    Qwen3Shape shape;
    shape.vocab_size = config.integer("vocab_size", 1, 2'000'000);
    shape.hidden_size = config.integer("hidden_size", 1, 65'536);
    shape.intermediate_size = config.integer("intermediate_size", 1, 1 << 20);
    shape.num_layers = config.integer("num_hidden_layers", 1, 512);
    shape.num_heads = config.integer("num_attention_heads", 1, 1024);
    shape.num_kv_heads = config.integer("num_key_value_heads", 1, 1024, shape.num_heads);
    if (shape.num_heads % shape.num_kv_heads != 0)
        config.refuse("num_attention_heads = " + std::to_string(shape.num_heads)
            + " must be a multiple of num_key_value_heads = " + std::to_string(shape.num_kv_heads));
    const bool has_head_dim = present(config.object(), "head_dim") != nullptr;
    if (!has_head_dim && shape.hidden_size % shape.num_heads != 0)
        config.refuse("head_dim is missing, and hidden_size = " + std::to_string(shape.hidden_size)
            + " is not a multiple of num_attention_heads = " + std::to_string(shape.num_heads));
    shape.head_dim = config.integer("head_dim", 1, 1024, shape.hidden_size / shape.num_heads);
    if (shape.head_dim % 2 != 0)
        config.refuse("head_dim = " + std::to_string(shape.head_dim)
            + "; an even number is needed to rotate pairs");
    shape.max_position_embeddings = config.integer("max_position_embeddings", 1, 1 << 27, 32'768);
    shape.rms_norm_eps = config.number(config.object(), "rms_norm_eps", 1e-12, 0.1, 1e-6);
    shape.rope_theta = readRopeTheta(config);
    shape.tied_embeddings = config.flag("tie_word_embeddings", false);
    shape.dtype
        = config.text(present(config.object(), "dtype") != nullptr ? "dtype" : "torch_dtype");
    if (is_moe)
        readExperts(config, shape);
    refuseUnknownFeatures(config);
    shape.is_packed = readPacking(config);
    return shape;
}

void writeExperts(Json& json, const Qwen3Shape& shape)
{
    json["architectures"] = { "Qwen3MoeForCausalLM" };
    json["model_type"] = "qwen3_moe";
    json["decoder_sparse_step"] = shape.decoder_sparse_step;
    json["mlp_only_layers"] = shape.mlp_only_layers;
    json["moe_intermediate_size"] = shape.moe_intermediate_size;
    json["norm_topk_prob"] = shape.norm_topk_prob;
    json["num_experts"] = shape.num_experts;
    json["num_experts_per_tok"] = shape.experts_per_token;
    json["output_router_logits"] = false;
    json["router_aux_loss_coef"] = shape.router_aux_loss_coef;
}

} // namespace

bool Qwen3Shape::isSparseLayer(std::int64_t layer) const
{
    return isMoe() && (layer + 1) % decoder_sparse_step == 0
        && std::find(mlp_only_layers.begin(), mlp_only_layers.end(), layer)
        == mlp_only_layers.end();
}

std::int64_t Qwen3Shape::sparseLayers() const
{
    std::int64_t count = 0;
    for (std::int64_t layer = 0; layer < num_layers; ++layer)
        count += isSparseLayer(layer) ? 1 : 0;
    return count;
}

std::int64_t Qwen3Shape::linearParameters() const
{
    const std::int64_t attention = hidden_size * head_dim * (2 * num_heads + 2 * num_kv_heads);
    std::int64_t total = 0;
    for (std::int64_t layer = 0; layer < num_layers; ++layer)
        total += attention
            + 3 * hidden_size
                * (isSparseLayer(layer) ? num_experts * moe_intermediate_size : intermediate_size);
    return total;
}

std::int64_t Qwen3Shape::parameters() const
{
    std::int64_t total
        = linearParameters() + vocab_size * hidden_size * (tied_embeddings ? 1 : 2) + hidden_size;
    for (std::int64_t layer = 0; layer < num_layers; ++layer)
        total += 2 * hidden_size + 2 * head_dim
            + (isSparseLayer(layer) ? num_experts * hidden_size : 0);
    return total;
}

Result<Qwen3Shape> parseShape(std::string_view config_json, std::string_view generation_config)
{
    const Json json = Json::parse(config_json.begin(), config_json.end(), nullptr, false);
    if (json.is_discarded() || !json.is_object())
        return fail("config.json: not a JSON object");
    ConfigReader config(json);
    Qwen3Shape shape = readSizes(config);
    readIds(config, json, shape);
    if (!generation_config.empty()) {
        const Json generation
            = Json::parse(generation_config.begin(), generation_config.end(), nullptr, false);
        if (generation.is_discarded() || !generation.is_object())
            return fail("generation_config.json: not a JSON object");
        readIds(config, generation, shape);
    }
    if (!config.problem().empty())
        return fail(config.problem());
    return shape;
}

Result<Qwen3Shape> readShape(const std::filesystem::path& model_folder)
{
    constexpr std::size_t kLargestConfig = 1 << 20;
    const auto config = readFile(model_folder / "config.json", kLargestConfig);
    if (!config)
        return tl::unexpected(config.error());
    std::string generation;
    std::error_code ignored;
    if (std::filesystem::exists(model_folder / "generation_config.json", ignored)) {
        auto text = readFile(model_folder / "generation_config.json", kLargestConfig);
        if (!text)
            return tl::unexpected(text.error());
        generation = std::move(*text);
    }
    auto shape = parseShape(*config, generation);
    if (!shape)
        return fail(model_folder.string() + ": " + shape.error().message);
    return shape;
}

std::string writeShape(const Qwen3Shape& shape)
{
    Json json = {
        { "architectures", { "Qwen3ForCausalLM" } },
        { "attention_bias", shape.attention_bias },
        { "attention_dropout", 0.0 },
        { "head_dim", shape.head_dim },
        { "hidden_act", "silu" },
        { "hidden_size", shape.hidden_size },
        { "initializer_range", 0.02 },
        { "intermediate_size", shape.intermediate_size },
        { "max_position_embeddings", shape.max_position_embeddings },
        { "max_window_layers", shape.num_layers },
        { "model_type", "qwen3" },
        { "num_attention_heads", shape.num_heads },
        { "num_hidden_layers", shape.num_layers },
        { "num_key_value_heads", shape.num_kv_heads },
        { "rms_norm_eps", shape.rms_norm_eps },
        { "rope_scaling", nullptr },
        { "rope_theta", shape.rope_theta },
        { "sliding_window", nullptr },
        { "tie_word_embeddings", shape.tied_embeddings },
        { "torch_dtype", shape.dtype.empty() ? "float32" : shape.dtype },
        { "use_cache", true },
        { "use_sliding_window", false },
        { "vocab_size", shape.vocab_size },
    };
    if (shape.isMoe())
        writeExperts(json, shape);
    if (shape.eos_ids.size() == 1)
        json["eos_token_id"] = shape.eos_ids.front();
    else if (!shape.eos_ids.empty())
        json["eos_token_id"] = shape.eos_ids;
    if (shape.pad_id >= 0)
        json["pad_token_id"] = shape.pad_id;
    return json.dump(2) + "\n";
}

} // namespace zen
