#pragma once

#include "core/train/engine.h"

namespace zen::gym {

/// The engine (core/train/engine.h); nullptr if it cannot be loaded: the reason is then on standard
/// error.
Engine* startEngine();

} // namespace zen::gym
