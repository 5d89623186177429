#pragma once

#include "core/base/result.h"
#include "core/train/engine.h"

namespace zen {

/// Makes the starter model from nothing but this program: demonstrations of word problems by
/// careless, hasty and careful solvers (core/data/word_problems.h), a byte-level BPE tokenizer
/// trained on them, random Qwen3 weights of about 1.1 million parameters, and supervised
/// fine-tuning by `options.sft_config`. The careless majority decides what greedy decoding does;
/// reinforcement learning finds the careful minority.
///
/// `options.output` receives config.json, generation_config.json, model.safetensors (bfloat16),
/// tokenizer.json, train.jsonl and test.jsonl (questions that no demonstration holds). It must not
/// exist. Work files stay in `<output>.work` on failure.
Result<void> makeStarter(Engine& engine, const StarterOptions& options);

} // namespace zen
