#include "app/gym/start_engine.h"

#include "app/gym/terminal.h"

namespace zen::gym {

Engine* startEngine()
{
    const Result<Engine*> engine = loadEngine();
    if (!engine)
        printError(engine.error().message);
    return engine.value_or(nullptr);
}

} // namespace zen::gym
