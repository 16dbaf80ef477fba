"""wasmtime within the process of the tests: compiling leaves no threads behind, which a forked guest would wait for."""

import wasmtime


def engine():
    """An engine that compiles where it is called."""
    config = wasmtime.Config()
    config.parallel_compilation = False
    return wasmtime.Engine(config)
