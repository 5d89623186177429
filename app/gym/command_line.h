#pragma once

namespace zen::gym {

/// Reads the command line and runs the command that it names. Returns the exit code.
int runCommandLine(int argc, char** argv);

} // namespace zen::gym
