"""One module a command: `run(options)` does it, prints its result and returns the exit code."""
