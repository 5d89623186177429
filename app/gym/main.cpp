#include "app/gym/command_line.h"
#include "app/gym/commands.h"
#include "core/base/machine.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv)
{
    zen::keepFreedMemory();
    try {
        return zen::gym::runCommandLine(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "gym: %s\n", failure.what());
        return zen::gym::kFailed;
    }
}
